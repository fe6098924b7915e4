import { describe, expect, it } from "vitest";
import { gradients } from "../../../lib/autodiff/gradients.ts";
import { rules } from "../../../lib/autodiff/rules.ts";
import {
  cat,
  einsum,
  maximum,
  meshgrid,
  minimum,
  noGrad,
  realize,
  stack,
  type Tensor,
  tensor,
  tril,
  where,
  zeros,
} from "../../../lib/index.ts";
import * as F from "../../../lib/nn/functional/index.ts";
import { Tensor as TensorClass } from "../../../lib/tensor/tensor.ts";
import reference from "../../reference/ops.json" with { type: "json" };
import { inBothFormulations } from "./recorded.ts";

interface Recorded {
  inputs: { shape: number[]; dtype: string; data: number[] }[];
  shape: number[];
  value: number[];
  grads?: number[][];
  second?: number[][];
}

type Operation = (...xs: Tensor[]) => Tensor;
const recorded = reference.cases as Record<string, Recorded>;
const sq = (x: Tensor) => x.square();
const product = (xs: Tensor[]) => xs.reduce((a, b) => a.mul(b));

/** The same operations as in test/reference/ops.py, by name. */
const operations: Record<string, Operation> = {
  neg: (x) => x.neg(),
  exp: (x) => x.exp(),
  tanh: (x) => x.tanh(),
  sigmoid: (x) => x.sigmoid(),
  erf: (x) => x.erf(),
  sin: (x) => x.sin(),
  cos: (x) => x.cos(),
  square: sq,
  log: (x) => x.log(),
  sqrt: (x) => x.sqrt(),
  rsqrt: (x) => x.rsqrt(),
  reciprocal: (x) => x.reciprocal(),
  relu: (x) => x.relu(),
  abs: (x) => x.abs(),
  sign: (x) => x.sign(),
  floor: (x) => x.floor(),
  ceil: (x) => x.ceil(),
  round: (x) => x.round(),
  silu: (x) => x.silu(),
  gelu: (x) => x.gelu(),
  quickGelu: (x) => x.quickGelu(),
  clamp: (x) => x.clamp(-1, 0.5),
  add: (a, b) => a!.add(b!),
  sub: (a, b) => a!.sub(b!),
  mul: (a, b) => a!.mul(b!),
  div: (a, b) => a!.div(b!),
  pow: (a, b) => a!.pow(b!),
  powConstant: (x) => x.pow(3),
  powHalf: (x) => x.pow(0.5),
  maximum: (a, b) => maximum(a!, b!),
  minimum: (a, b) => minimum(a!, b!),
  remainder: (a, b) => a!.remainder(b!),
  floorDivide: (a, b) => a!.floorDivide(b!),
  where: (a, b) => where(a!.gt(0), a!.mul(b!), b!),
  maskedFill: (x) => x.maskedFill(x.gt(0.5), 7),
  cast: (x) => x.long().float().add(x.half().float()),
  sum: (x) => x.sum(),
  sumDim: (x) => x.sum([0, 2]),
  sumKeep: (x) => x.sum(1, true),
  mean: (x) => x.mean(),
  meanDim: (x) => x.mean([-1, 0]),
  var: (x) => x.var(1),
  std: (x) => x.std(0, { keepdim: true, correction: 0 }),
  norm: (x) => x.norm(2, 1),
  max: (x) => x.max(),
  maxDim: (x) => x.max(1).values,
  amax: (x) => x.amax([0, 2]),
  minDim: (x) => x.min(0).values,
  argmax: (x) => x.argmax(1).float(),
  argmin: (x) => x.argmin().float(),
  cumsum: (x) => x.cumsum(1),
  softmax: (x) => x.softmax(1),
  softmaxFirst: (x) => x.softmax(0),
  logSoftmax: (x) => x.logSoftmax(-1),
  reshape: (x) => sq(x.reshape(3, -1)),
  permute: (x) => sq(x.permute(2, 0, 1)),
  transpose: (x) => sq(x.transpose(0, -1)),
  squeeze: (x) => sq(x.squeeze(1)),
  unsqueeze: (x) => sq(x.unsqueeze(-1)),
  expand: (x) => sq(x.expand(2, 4, 3)),
  repeat: (x) => sq(x.repeat(2, 1, 2)),
  flatten: (x) => sq(x.flatten(1)),
  flip: (x) => sq(x.flip(0, 2)),
  slice: (x) => sq(x.slice(0, 1, 4).slice(1, 0, 6, 2)),
  select: (x) => sq(x.at(null, -2)),
  sliceStep3: (x) => sq(x.at([2, 11, 3])),
  pad: (x) => sq(x.pad([1, 2, 0, 1], 0.5)),
  padNegative: (x) => sq(x.pad([-1, -1, 2, -1])),
  cat: (a, b) => sq(cat([a!, b!, a!], 1)),
  stack: (a, b) => sq(stack([a!, b!], 1)),
  split: (x) => x.split(3)[1]!.mul(x.split(3)[0]!),
  chunk: (x) => sq(x.chunk(3, 1)[2]!),
  tril: (x) => sq(tril(x)),
  indexSelect: (x, i) => sq(x!.indexSelect(0, i!)),
  indexSelectDim1: (x, i) => sq(x!.at(null, i!)),
  embedding: (i, w) => sq(F.embedding(i!, w!)),
  gather: (x, i) => sq(x!.gather(1, i!)),
  scatterAdd: (x, i, s) => sq(x!.scatterAdd(1, i!, s!)),
  matmul: (a, b) => a!.matmul(b!),
  matmulBatch: (a, b) => a!.matmul(b!),
  matmulBroadcast: (a, b) => a!.matmul(b!),
  matmulBroadcastLeft: (a, b) => a!.matmul(b!),
  matmulVector: (a, b) => a!.matmul(b!),
  dot: (a, b) => a!.matmul(b!),
  vectorMatrix: (a, b) => a!.matmul(b!),
  einsum: (a, b) => einsum("bid,bjd->bij", a!, b!),
  einsum3: (a, b, c) => einsum("ij,jk,k->i", a!, b!, c!),
  einsumTrace: (a) => einsum("ijk->ki", a),
  linear: (x, w, b) => F.linear(x!, w!, b),
  conv2d: (x, w, b) => F.conv2d(x!, w!, b, { padding: 1 }),
  conv2dStride: (x, w) => F.conv2d(x!, w!, null, { stride: 2, padding: 1 }),
  conv2dEven: (x, w) => F.conv2d(x!, w!, null, { stride: 2, padding: 1 }),
  conv2d1x1: (x, w, b) => F.conv2d(x!, w!, b),
  conv2dStride1x1: (x, w) => F.conv2d(x!, w!, null, { stride: 2 }),
  conv2dGroups: (x, w) => F.conv2d(x!, w!, null, { groups: 2, padding: 1 }),
  conv2dDepthwise: (x, w) => F.conv2d(x!, w!, null, { groups: 3, padding: 1 }),
  conv2dDilated: (x, w) => F.conv2d(x!, w!, null, { dilation: 2, padding: [2, 1] }),
  conv2dLarge: (x, w) => F.conv2d(x!, w!, null, { stride: 3, padding: 1 }),
  conv2dPatches: (x, w) => F.conv2d(x!, w!, null, { stride: 6 }),
  conv2dBlocks: (x, w, b) => F.conv2d(x!, w!, b, { padding: 1 }),
  conv2dBlocksStride: (x, w, b) => F.conv2d(x!, w!, b, { stride: 2, padding: 1 }),
  convTranspose2d: (x, w, b) => F.convTranspose2d(x!, w!, b, { stride: 2, padding: 1, outputPadding: 1 }),
  convTranspose2dGroups: (x, w) => F.convTranspose2d(x!, w!, null, { stride: 2, groups: 2 }),
  groupNorm: (x, w, b) => F.groupNorm(x!, 3, w!, b!),
  groupNormBlocks: (x, w, b) => F.groupNorm(x!, 8, w!, b!),
  groupNorm3d: (x, w, b) => F.groupNorm(x!, 2, w!, b!),
  layerNorm: (x, w, b) => F.layerNorm(x!, w!, b!),
  batchNorm: (x, w, b) => F.batchNorm(x!, w!, b!).output,
  maxPool: (x) => F.maxPool2d(x, 2),
  maxPoolOverlap: (x) => F.maxPool2d(x, 3, { stride: 2, padding: 1 }),
  avgPool: (x) => sq(F.avgPool2d(x, 2)),
  avgPoolOverlap: (x) => sq(F.avgPool2d(x, 3, { stride: 2, padding: 1 })),
  avgPoolRest: (x) => sq(F.avgPool2d(x, 2)),
  upsample: (x) => sq(F.upsampleNearest(x, 2)),
  mseLoss: (a, b) => F.mseLoss(a!, b!),
  l1Loss: (a, b) => F.l1Loss(a!, b!),
  smoothL1Loss: (a, b) => F.smoothL1Loss(a!, b!),
  crossEntropy: (x, t) => F.crossEntropy(x!, t!),
  crossEntropyImages: (x, t) => F.crossEntropy(x!, t!, { reduction: "sum" }),
  crossEntropySmooth: (x, t) => F.crossEntropy(x!, t!, { labelSmoothing: 0.1 }),
  nllLoss: (x, t) => F.nllLoss(x!, t!),
  bce: (x, t) => F.binaryCrossEntropyWithLogits(x!, t!.div(3)),
  attention: (q, k, v) => F.scaledDotProductAttention(q!, k!, v!),
  attentionCausal: (q, k, v) => F.scaledDotProductAttention(q!, k!, v!, { causal: true }),
  attentionMask: (q, k, v, mask) => F.scaledDotProductAttention(q!, k!, v!, { mask }),

  clone: (x) => sq(x.clone()),
  log2: (x) => x.log2(),
  log10: (x) => x.log10(),
  log1p: (x) => x.log1p(),
  expm1: (x) => x.expm1(),
  log1pSmall: (x) => x.div(100).log1p().mul(1e5),
  expm1Small: (x) => x.div(100).expm1().mul(1e5),
  lerp: (a, b, c) => a!.lerp(b!, c!),
  lerpNumber: (a, b) => a!.lerp(b!, 0.3),
  prod: (x) => x.prod(),
  prodDim: (x) => x.prod(1),
  prodKeep: (x) => x.prod(0, { keepdim: true }),
  prodZero: (x) => x.prod(1),
  cumprod: (x) => x.cumprod(1),
  cumprodZero: (x) => x.cumprod(0),
  logsumexp: (x) => x.logsumexp(1),
  logsumexpDims: (x) => x.logsumexp([0, 2], { keepdim: true }),
  logsumexpLarge: (x) => x.logsumexp(1),
  dotProduct: (a, b) => a!.dot(b!),
  outer: (a, b) => a!.outer(b!),
  bmm: (a, b) => a!.bmm(b!),
  meshgrid: (a, b) => product(meshgrid([a!, b!])),
  meshgridXy: (a, b) => product(meshgrid([a!, b!], { indexing: "xy" })),
  diagVector: (x) => sq(x.diag(1)),
  diagMatrix: (x) => sq(x.diag(1)),
  diagBelow: (x) => sq(x.diag(-2)),
  triu: (x) => sq(x.triu(1)),
  trilBelow: (x) => sq(x.tril(-1)),
  roll: (x) => x.roll(2, 1).mul(x),
  rollFlat: (x) => x.roll(-4).mul(x),
  rollTwo: (x) => x.roll([1, -3], [0, 1]).mul(x),
  unfold: (x) => sq(x.unfold(1, 3, 2)),
  unfoldRows: (x) => sq(x.unfold(0, 2, 1)),
  scatter: (x, i, s) => sq(x!.scatter(1, i!, s!)),
  scatterNumber: (x, i) => sq(x!.scatter(1, i!, 7)),
  topk: (x) => sq(x.topk(2).values),
  topkSmallest: (x) => sq(x.topk(3, 0, { largest: false }).values),
  topkIndices: (x) => x.topk(2).indices.float(),
  sort: (x) => sq(x.sort(1).values),
  sortDescending: (x) => sq(x.sort(0, { descending: true }).values),
  argsort: (x) => x.argsort(1).float(),
  argsortTies: (x) => x.argsort().float(),
  median: (x) => x.median(),
  medianDim: (x) => x.median(1).values,
  medianKeep: (x) => x.median(0, { keepdim: true }).values,
  medianTies: (x) => x.median(),
  quantile: (x) => x.quantile(0.3),
  quantileDim: (x) => x.quantile(0.4, 1),
  quantileList: (x) => x.quantile([0.1, 0.9], 1, { keepdim: true }),
  quantileLower: (x) => x.quantile(0.4, undefined, { interpolation: "lower" }),
  quantileHigher: (x) => x.quantile(0.4, undefined, { interpolation: "higher" }),
  quantileNearest: (x) => x.quantile(0.4, undefined, { interpolation: "nearest" }),
  quantileMidpoint: (x) => x.quantile(0.4, undefined, { interpolation: "midpoint" }),
  histc: (x) => x.histc(5, -1, 1),
  histcOwn: (x) => x.histc(4),
  histcEdges: (x) => x.histc(3, 0, 3),
  cdist: (a, b) => a!.cdist(b!),
  cdistOne: (a, b) => a!.cdist(b!, 1),
  cosineSimilarity: (a, b) => a!.cosineSimilarity(b!),
  cosineSimilarityDim: (a, b) => F.cosineSimilarity(a!, b!, { dim: 0 }),
  isinf: (x) =>
    x
      .div(tensor([0, 1, 2]))
      .isinf()
      .float(),
  isclose: (x) => x.isclose(x.add(tensor([0, 1e-9, 1]))).float(),
  elu: (x) => F.elu(x),
  eluAlpha: (x) => F.elu(x, 0.5),
  leakyRelu: (x) => F.leakyRelu(x),
  leakyReluSlope: (x) => F.leakyRelu(x, 0.2),
  softplus: (x) => F.softplus(x),
  softplusBeta: (x) => F.softplus(x, 3, 2),
  mish: (x) => F.mish(x),
  normalize: (x) => F.normalize(x),
  normalizeOne: (x) => F.normalize(x, { p: 1, dim: 0 }),
  conv1d: (x, w, b) => F.conv1d(x!, w!, b!, { stride: 2, padding: 1 }),
  conv1dGroups: (x, w) => F.conv1d(x!, w!, null, { groups: 2, dilation: 2 }),
  conv2dSame: (x, w) => F.conv2d(x!, w!, null, { padding: "same" }),
  conv2dSameDilated: (x, w) => F.conv2d(x!, w!, null, { padding: "same", dilation: 2 }),
  conv2dValid: (x, w) => F.conv2d(x!, w!, null, { padding: "valid" }),
  padReflect: (x) => sq(F.pad(x, [2, 1, 1, 3], { mode: "reflect" })),
  padReplicate: (x) => sq(F.pad(x, [2, 1, 1, 3], { mode: "replicate" })),
  padCircular: (x) => sq(F.pad(x, [2, 1, 1, 3], { mode: "circular" })),
  interpolateNearest: (x) => sq(F.interpolate(x, { size: [5, 7] })),
  interpolateNearestScale: (x) => sq(F.interpolate(x, { scaleFactor: [0.5, 1.5] })),
  interpolateBilinear: (x) => sq(F.interpolate(x, { size: [6, 7], mode: "bilinear" })),
  interpolateBilinearCorners: (x) => sq(F.interpolate(x, { size: [5, 8], mode: "bilinear", alignCorners: true })),
  interpolateBilinearScale: (x) => sq(F.interpolate(x, { scaleFactor: 1.7, mode: "bilinear" })),
  interpolateSmaller: (x) => sq(F.interpolate(x, { size: [3, 4], mode: "bilinear" })),
  interpolateArea: (x) => sq(F.interpolate(x, { size: [3, 4], mode: "area" })),
  unfoldImages: (x) => sq(F.unfold(x, [2, 3], { padding: 1, stride: 2 })),
  unfoldDilated: (x) => sq(F.unfold(x, 2, { dilation: 2 })),
  embeddingPadding: (i, w) => sq(F.embedding(i!, w!, { paddingIdx: 1 })),
  layerNormPlain: (x) => F.layerNorm(x),
  groupNormPlain: (x) => F.groupNorm(x, 3),
  rmsNorm: (x, w) => F.rmsNorm(x!, w!, 1e-6),
  huberLoss: (a, b) => F.huberLoss(a!, b!, { delta: 0.7 }),
  klDiv: (a, b) => F.klDiv(a!, b!, { reduction: "batchmean" }),
  klDivLog: (a, b) => F.klDiv(a!, b!, { reduction: "batchmean", logTarget: true }),
};

