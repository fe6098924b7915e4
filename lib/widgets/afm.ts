import { modelOf, WidgetModel } from "./model.ts";
import { escapeHtml, type Still, Widget } from "./widget.ts";

/** The versions of anywidget's front end whose messages this speaks. Without blanks: it becomes part of a CDN's address. */
const VERSION = "0.x";

/** What `widget` is made of. */
export interface AfmOptions<S extends object> {
  /** An ES module as text: its default export has `initialize` and `render`, as anywidget documents them. */
  esm: string;
  /** Style sheet for it; default none. */
  css?: string;
  /** The state that both ends share: JSON values, and bytes. */
  state: S;
  /** Refuses what the front end sends: throws, or returns the value to keep. */
  check?: (key: keyof S & string, value: unknown) => unknown;
  /** What stands for it if there are no widgets; default the names and values of its state. */
  still?: (state: S) => Still | Promise<Still>;
}

/**
 * A widget of one's own, in the format of anywidget's front-end modules (AFM): published modules run unchanged.
 *
 * ```ts
 * const counter = widget({
 *   state: { count: 0 },
 *   esm: `export default { render({ model, el }) {
 *     const button = document.createElement("button");
 *     const show = () => (button.textContent = "count " + model.get("count"));
 *     button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
 *     model.on("change:count", show); show(); el.append(button);
 *   } };`,
 * });
 * counter.on("change", ({ count }) => console.log(count));
 * ```
 *
 * @see https://anywidget.dev/en/afm/
 */
export function widget<S extends object>(options: AfmOptions<S>): AfmWidget<S> {
  return new AfmWidget(options);
}

/** Made by `widget`. */
export class AfmWidget<S extends object> extends Widget {
  readonly #keys: readonly string[];
  readonly #still: AfmOptions<S>["still"];

  constructor({ esm, css = "", state, check, still }: AfmOptions<S>) {
    if (typeof esm !== "string" || !/\bexport\b/.test(esm)) {
      throw new TypeError("widget: esm has no export; expected the source of an ES module with a default export");
    }
    const taken = Object.keys(state).find((key) => key.startsWith("_") || key === "layout");
    if (taken !== undefined)
      throw new RangeError(`widget: the name "${taken}" in its state is reserved by the front end`);
    const names = { _model_module: "anywidget", _model_module_version: VERSION, _model_name: "AnyModel" };
    const views = { _view_module: "anywidget", _view_module_version: VERSION, _view_name: "AnyView" };
    super(
      new WidgetModel(
        {
          identity: { ...names, ...views },
          defaults: { _esm: esm, _css: css, _anywidget_id: `difflab.${hash(esm)}`, layout: null, ...state },
          owned: {},
        },
        { layout: modelOf("Layout") },
        (key, value) => (check && Object.hasOwn(state, key) ? check(key as keyof S & string, value) : value),
      ),
    );
    this.#keys = Object.keys(state);
    this.#still = still;
  }

  /** Its state now. */
  get state(): Readonly<S> {
    return Object.fromEntries(this.#keys.map((key) => [key, this.model.get(key)])) as S;
  }

  /** Changes its state, here and on the page. @throws RangeError for a name that it does not have */
  set(changes: Partial<S>): void {
    const unknown = Object.keys(changes).find((key) => !this.#keys.includes(key));
    if (unknown !== undefined) {
      throw new RangeError(`widget: its state has no "${unknown}"; it has ${this.#keys.join(", ")}`);
    }
    this.model.set(changes);
  }

  /** Calls a function with the state after each change, and what has changed. @returns ends that */
  on(event: "change", listener: (state: Readonly<S>, changed: Partial<S>) => unknown): () => void;
  /** Calls a function with each message that the module sends by `model.send`. @returns ends that */
  on(event: "message", listener: (content: unknown, buffers: Uint8Array[]) => unknown): () => void;
  on(event: "change" | "message", listener: (first: never, second: never) => unknown): () => void {
    if (event === "message") return this.model.onMessage(listener as never);
    if (event !== "change") throw new RangeError(`widget: unknown event "${event}"; expected "change" or "message"`);
    return this.model.listen((changed) => listener(this.state as never, changed as never));
  }

  /** Sends a message that the module gets by `model.on("msg:custom", f)`. */
  send(content: unknown, buffers: Uint8Array[] = []): void {
    this.model.send(content, buffers);
  }

  still(): Still | Promise<Still> {
    if (this.#still) return this.#still(this.state as S);
    const lines = Object.entries(this.state).map(([key, value]) => `${key}: ${brief(value)}`);
    if (lines.length === 0) lines.push("a widget");
    return {
      html: lines.map((line) => `<div class="difflab-widget">${escapeHtml(line)}</div>`).join(""),
      text: lines.join("\n"),
    };
  }
}

/** A value in one line of moderate length. */
function brief(value: unknown): string {
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

/** FNV-1a: names a module by what it says, so that a page loads each but once. */
function hash(text: string): string {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value.toString(16);
}
