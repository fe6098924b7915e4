import { DISPLAY } from "../page/display.ts";
import { type Output, openOutput } from "../page/output.ts";
import { Throttle } from "../page/throttle.ts";
import { bundleOf, Figure, type MimeData } from "./figure.ts";
import { label } from "./format.ts";
import { type Curve, drawCurves, type LinePlotOptions, type Point } from "./line-plot.ts";
import { SERIES } from "./palette.ts";
import { kind } from "./values.ts";

const DRAW_MS = 400;
const PRINT_MS = 5000;

/** How a loss curve looks. */
export interface LossCurveOptions extends Pick<LinePlotOptions, "title" | "width" | "height" | "logY" | "yRange"> {
  /** Default "step". */
  xLabel?: string;
  /** Default "loss". */
  yLabel?: string;
  /** Weight of the past in the smoothed curve, 0 (none) to below 1; default .9: about the last ten values. */
  smooth?: number;
  /** Name of the second curve; default "held out". */
  heldOutLabel?: string;
}

/**
 * A curve of losses that grows on the page while a network trains: each `add` belongs to it, and the page follows a few times a second.
 *
 * ```ts
 * const curve = lossCurve();
 * for (const step of progress(500)) curve.add(step, await train());
 * curve
 * ```
 *
 * The last line draws what the page does not have yet. A later cell that adds more, or the same one run again after an
 * interrupt, continues it in an output of its own. Without a page, lines of text are printed to standard error.
 */
export function lossCurve(options: LossCurveOptions = {}): LossCurve {
  const { smooth = 0.9 } = options;
  if (!(smooth >= 0 && smooth < 1)) {
    throw new RangeError(`lossCurve: smooth is ${String(smooth)}, expected 0 or more and below 1`);
  }
  return new LossCurve({ xLabel: "step", yLabel: "loss", heldOutLabel: "held out", ...options, smooth });
}

/** Made by `lossCurve`. */
export class LossCurve {
  readonly #options: LossCurveOptions & { smooth: number };
  readonly #losses: Point[] = [];
  readonly #heldOut: Point[] = [];
  readonly #drawing = new Throttle(() => this.#draw(), DRAW_MS);
  readonly #printing = new Throttle(() => this.#print(), PRINT_MS);
  /** Undefined: not open; null: there is no page. */
  #output: Output | null | undefined;

  constructor(options: LossCurveOptions & { smooth: number }) {
    this.#options = options;
  }

  /** Losses added so far, in order. */
  get losses(): number[] {
    return this.#losses.map((point) => point.y);
  }

  /** The latest value of the smoothed curve; NaN before the first. */
  get smoothed(): number {
    return smoothed(this.#losses, this.#options.smooth).at(-1)?.y ?? Number.NaN;
  }

  /**
   * Adds a loss.
   *
   * @param step - where it stands on the horizontal axis
   * @param loss - NaN and infinity are marked on the axis and counted
   * @throws TypeError if one is no number
   */
  add(step: number, loss: number): this {
    return this.#take(this.#losses, "add", step, loss);
  }

  /** Adds a loss on pictures that the network was not trained on. */
  addHeldOut(step: number, loss: number): this {
    return this.#take(this.#heldOut, "addHeldOut", step, loss);
  }

  #take(list: Point[], method: string, step: number, loss: number): this {
    if (typeof step !== "number" || typeof loss !== "number") {
      const hint = typeof loss === "object" ? " For a tensor, pass its number: await loss.item()." : "";
      throw new TypeError(`lossCurve: ${method} got ${kind(step)} and ${kind(loss)}, expected two numbers.${hint}`);
    }
    list.push({ x: step, y: loss });
    if (this.#output?.past()) this.#output = undefined;
    if (this.#output === undefined) this.#output = openOutput(this.figure()) ?? null;
    else (this.#output ? this.#drawing : this.#printing).ask();
    return this;
  }

  /** The curve as it is now. */
  figure(): Figure {
    const curves = this.#curves();
    return new Figure("lossCurve", () => drawCurves(curves, { ...this.#options, dots: false }));
  }

  /** Draws what the page does not have yet. What is added later comes in a new output. */
  async end(): Promise<void> {
    const output = this.#output;
    if (output === null) this.#print();
    if (output) await this.#drawing.now();
    this.#output = undefined;
  }

  #draw(): unknown {
    const figure = this.figure();
    this.#output?.update(figure);
    return figure.alt();
  }

  #print(): void {
    const last = this.#losses.at(-1);
    const held = this.#heldOut.at(-1);
    const { xLabel, yLabel, heldOutLabel } = this.#options;
    const parts = [
      last && `${xLabel} ${last.x}  ${yLabel} ${label(this.smoothed, 4)}`,
      held && `${heldOutLabel} ${label(held.y, 4)}`,
    ];
    console.error(parts.filter(Boolean).join("  "));
  }

  async [DISPLAY](): Promise<MimeData> {
    if (this.#output && !this.#output.past()) {
      // It is on the page already, a little above.
      await this.end();
      return {};
    }
    this.#output = undefined;
    if (this.#losses.length + this.#heldOut.length === 0) return { "text/plain": "lossCurve: nothing added yet" };
    return bundleOf(await drawCurves(this.#curves(), { ...this.#options, dots: false }));
  }

  #curves(): Curve[] {
    const { smooth, yLabel = "loss", heldOutLabel = "held out" } = this.#options;
    const losses = [...this.#losses];
    const curves: Curve[] = [];
    const worthSmoothing = smooth > 0 && losses.length >= 20;
    if (losses.length > 0) {
      const thin = worthSmoothing ? { strokeWidth: 1, opacity: 0.5, name: "" } : {};
      curves.push({ name: yLabel, points: losses, colour: SERIES[0], ...thin });
      if (worthSmoothing)
        // Where a loss is no number, the mean of those before says nothing about it.
        curves.push({
          name: `${yLabel}, smoothed`,
          points: smoothed(losses, smooth).filter((_, i) => Number.isFinite(losses[i]!.y)),
          colour: SERIES[0],
        });
    }
    const held = [...this.#heldOut];
    // With dots a first value can be seen before there is a line.
    if (held.length > 0) curves.push({ name: heldOutLabel, points: held, colour: SERIES[1], dots: held.length <= 40 });
    return curves;
  }
}

/**
 * Exponentially weighted mean, without the pull of the zero that it starts from; values that are no numbers are passed over.
 *
 * @see Kingma and Ba 2015, section 3 (bias correction): https://arxiv.org/abs/1412.6980
 */
export function smoothed(points: readonly Point[], weight: number): Point[] {
  let [sum, mass] = [0, 0];
  return points.map(({ x, y }) => {
    if (Number.isFinite(y)) {
      sum = weight * sum + (1 - weight) * y;
      mass = weight * mass + (1 - weight);
    }
    return { x, y: mass > 0 ? sum / mass : Number.NaN };
  });
}