function inputsOf(c: Recorded): Tensor[] {
  return c.inputs.map(({ shape, dtype, data }) => {
    const x = tensor(data, shape, { dtype: dtype as "float32" });
    return dtype === "float32" ? x.requiresGrad_() : x;
  });
}

const wave = (f: (i: number) => number, first: number, shape: readonly number[]) =>
  tensor(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => f(i + first)),
    shape,
  );

/** Largest difference, relative to the largest number. */
function difference(ours: ArrayLike<number | bigint>, theirs: readonly number[]): number {
  expect(ours.length).toBe(theirs.length);
  const scale = Math.max(1, ...theirs.map(Math.abs));
  return Math.max(0, ...theirs.map((v, i) => Math.abs(v - Number(ours[i])) / scale));
}

async function check(name: string, c: Recorded): Promise<void> {
  const f = operations[name]!;
  const xs = inputsOf(c);
  const floats = xs.filter((x) => x.requiresGrad);
  const out = f(...xs);
  expect(out.shape).toEqual(c.shape);
  expect(difference((await out.data()) as Float32Array, c.value), "value").toBeLessThan(2e-6);
  // The same without a gradient in sight may take another way.
  const plain = noGrad(() => f(...xs));
  expect(difference((await plain.data()) as Float32Array, c.value), "value without gradient").toBeLessThan(2e-6);
  // Computed by now, it no longer knows of what.
  const twice = (await plain.mul(2).data()) as Float32Array;
  expect(difference(twice.map((v) => v / 2) as Float32Array, c.value), "value used once more").toBeLessThan(2e-6);
  if (!c.grads || !out.requiresGrad) return;
  const loss = out.mul(wave(Math.cos, 0, out.shape)).sum();
  const found = gradients(loss.node, { createGraph: c.second !== undefined });
  const grads = await derivatives(floats, found);
  for (const [i, x] of grads.entries()) {
    expect(difference((await x.data()) as Float32Array, c.grads[i]!), `gradient ${i}`).toBeLessThan(5e-6);
  }
  if (!c.second) return;
  const sum = grads.map((x) => x.mul(wave(Math.sin, 1, x.shape)).sum()).reduce((a, b) => a.add(b));
  for (const [i, x] of (await derivatives(floats, gradients(sum.node))).entries()) {
    expect(difference((await x.data()) as Float32Array, c.second[i]!), `second derivative ${i}`).toBeLessThan(3e-5);
  }
}

