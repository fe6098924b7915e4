import { modelOf } from "./model.ts";
import { type ControlOptions, controlState } from "./options.ts";
import { ValueWidget } from "./widget.ts";

/** What is to be chosen from: the values themselves, or labels with their values. */
export type Choices<T> = readonly T[] | Readonly<Record<string, T>>;

/** Options of `choice`, `radio` and `toggles`. */
export interface ChoiceOptions<T> extends ControlOptions {
  /** Selected at first; default the first. */
  value?: T;
}

/**
 * A list that drops down: `choice(["DDIM", "Euler"])`, or with labels, `choice({ fast: 4, good: 50 })`.
 *
 * @throws RangeError if there is nothing to choose from, or the value is none of them
 */
export function choice<const T>(choices: Choices<T>, options: ChoiceOptions<NoInfer<T>> = {}): Choice<T> {
  return new Choice("Dropdown", choices, options);
}

/** Round buttons, one of which is pressed: `radio(["pen", "chalk"])`. */
export function radio<const T>(choices: Choices<T>, options: ChoiceOptions<NoInfer<T>> = {}): Choice<T> {
  return new Choice("RadioButtons", choices, options);
}

/** Buttons in a row, one of which is pressed: `toggles([1, 3, 16, 51])`. */
export function toggles<const T>(choices: Choices<T>, options: ChoiceOptions<NoInfer<T>> = {}): Choice<T> {
  return new Choice("ToggleButtons", choices, options);
}

/** Made by `choice`, `radio` and `toggles`. */
export class Choice<T> extends ValueWidget<T> {
  /** What there is to choose from. */
  readonly choices: readonly T[];

  constructor(kind: "Dropdown" | "RadioButtons" | "ToggleButtons", from: Choices<T>, options: ChoiceOptions<T>) {
    const [labels, values] = Array.isArray(from)
      ? [from.map(String), from as readonly T[]]
      : [Object.keys(from), Object.values(from as Record<string, T>)];
    if (values.length === 0) throw new RangeError("choice: there is nothing to choose from");
    const write = (value: T) => {
      const index = values.indexOf(value);
      if (index >= 0) return index;
      throw new RangeError(`choice: ${String(value)} is not one of ${labels.join(", ")}`);
    };
    const check = (key: string, value: unknown) => {
      if (key !== "index") return value;
      if (Number.isInteger(value) && (value as number) >= 0 && (value as number) < values.length) return value;
      throw new RangeError(`choice: there is no choice number ${String(value)}`);
    };
    const index = "value" in options ? write(options.value as T) : 0;
    super(
      modelOf(kind, { ...controlState(options), _options_labels: labels, index }, check),
      { key: "index", read: (raw) => values[raw as number]!, write },
      options.label,
    );
    this.choices = values;
  }
}
