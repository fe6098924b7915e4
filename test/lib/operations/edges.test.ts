import { describe, expect } from "vitest";
import { gradients } from "../../../lib/autodiff/gradients.ts";
import {
  maximum,
  minimum,
  noGrad,
  realize,
  Tensor,
  type Tensor as TensorType,
  where,
  zeros,
} from "../../../lib/index.ts";
import * as F from "../../../lib/nn/functional/index.ts";
import reference from "../../reference/edges.json" with { type: "json" };
import { expectNumbers, inBothFormulations, inputsOf, type Recorded, wave } from "./recorded.ts";

type Operation = (...xs: TensorType[]) => TensorType;
const recorded = reference.cases as unknown as Record<string, Recorded>;
const sq = (x: TensorType) => x.square();
const none = { reduction: "none" } as const;

/** The same operations as in test/reference/edges.py, by name. */
const operations: Record<string, Operation> = {
  normZeros: (x) => x!.norm(),
  normZeroRow: (x) => x!.norm(2, 1),
  normL1: (x) => x!.norm(1),
  normL2: (x) => x!.norm(2),
  normL3: (x) => x!.norm(3),
  normMax: (x) => x!.norm(Infinity),
  normMin: (x) => x!.norm(-Infinity),
  normCount: (x) => x!.norm(0),
  normHalfPower: (x) => x!.norm(0.5),
  normL1Dim: (x) => x!.norm(1, 1, { keepdim: true }),
  normL3Zeros: (x) => x!.norm(3),
  normNan: (x) => x!.norm(),
  stdEqual: (x) => x!.std(),
  stdEqualRow: (x) => x!.std(1),
  stdOne: (x) => x!.std(),
  varOne: (x) => x!.var(),
  sqrtZero: (x) => x!.sqrt(),
  rsqrtZero: (x) => x!.rsqrt(),
  reciprocalZero: (x) => x!.reciprocal(),
  logZero: (x) => x!.log(),
  abs: (x) => x!.abs(),
  sign: (x) => x!.sign(),
  relu: (x) => x!.relu(),
  reluNan: (x) => x!.relu().isnan().float(),
  clampBounds: (x) => x!.clamp(-1, 0.5),
  clampNan: (x) => x!.clamp(-1, 0.5),
  clampCrossed: (x) => x!.clamp(1, -1),
  clampMin: (x) => x!.clamp(0),
  clampMax: (x) => x!.clamp(undefined, 0),
  maxTies: (x) => x!.max(),
  minTies: (x) => x!.min(),
  maxNan: (x) => x!.max(),
  minNan: (x) => x!.min(),
  amaxTies: (x) => x!.amax(1),
  aminTies: (x) => x!.amin(1),
  amaxNan: (x) => x!.amax(1).isnan().float(),
  maxDimTies: (x) => x!.max(1).values,
  minDimTies: (x) => x!.min(1).values,
  maxDimNan: (x) => x!.max(1).values,
  minDimNan: (x) => x!.min(1).values,
  maxInfinities: (x) => x!.max(),
  argmaxTies: (x) => x!.argmax(1).float(),
  argmaxNan: (x) => x!.argmax(1).float(),
  argminNan: (x) => x!.argmin(1).float(),
  maximumTies: (a, b) => maximum(a!, b!),
  minimumTies: (a, b) => minimum(a!, b!),
  maximumNan: (a, b) => maximum(a!, b!).isnan().float(),
  minimumNan: (a, b) => minimum(a!, b!).isnan().float(),
  powZeroBase: (x) => x!.pow(2),
  powZero: (x) => x!.pow(0),
  powOne: (x) => x!.pow(1),
  powHalfZero: (x) => x!.pow(0.5),
  powThreeHalvesZero: (x) => x!.pow(1.5),
  powNegative: (x) => x!.pow(-1),
  powTensor: (a, b) => a!.pow(b!),
  powCube: (x) => x!.pow(3),
  softmaxHidden: (x) => {
    const p = x!.softmax(1);
    return p
      .isnan()
      .float()
      .add(where(p.isnan(), 0, p));
  },
  softmaxHiddenRow: (x) => x!.softmax(1),
  logSoftmaxHidden: (x) => x!.logSoftmax(1).slice(1, 0, 3, 2),
  softmaxLarge: (x) => x!.softmax(1),
  whereInfinite: (x) => where(x!.gt(0), x!.reciprocal(), x!),
  maskedFill: (x) => x!.maskedFill(x!.isfinite().logicalNot(), 0),
  remainderEdges: (a, b) => a!.remainder(b!),
  remainderInfinite: (a, b) => a!.remainder(b!),
  floorDivideEdges: (a, b) => a!.floorDivide(b!),
  divZero: (a, b) => a!.div(b!),
  isfinite: (x) => x!.isfinite().float(),
  roundHalves: (x) => x!.round(),
  cumsumInfinite: (x) => x!.cumsum(0),
  cumsumInfiniteMean: (x) => x!.mean(),
  varInfinite: (x) => x!.var(),
  tanhFar: (x) => x!.tanh(),
  sigmoidFar: (x) => x!.sigmoid(),
  siluFar: (x) => x!.silu(),
  geluFar: (x) => x!.gelu(),
  expFar: (x) => x!.exp(),

  bceLogitsZero: (x, t) => F.binaryCrossEntropyWithLogits(x!, t!, none),
  bceLogitsFar: (x, t) => F.binaryCrossEntropyWithLogits(x!, t!, none),
  bceLogitsInfinite: (x, t) => F.binaryCrossEntropyWithLogits(x!, t!, none),
  bceLogitsNan: (x, t) => F.binaryCrossEntropyWithLogits(x!, t!, none),
  bceLogitsTarget: (x, t) => F.binaryCrossEntropyWithLogits(x!, t!),
  bceLogitsPosWeight: (x, t, posWeight) => F.binaryCrossEntropyWithLogits(x!, t!, { posWeight: posWeight! }),
  bceLogitsWeight: (x, t, weight) => F.binaryCrossEntropyWithLogits(x!, t!, { weight: weight! }),
  bce: (x, t) => F.binaryCrossEntropy(x!, t!, none),
  crossEntropyHidden: (x, t) => F.crossEntropy(x!, t!),
  crossEntropyHiddenTarget: (x, t) => F.crossEntropy(x!, t!, none),
  crossEntropyLarge: (x, t) => F.crossEntropy(x!, t!),
  crossEntropyIgnored: (x, t) => F.crossEntropy(x!, t!),
  crossEntropyIgnoredNone: (x, t) => F.crossEntropy(x!, t!, none),
  crossEntropyAllIgnored: (x, t) => F.crossEntropy(x!, t!),
  crossEntropyIgnoreIndex: (x, t) => F.crossEntropy(x!, t!, { ignoreIndex: 0 }),
  crossEntropyWeight: (x, t, weight) => F.crossEntropy(x!, t!, { weight: weight! }),
  crossEntropyWeightSum: (x, t, weight) => F.crossEntropy(x!, t!, { weight: weight!, reduction: "sum" }),
  crossEntropyWeightSmooth: (x, t, weight) => F.crossEntropy(x!, t!, { weight: weight!, labelSmoothing: 0.2 }),
  crossEntropySmoothIgnored: (x, t) => F.crossEntropy(x!, t!, { labelSmoothing: 0.1 }),
  crossEntropyProbabilities: (x, t, weight) => F.crossEntropy(x!, t!, { weight: weight!, labelSmoothing: 0.1 }),
  crossEntropyProbabilitiesHidden: (x, t) => F.crossEntropy(x!, t!, none),
  crossEntropyOne: (x, t) => F.crossEntropy(x!, t!),
  crossEntropyPixels: (x, t, weight) => F.crossEntropy(x!, t!, { weight: weight! }),
  nllHidden: (x, t) => F.nllLoss(x!, t!),
  nllIgnored: (x, t) => F.nllLoss(x!, t!),
  nllWeight: (x, t, weight) => F.nllLoss(x!, t!, { weight: weight! }),
  nllPixels: (x, t) => F.nllLoss(x!, t!),
  smoothL1Zero: (a, b) => F.smoothL1Loss(a!, b!, { beta: 0 }),
  smoothL1Edge: (a, b) => F.smoothL1Loss(a!, b!, { beta: 1 }),
  smoothL1Infinite: (a, b) => F.smoothL1Loss(a!, b!, none),
  smoothL1Half: (a, b) => F.smoothL1Loss(a!, b!, { beta: 0.5 }),
  huber: (a, b) => F.huberLoss(a!, b!, { delta: 0.5 }),
  huberInfinite: (a, b) => F.huberLoss(a!, b!, none),
  l1Tie: (a, b) => F.l1Loss(a!, b!),
  mseInfinite: (a, b) => F.mseLoss(a!, b!, none),
  klDiv: (a, b) => F.klDiv(a!, b!, { reduction: "sum" }),

  attentionHiddenRow: (q, k, v, mask) => F.scaledDotProductAttention(q!, k!, v!, { mask: mask! }),
  attentionHiddenRowAdded: (q, k, v, mask) => F.scaledDotProductAttention(q!, k!, v!, { mask: mask! }),
  attentionVisibleRow: (q, k, v, mask) => F.scaledDotProductAttention(q!, k!, v!, { mask: mask! }),
  attentionLongCausal: (q, k, v) => F.scaledDotProductAttention(q!, k!, v!, { causal: true }),

  maxPoolPadded: (x) => F.maxPool2d(x!, 2, { stride: 2, padding: 1 }),
  maxPoolPaddedWide: (x) => F.maxPool2d(x!, 3, { stride: 3, padding: 1 }),
  maxPoolApart: (x) => F.maxPool2d(x!, 2, { stride: 3, padding: 1 }),
  maxPoolCeil: (x) => F.maxPool2d(x!, 2, { stride: 2, ceilMode: true }),
  maxPoolCeilPadded: (x) => F.maxPool2d(x!, 3, { stride: 2, padding: 1, ceilMode: true }),
  maxPoolCeilDropped: (x) => F.maxPool2d(x!, 2, { stride: 4, padding: 1, ceilMode: true }),
  maxPoolDilated: (x) => F.maxPool2d(x!, 2, { stride: 1, dilation: 2 }),
  maxPoolDilatedPadded: (x) => F.maxPool2d(x!, 2, { stride: 2, dilation: 2, padding: 1 }),
  maxPoolMixed: (x) => F.maxPool2d(x!, [3, 2], { stride: [2, 3], padding: [1, 0] }),
  maxPoolTies: (x) => F.maxPool2d(x!, 2, { stride: 1 }),
  maxPoolNegative: (x) => F.maxPool2d(x!, 2, { stride: 2, padding: 1 }),
  maxPoolInfinite: (x) => F.maxPool2d(x!, 2, { stride: 1 }),
  avgPoolPadded: (x) => F.avgPool2d(x!, 2, { stride: 2, padding: 1 }),
  avgPoolApart: (x) => F.avgPool2d(x!, 2, { stride: 3 }),
  avgPoolUncounted: (x) => F.avgPool2d(x!, 3, { stride: 2, padding: 1, countIncludePad: false }),
  avgPoolCeil: (x) => F.avgPool2d(x!, 2, { stride: 2, ceilMode: true }),
  avgPoolCeilPadded: (x) => F.avgPool2d(x!, 3, { stride: 2, padding: 1, ceilMode: true }),
  avgPoolCeilUncounted: (x) => F.avgPool2d(x!, 3, { stride: 2, padding: 1, ceilMode: true, countIncludePad: false }),
  avgPoolDivisor: (x) => F.avgPool2d(x!, 2, { stride: 2, divisorOverride: 3 }),
  adaptiveAvgPoolOne: (x) => sq(F.adaptiveAvgPool2d(x!, 1)),
  adaptiveAvgPoolUneven: (x) => sq(F.adaptiveAvgPool2d(x!, [3, 4])),
  adaptiveAvgPoolLarger: (x) => sq(F.adaptiveAvgPool2d(x!, [7, 6])),
  adaptiveAvgPoolKept: (x) => sq(F.adaptiveAvgPool2d(x!, [null, 2])),
  transposedExtra: (x, w) => sq(F.convTranspose2d(x!, w!, null, { stride: 2, outputPadding: 1 })),
  transposedDilatedExtra: (x, w) => sq(F.convTranspose2d(x!, w!, null, { dilation: 2, outputPadding: 1 })),
  transposedDilatedExtraPadded: (x, w) =>
    sq(F.convTranspose2d(x!, w!, null, { dilation: 3, padding: 1, outputPadding: 2 })),
  transposedDilatedExtraUncropped: (x, w) =>
    sq(F.convTranspose2d(x!, w!, null, { stride: 2, dilation: 3, padding: 3, outputPadding: 2 })),
  transposedDilatedMixed: (x, w) =>
    sq(F.convTranspose2d(x!, w!, null, { stride: [1, 2], dilation: [3, 2], padding: [2, 0], outputPadding: [2, 1] })),
  transposedCropped: (x, w) => sq(F.convTranspose2d(x!, w!, null, { stride: 2, padding: 2 })),

  halfSum: (x) => x!.sum(),
  halfSumDim: (x) => x!.sum(1),
  halfMean: (x) => x!.mean(),
  halfMeanDim: (x) => x!.mean(1),
  halfVar: (x) => x!.var(),
  halfVarDim: (x) => x!.var(1),
  halfStd: (x) => x!.std(),
  halfStdDim: (x) => x!.std(1),
  halfNorm: (x) => x!.norm(),
  halfNormDim: (x) => x!.norm(2, 1),
  halfMax: (x) => x!.max(),
  halfMaxDim: (x) => x!.max(1).values,
  halfNormLarge: (x) => x!.norm(),
  halfMeanLarge: (x) => x!.mean(),
  halfDivScalar: (x) => x!.div(1e5),
  halfMulScalar: (x) => x!.mul(1e-6).mul(1e6),
  halfMulLarge: (x) => x!.mul(1e5),
  halfFraction: (x) => x!.mul(0.1),
  halfDivFraction: (x) => x!.div(0.3),
  halfPow: (x) => x!.pow(2.5),
  halfPowLarge: (x) => x!.pow(2),
  halfReciprocal: (x) => x!.reciprocal(),
  halfCompare: (x) => x!.lt(1e5).float().add(x!.gt(-1e5).float().mul(2)).add(x!.eq(0.1).float().mul(4)),
  halfRemainder: (x) => x!.remainder(1000),
  halfIsfinite: (x) => x!.isfinite().float(),
  halfIsnan: (x) => x!.isnan().float(),
  halfSoftmax: (x) => x!.softmax(1),
  halfLogSoftmax: (x) => x!.logSoftmax(1),
  halfCumsum: (x) => x!.cumsum(0),
  halfClamp: (x) => x!.clamp(-1, 0.3),
  halfMaximum: (a, b) => maximum(a!, b!),
  halfWhere: (x) => where(x!.gt(0), x!, 0.1),
  halfMaskedFill: (x) => x!.maskedFill(x!.lt(0), 0.1),
  halfMatmul: (a, b) => a!.matmul(b!),
  halfLinear: (x, w, b) => F.linear(x!, w!, b!),
  halfSilu: (x) => x!.silu(),
  halfGelu: (x) => x!.gelu(),
  halfTanh: (x) => x!.tanh(),
  halfSigmoid: (x) => x!.sigmoid(),
  halfExp: (x) => x!.exp(),
  halfErf: (x) => x!.erf(),
  halfRelu: (x) => x!.relu(),
  halfSqrt: (x) => x!.sqrt(),
  halfLog: (x) => x!.log(),
  halfAbs: (x) => x!.abs(),
  halfSin: (x) => x!.sin(),
  halfCos: (x) => x!.cos(),
  halfMse: (a, b) => F.mseLoss(a!, b!),
  halfL1: (a, b) => F.l1Loss(a!, b!),
  halfSmoothL1: (a, b) => F.smoothL1Loss(a!, b!),
  halfCrossEntropy: (x, t) => F.crossEntropy(x!, t!),
  halfBceLogits: (x, t) => F.binaryCrossEntropyWithLogits(x!, t!),
  halfLayerNorm: (x, w, b) => F.layerNorm(x!, w!, b!),
  halfGroupNorm: (x, w, b) => F.groupNorm(x!, 2, w!, b!),
  halfBatchNorm: (x, w, b) => F.batchNorm(x!, w!, b!).output,
  halfConv: (x, w) => F.conv2d(x!, w!),
  halfAvgPool: (x) => F.avgPool2d(x!, 2),
  halfMaxPool: (x) => F.maxPool2d(x!, 2),
  halfAttention: (q, k, v) => F.scaledDotProductAttention(q!, k!, v!),
};