/** What was found for each of the inputs, 0 where it has no part in the result, computed in one go. */
async function derivatives(xs: readonly Tensor[], found: ReturnType<typeof gradients>): Promise<Tensor[]> {
  const all = xs.map((x) => {
    const node = found.get(x.node);
    return node ? new TensorClass(node) : zeros(x.shape);
  });
  await realize(...all);
  return all;
}

/** The slope of the loss along a direction, from its values on both sides. */
async function checkBySteps(name: string, c: Recorded): Promise<void> {
  const f = operations[name]!;
  const xs = inputsOf(c);
  const loss = (ys: Tensor[]) => {
    const out = f(...ys);
    return out.mul(wave(Math.cos, 0, out.shape)).sum();
  };
  const value = loss(xs);
  if (!value.requiresGrad) return;
  value.backward();
  const h = 4e-3;
  const directions = xs.map((x) => (x.requiresGrad ? wave((i) => Math.sin(3 * i), 2, x.shape) : null));
  const moved = (s: number) => loss(xs.map((x, i) => (directions[i] ? x.detach().add(directions[i].mul(s)) : x)));
  const slope = ((await moved(h).item()) - (await moved(-h).item())) / (2 * h);
  const shares = xs.flatMap((x, i) => (x.grad ? [x.grad.mul(directions[i]!).sum()] : []));
  await realize(value, ...shares);
  let expected = 0;
  for (const share of shares) expected += await share.item();
  const scale = Math.max(1, Math.abs(expected), Math.abs(await value.item()));
  expect(Math.abs(slope - expected) / scale).toBeLessThan(5e-3);
}

describe("every operation", () => {
  inBothFormulations(
    operations,
    recorded,
    (name) => `${name} gives PyTorch's value, gradient and second derivative`,
    check,
  );

  // A step of finite width must not cross an edge; these have edges everywhere.
  const edged = new Set([
    "embeddingPadding",
    "histc",
    "histcOwn",
    "isinf",
    "isclose",
    "medianTies",
    "floor",
    "ceil",
    "round",
    "sign",
    "cast",
    "floorDivide",
    "remainder",
    "where",
    "maskedFill",
  ]);
  for (const [name, c] of Object.entries(recorded)) {
    if (edged.has(name)) continue;
    it(`${name} has the gradient that finite differences show`, () => checkBySteps(name, c));
  }

  it("has a gradient rule, or is one of the few that have none", () => {
    expect(Object.keys(rules).length).toBeGreaterThan(60);
  });
});
