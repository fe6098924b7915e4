import { modelOf } from "./model.ts";
import { type ControlOptions, controlState } from "./options.ts";
import { escapeHtml, type Still, ValueWidget, Widget } from "./widget.ts";

/** A box to tick: `checkbox(true, { label: "noise" })`. */
export function checkbox(value = false, options: ControlOptions = {}): Checkbox {
  return new Checkbox(value, options);
}

/** Made by `checkbox`. */
export class Checkbox extends ValueWidget<boolean> {
  constructor(value: boolean, options: ControlOptions) {
    const check = (given: unknown) => typed<boolean>("checkbox", given, "boolean");
    super(
      modelOf("Checkbox", { ...controlState(options), value: check(value), indent: false }, only("value", check)),
      { key: "value", read: (raw) => raw as boolean, write: check },
      options.label,
    );
  }
}

/** Options of `text` and `textArea`. */
export interface TextOptions extends ControlOptions {
  /** Shown in grey while there is no text. */
  placeholder?: string;
  /** Whether values come with each key; default false: with Enter, or as the field is left. */
  continuous?: boolean;
}

/** A line of text: `text("a red seven", { label: "prompt" })`. */
export function text(value = "", options: TextOptions = {}): Text {
  return new Text("Text", value, options);
}

/** Several lines of text. */
export function textArea(value = "", options: TextOptions = {}): Text {
  return new Text("Textarea", value, options);
}

/** Made by `text` and `textArea`. */
export class Text extends ValueWidget<string> {
  constructor(kind: "Text" | "Textarea", value: string, options: TextOptions) {
    const check = (given: unknown) => typed<string>("text", given, "string");
    const { placeholder = "", continuous = false } = options;
    const state = { ...controlState(options), value: check(value), placeholder, continuous_update: continuous };
    super(
      modelOf(kind, state, only("value", check)),
      { key: "value", read: (raw) => raw as string, write: check },
      options.label,
    );
  }
}

/** A colour to pick: `colorPicker("#3178c6")`; its value is text that CSS understands. */
export function colorPicker(value = "#3178c6", options: ControlOptions = {}): ColorPicker {
  return new ColorPicker(value, options);
}

/** Made by `colorPicker`. */
export class ColorPicker extends ValueWidget<string> {
  constructor(value: string, options: ControlOptions) {
    const check = (given: unknown) => {
      const colour = typed<string>("colorPicker", given, "string");
      if (/^(#[\da-f]{3}|#[\da-f]{6}|[a-z]+)$/i.test(colour)) return colour;
      throw new RangeError(`colorPicker: got "${colour}", expected a colour such as "#3178c6" or "teal"`);
    };
    super(
      modelOf("ColorPicker", { ...controlState(options), value: check(value) }, only("value", check)),
      { key: "value", read: (raw) => raw as string, write: check },
      options.label,
    );
  }
}

/** Options of `button`. */
export interface ButtonOptions extends Omit<ControlOptions, "label"> {
  /** One of the front end's looks. */
  kind?: "" | "primary" | "success" | "info" | "warning" | "danger";
}

/**
 * A button: `button("again", async () => ...)`.
 *
 * @param pressed - called at each press
 */
export function button(label: string, pressed?: () => unknown, options: ButtonOptions = {}): Button {
  return new Button(label, pressed, options);
}

/** Made by `button`. */
export class Button extends Widget {
  /** What stands on it. */
  readonly label: string;

  constructor(label: string, pressed: (() => unknown) | undefined, { kind = "", ...options }: ButtonOptions) {
    super(modelOf("Button", { ...controlState({ ...options, label }), button_style: kind }));
    this.label = label;
    if (pressed) this.on("press", pressed);
  }

  /** Calls a function at each press. @returns ends that */
  on(event: "press", listener: () => unknown): () => void {
    if (event !== "press") throw new RangeError(`Button: unknown event "${event}"; expected "press"`);
    return this.model.onMessage((content) =>
      (content as { event?: unknown } | null)?.event === "click" ? listener() : undefined,
    );
  }

  still(): Still {
    return { html: `<div class="difflab-widget">[${escapeHtml(this.label)}]</div>`, text: `[${this.label}]` };
  }
}

function only(key: string, check: (value: unknown) => unknown): (key: string, value: unknown) => unknown {
  return (name, value) => (name === key ? check(value) : value);
}

function typed<T>(where: string, value: unknown, type: "string" | "boolean"): T {
  if (typeof value === type) return value as T;
  throw new TypeError(`${where}: value ${String(value)}; expected a ${type}`);
}
