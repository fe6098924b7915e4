import * as g from "../../graph/ops/index.ts";
import { show } from "../../graph/shape.ts";
import { checkChoice, checkNumber, checkOptions, type Names } from "../../options.ts";
import { where } from "../../tensor/create.ts";
import { inRange } from "../../tensor/operands.ts";
import { Tensor } from "../../tensor/tensor.ts";

/** How a loss over many elements becomes one number. */
export type Reduction = "mean" | "sum" | "none";

/** What every loss takes. */
export interface LossOptions {
  /** `"mean"` (default), `"sum"`, or `"none"` for a loss of each element. */
  readonly reduction?: Reduction;
}

const reductions: readonly Reduction[] = ["mean", "sum", "none"];
const lossNames: Names<LossOptions> = { reduction: true };

/** The options of a loss, which may be the reduction alone. */
function optionsOf<O extends LossOptions>(where: string, given: Reduction | O, known: Names<O>): O {
  const options = (typeof given === "string" ? { reduction: given } : given) as O;
  checkOptions(where, options, known);
  checkChoice(where, "reduction", options.reduction ?? "mean", reductions);
  return options;
}

function reduce(x: Tensor, reduction: Reduction = "mean"): Tensor {
  if (reduction === "none") return x;
  return reduction === "sum" ? x.sum() : x.mean();
}

function sameSize(where: string, a: Tensor, b: Tensor): void {
  if (a.shape.length !== b.shape.length || a.shape.some((n, i) => n !== b.shape[i])) {
    throw new RangeError(`${where}: input ${show(a.shape)} and target ${show(b.shape)} must have the same shape`);
  }
}

/** A loss of each element of two tensors of one shape, computed in float32, in the input's dtype. */
function elementwise(
  where: string,
  input: Tensor,
  target: Tensor,
  options: LossOptions,
  f: (a: Tensor, b: Tensor) => Tensor,
): Tensor {
  sameSize(where, input, target);
  return reduce(f(input.float(), target.float()), options.reduction).to(input.dtype);
}

/** Mean of the squared differences of two tensors of one shape. */
export function mseLoss(input: Tensor, target: Tensor, options: Reduction | LossOptions = {}): Tensor {
  const given = optionsOf("mseLoss", options, lossNames);
  return elementwise("mseLoss", input, target, given, (a, b) => a.sub(b).square());
}

/** Mean of the absolute differences of two tensors of one shape. */
export function l1Loss(input: Tensor, target: Tensor, options: Reduction | LossOptions = {}): Tensor {
  const given = optionsOf("l1Loss", options, lossNames);
  return elementwise("l1Loss", input, target, given, (a, b) => a.sub(b).abs());
}

/** What `smoothL1Loss` takes. */
export interface SmoothL1Options extends LossOptions {
  /** Where the parabola becomes a line; default 1. At 0 it is the absolute difference. */
  readonly beta?: number;
}

/**
 * Squared below `beta`, absolute above: less moved by outliers than `mseLoss`.
 *
 * @param beta - as in `options`, where these are the reduction alone
 */
export function smoothL1Loss(
  input: Tensor,
  target: Tensor,
  options: Reduction | SmoothL1Options = {},
  beta?: number,
): Tensor {
  const given = optionsOf<SmoothL1Options>("smoothL1Loss", options, { ...lossNames, beta: true });
  const edge = beta ?? given.beta ?? 1;
  checkNumber("smoothL1Loss", "beta", edge, 0);
  return elementwise("smoothL1Loss", input, target, given, (a, b) => {
    const d = a.sub(b).abs();
    return edge === 0 ? d : parabola(d, edge).div(edge);
  });
}

/** What `huberLoss` takes. */
export interface HuberOptions extends LossOptions {
  /** Where the parabola becomes a line; default 1. */
  readonly delta?: number;
}

/**
 * Half the squared difference up to `delta`, then a line of slope `delta`.
 * @param options.delta - default 1
 * @see Huber 1964: https://doi.org/10.1214/aoms/1177703732
 */
export function huberLoss(input: Tensor, target: Tensor, options: Reduction | HuberOptions = {}): Tensor {
  const given = optionsOf<HuberOptions>("huberLoss", options, { ...lossNames, delta: true });
  const { delta = 1 } = given;
  checkNumber("huberLoss", "delta", delta, 0);
  if (delta === 0) throw new RangeError("huberLoss: delta is 0, expected a number above 0");
  return elementwise("huberLoss", input, target, given, (a, b) => parabola(a.sub(b).abs(), delta));
}

/** d^2 / 2 below `edge`, edge (d - edge / 2) above: m (d - m / 2) with m the smaller of d and the edge. */
function parabola(d: Tensor, edge: number): Tensor {
  const m = where(d.lt(edge), d, edge);
  return m.mul(d.sub(m.mul(0.5)));
}