async function check(name: string, c: Recorded): Promise<void> {
  const f = operations[name]!;
  const xs = inputsOf(c);
  const out = f(...xs);
  expect(out.shape).toEqual(c.shape);
  // One step of float16 is 2^-10; results of several operations may differ by a few.
  const limit = xs[0]!.dtype === "float16" ? 2e-3 : 3e-6;
  expectNumbers(await out.data(), c.value, limit, "value");
  // The same without a gradient in sight may take another way.
  expectNumbers(await noGrad(() => f(...xs)).data(), c.value, limit, "value without gradient");
  const asked = xs.filter((_, i) => c.inputs[i]!.grad);
  if (!c.grads) return;
  const found = gradients(out.node, { seed: wave(out.shape, out.dtype).node });
  const grads = asked.map((x) => {
    const node = found.get(x.node);
    return node ? new Tensor(node) : zeros(x.shape, { dtype: x.dtype });
  });
  await realize(...grads);
  for (const [i, grad] of grads.entries()) {
    expect(grad.dtype, `dtype of gradient ${i}`).toBe(asked[i]!.dtype);
    expectNumbers(await grad.data(), c.grads[i]!, limit * 2, `gradient ${i}`);
  }
}

describe("at its edges, every operation", () => {
  inBothFormulations(operations, recorded, (name) => `gives PyTorch's value and gradient: ${name}`, check);
});
