import { type Choices, choice } from "./choices.ts";
import { column } from "./containers.ts";
import { checkbox, text } from "./inputs.ts";
import { output } from "./output.ts";
import { slider } from "./sliders.ts";
import { htmlView, stillOf } from "./views.ts";
import { isWidget, type Still, ValueWidget, Widget } from "./widget.ts";

/** A control, or a plain value that asks for the usual one: a number for a slider, a list for a choice. */
// biome-ignore lint/suspicious/noExplicitAny: of whatever value
export type Control = ValueWidget<any> | number | boolean | string | Choices<unknown>;

/** What a control's value is. */
export type ControlValue<C> =
  C extends ValueWidget<infer T>
    ? T
    : C extends number
      ? number
      : C extends boolean
        ? boolean
        : C extends string
          ? string
          : C extends readonly (infer T)[]
            ? T
            : C extends Readonly<Record<string, infer T>>
              ? T
              : never;

/** The values of several controls, by name. */
export type ControlValues<C> = { readonly [name in keyof C]: ControlValue<C[name]> };

/** What the function of `interact` gets beside the values. */
export interface InteractContext {
  /** Aborts as a newer value comes: pass it on, as in `generate(prompt, { signal })`, or look at `signal.aborted`. */
  readonly signal: AbortSignal;
}

/** After this the page says that the function is at work. */
const BUSY_MS = 200;
/** A run is let alone for so long even where a newer value comes, so that quick ones show while a slider is dragged. */
const GRACE_MS = 150;
/** A run that does not end although it was told to is left behind after this. */
const PATIENCE_MS = 500;
/** So long a cell waits for the first result, to have it in the notebook's file. */
const FIRST_MS = 2500;

/**
 * Controls, and below them what a function makes of their values: computed anew with each change.
 *
 * The newest change wins: the run before is told to stop through `signal`, and never more than one waits. An error
 * shows in place of the result, and the next change works. Runs go on while another cell awaits.
 *
 * ```ts
 * interact({ seed: slider(0, 99), prompt: text("a red seven") }, async ({ seed, prompt }, { signal }) =>
 *   (await pipeline.generate(prompt, { seed, signal })).images[0]);
 * ```
 *
 * @param controls - by the name of the value: widgets, or plain values: 5 is a slider from -5 to 15 as in ipywidgets, true a
 * checkbox, "text" a line of text, a list or a record of labelled values a choice
 * @param show - gets the values; what it returns is shown
 */
export function interact<const C extends Readonly<Record<string, Control>>>(
  controls: C,
  show: (values: ControlValues<C>, context: InteractContext) => unknown,
): Interactive<C> {
  return new Interactive(controls, show);
}

/** Made by `interact`. */
export class Interactive<C extends Readonly<Record<string, Control>>> extends Widget {
  /** The controls, by name. */
  readonly controls: { readonly [name in keyof C]: ValueWidget<ControlValue<C[name]>> };
  readonly #show: (values: ControlValues<C>, context: InteractContext) => unknown;
  readonly #parts: { status: ReturnType<typeof htmlView>; output: ReturnType<typeof output> };
  readonly #stopListening: (() => void)[] = [];
  #run: { controller: AbortController; began: number } | undefined;
  #isWaiting = false;
  #working: Promise<void> | undefined;
  #first: Promise<void> | undefined;
  /** Numbers of the newest run and of the one whose result is on the page. */
  #newest = 0;
  #shown = 0;

  constructor(controls: C, show: (values: ControlValues<C>, context: InteractContext) => unknown) {
    if (typeof show !== "function")
      throw new TypeError(`interact: got ${typeof show}, expected a function of the values`);
    const widgets = Object.entries(controls).map(([name, control]) => [name, controlOf(name, control)] as const);
    const parts = { status: htmlView(IDLE), output: output() };
    const box = column(...widgets.map(([, widget]) => widget), parts.status, parts.output);
    super(box.boxModel);
    this.controls = Object.fromEntries(widgets) as never;
    this.#show = show;
    this.#parts = parts;
    for (const [, widget] of widgets) this.#stopListening.push(widget.on("change", () => void this.update()));
  }