/** What `crossEntropy` takes. */
export interface CrossEntropyOptions extends LossOptions {
  /** What each class counts, `[C]`; default 1. */
  readonly weight?: Tensor;
  /** Elements of this class count nothing, in the mean neither; default -100. */
  readonly ignoreIndex?: number;
  /** Share of the wanted probability that is spread evenly over all classes, 0 (default) to 1. */
  readonly labelSmoothing?: number;
}

/** What `nllLoss` takes. */
export type NllOptions = Omit<CrossEntropyOptions, "labelSmoothing">;

const nllNames: Names<NllOptions> = {
  ...lossNames,
  weight: true,
  ignoreIndex: true,
};

/**
 * Cross-entropy of scores `[B, C, ...]` (before softmax) and classes `[B, ...]` (int64), or probabilities of the
 * scores' shape. Scores `[C]` take one class.
 *
 * ```ts
 * crossEntropy(tensor([[1, 0, 2]]), tensor([2], { dtype: "int64" }))  // 0.4076
 * ```
 *
 * @throws RangeError if shapes do not fit, or a class is out of range (when computed, if it is not known before)
 */
export function crossEntropy(input: Tensor, target: Tensor, options: Reduction | CrossEntropyOptions = {}): Tensor {
  const given = optionsOf<CrossEntropyOptions>("crossEntropy", options, { ...nllNames, labelSmoothing: true });
  const { labelSmoothing = 0, reduction } = given;
  checkNumber("crossEntropy", "labelSmoothing", labelSmoothing, 0);
  if (labelSmoothing > 1) throw new RangeError(`crossEntropy: labelSmoothing is ${labelSmoothing}, expected 0 to 1`);
  if (input.ndim === 1) {
    const batched = crossEntropy(input.unsqueeze(0), target.unsqueeze(0), given);
    return reduction === "none" ? batched.squeeze(0) : batched;
  }
  if (input.ndim < 2) throw new RangeError(`crossEntropy: scores ${show(input.shape)}; expected [B, C] or [B, C, ...]`);
  const classes = input.shape[1]!;
  const logs = input.float().logSoftmax(1);
  if (isIndex(target)) {
    return classLoss("crossEntropy", logs, target, given, labelSmoothing).to(input.dtype);
  }
  if (show(target.shape) !== show(input.shape)) {
    const expected = [input.shape[0]!, ...input.shape.slice(2)];
    throw new TypeError(
      `crossEntropy: target is ${target.dtype} ${show(target.shape)}; expected int64 classes ${show(expected)} (use .long()) or probabilities ${show(input.shape)}`,
    );
  }
  const soft = target.float();
  const wanted = labelSmoothing > 0 ? soft.mul(1 - labelSmoothing).add(labelSmoothing / classes) : soft;
  const weight = weightOf("crossEntropy", given.weight, classes)?.reshape([
    classes,
    ...logs.shape.slice(2).map(() => 1),
  ]);
  const products = logs.mul(weight ? wanted.mul(weight) : wanted);
  return reduce(products.sum(1).neg(), reduction).to(input.dtype);
}

/**
 * Negative log-likelihood of log-probabilities `[B, C, ...]` and classes `[B, ...]` (int64): `crossEntropy` after
 * `logSoftmax`. One row `[C]` takes one class.
 *
 * @throws RangeError if shapes do not fit, or a class is out of range
 */
export function nllLoss(input: Tensor, target: Tensor, options: Reduction | NllOptions = {}): Tensor {
  const given = optionsOf("nllLoss", options, nllNames);
  if (!isIndex(target)) throw new TypeError(`nllLoss: target is ${target.dtype}; expected int64 classes (use .long())`);
  if (input.ndim === 1) {
    const batched = nllLoss(input.unsqueeze(0), target.unsqueeze(0), given);
    return given.reduction === "none" ? batched.squeeze(0) : batched;
  }
  if (input.ndim < 2) throw new RangeError(`nllLoss: input ${show(input.shape)}; expected [B, C] or [B, C, ...]`);
  return classLoss("nllLoss", input.float(), target, given, 0).to(input.dtype);
}

function isIndex(target: Tensor): boolean {
  return target.dtype === "int64" || target.dtype === "int32" || target.dtype === "uint8";
}

/** The loss of log-probabilities `[B, C, ...]` where the wanted class of each is known. */
function classLoss(
  name: string,
  logs: Tensor,
  target: Tensor,
  options: CrossEntropyOptions,
  smoothing: number,
): Tensor {
  const classes = logs.shape[1]!;
  const expected = [logs.shape[0]!, ...logs.shape.slice(2)];
  if (show(target.shape) !== show(expected)) {
    throw new RangeError(
      `${name}: scores ${show(logs.shape)} need target classes ${show(expected)}, got ${show(target.shape)}`,
    );
  }
  const { ignoreIndex = -100, reduction = "mean" } = options;
  const labels = target.long();
  const ignored = labels.eq(ignoreIndex);
  const at = inRange(name, where(ignored, 0, labels), classes, { known: target, except: ignoreIndex, lookUp: true });
  const weight = weightOf(name, options.weight, classes);
  const counts = weight ? new Tensor(g.indexSelect(weight.node, 0, at.node)) : null; // [B, ...]
  const picked = new Tensor(g.gather(logs.node, 1, at.unsqueeze(1).node)).squeeze(1).neg();
  const each = where(ignored, 0, counts ? picked.mul(counts) : picked);
  // The mean leaves out what is ignored, and is weighted as the sum is.
  const total = () => where(ignored, 0, counts ?? new Tensor(g.expand(g.constant(1), expected))).sum();
  const reduced = (x: Tensor) => (reduction === "mean" ? x.sum().div(total()) : reduce(x, reduction));
  if (smoothing === 0) return reduced(each);
  const wide = weight?.reshape([classes, ...logs.shape.slice(2).map(() => 1)]);
  const even = where(ignored, 0, (wide ? logs.mul(wide) : logs).sum(1).neg());
  return reduced(each)
    .mul(1 - smoothing)
    .add(reduced(even).mul(smoothing / classes));
}

