import { modelOf } from "./model.ts";
import { type ControlOptions, controlState } from "./options.ts";
import { ValueWidget } from "./widget.ts";

/** Options of `slider`. */
export interface SliderOptions extends ControlOptions {
  /** Where it stands at first; default `min`. */
  value?: number;
  /** Distance of its places; default 1 between whole numbers at least 10 apart, otherwise a hundredth of the way. */
  step?: number;
  /** Whether values come while it is dragged, and not only at the end; default true. */
  continuous?: boolean;
}

/**
 * A slider over numbers: `slider(0, 99)`, `slider(0, 1, { step: 0.05, value: 0.8 })`.
 *
 * @throws RangeError if `min` is not below `max`, or the value is outside
 */
export function slider(min: number, max: number, options: SliderOptions = {}): Slider {
  return new Slider(min, max, options);
}

/** Made by `slider`. */
export class Slider extends ValueWidget<number> {
  /** Its lowest value. */
  readonly min: number;
  /** Its highest value. */
  readonly max: number;

  constructor(min: number, max: number, options: SliderOptions) {
    const step = checkedRange("slider", min, max, options.step);
    const isInteger = [min, max, step].every(Number.isInteger);
    const check = (value: unknown) => within("slider", value, min, max, isInteger);
    const common = {
      ...controlState(options),
      min,
      max,
      step,
      value: check(options.value ?? min),
      continuous_update: options.continuous ?? true,
    };
    const keep = (key: string, value: unknown) => (key === "value" ? check(value) : value);
    super(
      isInteger
        ? modelOf("IntSlider", common, keep)
        : modelOf("FloatSlider", { ...common, readout_format: `.${decimals(step)}f` }, keep),
      { key: "value", read: (raw) => raw as number, write: check },
      options.label,
    );
    this.min = min;
    this.max = max;
  }
}

/** Options of `rangeSlider`. */
export interface RangeSliderOptions extends Omit<SliderOptions, "value"> {
  /** Both ends at first; default all of it. */
  value?: readonly [number, number];
}

/** A slider with two handles: `rangeSlider(0, 1000, { value: [200, 800] })`. @throws RangeError as `slider` */
export function rangeSlider(min: number, max: number, options: RangeSliderOptions = {}): RangeSlider {
  return new RangeSlider(min, max, options);
}

/** Made by `rangeSlider`. */
export class RangeSlider extends ValueWidget<readonly [number, number]> {
  constructor(min: number, max: number, options: RangeSliderOptions) {
    const step = checkedRange("rangeSlider", min, max, options.step);
    const isInteger = [min, max, step].every(Number.isInteger);
    const check = (value: unknown): readonly [number, number] => {
      if (!Array.isArray(value) || value.length !== 2) {
        throw new TypeError(`rangeSlider: got ${String(value)}, expected two numbers such as [${min}, ${max}]`);
      }
      const [low, high] = value.map((each) => within("rangeSlider", each, min, max, isInteger)) as [number, number];
      if (low > high) throw new RangeError(`rangeSlider: got [${low}, ${high}], expected the lower number first`);
      return [low, high];
    };
    const common = {
      ...controlState(options),
      min,
      max,
      step,
      value: check(options.value ?? [min, max]),
      continuous_update: options.continuous ?? true,
    };
    const keep = (key: string, value: unknown) => (key === "value" ? check(value) : value);
    super(
      isInteger
        ? modelOf("IntRangeSlider", common, keep)
        : modelOf("FloatRangeSlider", { ...common, readout_format: `.${decimals(step)}f` }, keep),
      { key: "value", read: (raw) => raw as readonly [number, number], write: check },
      options.label,
    );
  }
}

/** Options of `play`. */
export interface PlayOptions extends ControlOptions {
  /** Where it begins; default `min`. */
  value?: number;
  /** Milliseconds from one value to the next; default 100. */
  interval?: number;
  /** Distance of its values; default 1. */
  step?: number;
  /** Whether it begins anew at the end; default false. */
  repeat?: boolean;
}

/** The buttons of a film: plays from `min` to `max`. A slider moves along with `p.link(slider(0, 50))`. */
export function play(min: number, max: number, options: PlayOptions = {}): Play {
  return new Play(min, max, options);
}

/** Made by `play`. */
export class Play extends ValueWidget<number> {
  constructor(min: number, max: number, options: PlayOptions) {
    const step = checkedRange("play", min, max, options.step ?? 1);
    const check = (value: unknown) => within("play", value, min, max, true);
    const { interval = 100, repeat = false } = options;
    const state = { ...controlState(options), min, max, step, interval, repeat, value: check(options.value ?? min) };
    super(
      modelOf("Play", state, (key, value) => (key === "value" ? check(value) : value)),
      { key: "value", read: (raw) => raw as number, write: check },
      options.label,
    );
  }
}

/** @returns the step */
function checkedRange(where: string, min: number, max: number, step?: number): number {
  if (!Number.isFinite(min) || !Number.isFinite(max) || min >= max) {
    throw new RangeError(`${where}: goes from ${min} to ${max}; expected two numbers, the lower first`);
  }
  if (step !== undefined && !(step > 0 && step <= max - min)) {
    throw new RangeError(`${where}: step ${step}; expected more than 0 and at most ${max - min}`);
  }
  if (step !== undefined) return step;
  return Number.isInteger(min) && Number.isInteger(max) && max - min >= 10 ? 1 : round((max - min) / 100);
}

function within(where: string, value: unknown, min: number, max: number, isInteger: boolean): number {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`${where}: value ${String(value)}; expected a number from ${min} to ${max}`);
  }
  if (value < min || value > max) throw new RangeError(`${where}: value ${value}; expected ${min} to ${max}`);
  if (isInteger && !Number.isInteger(value)) throw new RangeError(`${where}: value ${value}; expected a whole number`);
  return value;
}

/** Takes away what binary fractions add to a decimal one. */
function round(value: number): number {
  return Number(value.toPrecision(12));
}

function decimals(step: number): number {
  return Math.min(8, (/\.(\d+)/.exec(String(round(step)))?.[1] ?? "").length);
}