  /** What the controls say now. */
  get values(): ControlValues<C> {
    return Object.fromEntries(Object.entries(this.controls).map(([name, { value }]) => [name, value])) as never;
  }

  /** Computes the result anew. @returns settles when there is nothing left to compute; never rejects */
  update(): Promise<void> {
    this.#isWaiting = true;
    if (this.#run) this.#hurry(this.#run);
    this.#working ??= this.#work();
    return this.#working;
  }

  async #work(): Promise<void> {
    while (this.#isWaiting) {
      this.#isWaiting = false;
      await this.#redraw();
    }
    this.#working = undefined;
  }

  async #redraw(): Promise<void> {
    const run = { controller: new AbortController(), began: performance.now() };
    this.#run = run;
    const { signal } = run.controller;
    const turn = ++this.#newest;
    const busy = setTimeout(() => (this.#parts.status.value = BUSY), BUSY_MS);
    const leftBehind = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => setTimeout(resolve, PATIENCE_MS).unref());
    });
    const computed = (async () => {
      try {
        const value = await this.#show(this.values, { signal });
        // One that ends although it was told to stop is still newer than what the page shows, unless another was faster.
        if (turn < this.#shown) return;
        this.#shown = turn;
        await this.#parts.output.show(value === undefined ? NOTHING : value);
      } catch (error) {
        if (!signal.aborted) this.#parts.output.showError(error);
      }
    })();
    await Promise.race([computed, leftBehind]);
    clearTimeout(busy);
    this.#run = undefined;
    if (!this.#isWaiting) this.#parts.status.value = IDLE;
  }

  /** Tells a run to stop, once it has had its grace. */
  #hurry({ controller, began }: { controller: AbortController; began: number }): void {
    const left = began + GRACE_MS - performance.now();
    const stop = () => controller.abort(new DOMException("A newer value arrived.", "AbortError"));
    if (left <= 0) stop();
    else setTimeout(() => this.#run?.controller === controller && this.#isWaiting && stop(), left);
  }

  async still(): Promise<Still> {
    this.#first ??= this.update();
    const limit = this.model.canShow ? FIRST_MS : Number.POSITIVE_INFINITY;
    await Promise.race([this.#first, delay(limit)]);
    const { html, text: words } = await stillOf([...Object.values<Widget>(this.controls), this.#parts.output]);
    return { html, text: words };
  }

  override close(): void {
    for (const stop of this.#stopListening) stop();
    this.#isWaiting = false;
    this.#run?.controller.abort(new DOMException("It was closed.", "AbortError"));
    super.close();
  }
}

const IDLE = `<span style="opacity:0">&nbsp;</span>`;
const BUSY = `<span style="opacity:.65">computing&hellip;</span>`;
const NOTHING = "interact: the function returned nothing; its return value is shown here";

// biome-ignore lint/suspicious/noExplicitAny: of whatever value
function controlOf(name: string, control: unknown): ValueWidget<any> {
  if (control instanceof ValueWidget) {
    control.labelAs(name);
    return control;
  }
  const options = { label: name };
  if (typeof control === "boolean") return checkbox(control, options);
  if (typeof control === "string") return text(control, options);
  if (typeof control === "number" && Number.isFinite(control)) return usualSlider(control, options);
  if (typeof control === "object" && control !== null && !isWidget(control)) {
    return choice(control as Choices<unknown>, options);
  }
  throw new TypeError(
    `interact: ${name} is ${isWidget(control) ? "a widget without a value" : String(control)}; ` +
      "expected a control such as slider(0, 99), or a number, text, true or false, or a list",
  );
}

/** From minus the value to three times it, as ipywidgets has it; 0 to 1 for zero. */
function usualSlider(value: number, { label }: { label: string }) {
  if (value === 0) return slider(0, 1, { label, value, step: 1 });
  const [min, max] = value > 0 ? [-value, 3 * value] : [3 * value, -value];
  return slider(min, max, { label, value, ...(Number.isInteger(value) && { step: 1 }) });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms !== Number.POSITIVE_INFINITY) setTimeout(resolve, ms);
  });
}