function weightOf(name: string, weight: Tensor | undefined, classes: number): Tensor | null {
  if (!weight) return null;
  if (weight.ndim !== 1 || weight.shape[0] !== classes) {
    throw new RangeError(`${name}: weight ${show(weight.shape)}, expected one number for each of ${classes} classes`);
  }
  return weight.float();
}

/** What `binaryCrossEntropy` takes. */
export interface BceOptions extends LossOptions {
  /** What each element counts, broadcast to the input. */
  readonly weight?: Tensor;
}

/** What `binaryCrossEntropyWithLogits` takes. */
export interface BceWithLogitsOptions extends BceOptions {
  /** What a target of 1 counts against one of 0, broadcast to the input. */
  readonly posWeight?: Tensor;
}

/** Binary cross-entropy of scores (before sigmoid) and targets from 0 to 1, in the form that cannot overflow. */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: Reduction | BceWithLogitsOptions = {},
): Tensor {
  const name = "binaryCrossEntropyWithLogits";
  const given = optionsOf<BceWithLogitsOptions>(name, options, { ...lossNames, weight: true, posWeight: true });
  return elementwise(name, input, target, given, (x, y) => {
    // -log sigmoid(x) = softplus(-x)
    const minusLog = new Tensor(g.softplus(x.neg().node));
    const positive = given.posWeight ? given.posWeight.float().sub(1).mul(y).add(1).mul(minusLog) : minusLog;
    const loss = y.neg().add(1).mul(x).add(positive);
    return given.weight ? loss.mul(given.weight.float()) : loss;
  });
}

/**
 * Binary cross-entropy of probabilities and targets from 0 to 1. Logarithms below -100 count as that, and no slope is
 * steeper than 1e12, as in PyTorch; `binaryCrossEntropyWithLogits` needs no such limits.
 */
export function binaryCrossEntropy(input: Tensor, target: Tensor, options: Reduction | BceOptions = {}): Tensor {
  const name = "binaryCrossEntropy";
  const given = optionsOf<BceOptions>(name, options, { ...lossNames, weight: true });
  return elementwise(name, input, target, given, (p, y) => {
    const log = (x: Tensor) => x.log().maximum(-100);
    const entropy = (q: Tensor) =>
      y.mul(log(q)).add(
        y
          .neg()
          .add(1)
          .mul(new Tensor(g.log1p(q.neg().node)).maximum(-100)),
      );
    const room = p.mul(p.neg().add(1));
    const inside = room.ge(1e-12);
    const plain = entropy(where(inside, p, 0.5)).neg();
    const slope = p.sub(y).div(room.maximum(1e-12)).detach();
    const edge = entropy(p.detach()).neg().add(p.sub(p.detach()).mul(slope));
    const loss = where(inside, plain, edge);
    return given.weight ? loss.mul(given.weight.float()) : loss;
  });
}

/** What `klDiv` takes. */
export interface KlDivOptions {
  /** As in other losses, or `"batchmean"`: the sum divided by the first dimension, which is the divergence itself. */
  readonly reduction?: Reduction | "batchmean";
  /** The target, too, is given as logarithms; default false. */
  readonly logTarget?: boolean;
}

/** Kullback-Leibler divergence of log-probabilities `input` from probabilities `target`: target (log target - input). */
export function klDiv(input: Tensor, target: Tensor, options: KlDivOptions = {}): Tensor {
  checkOptions("klDiv", options, { reduction: true, logTarget: true });
  const { reduction = "mean", logTarget = false } = options;
  checkChoice("klDiv", "reduction", reduction, [...reductions, "batchmean"]);
  sameSize("klDiv", input, target);
  const [x, t] = [input.float(), target.float()];
  const zero = t.eq(0);
  // 0 log 0 is 0.
  const own = logTarget ? t.exp().mul(t) : where(zero, 0, t.mul(where(zero, 1, t).log()));
  const each = own.sub((logTarget ? t.exp() : t).mul(x));
  if (reduction === "batchmean")
    return each
      .sum()
      .div(input.shape[0] ?? 1)
      .to(input.dtype);
  return reduce(each, reduction).to(input.dtype);
}
