import { inspect } from "node:util";
import { DISPLAY } from "../page/display.ts";
import type { WidgetModel } from "./model.ts";
import { isReference, REFERENCE, type Reference } from "./reference.ts";

/** What a front end chooses from. */
export type WidgetBundle = Record<string, unknown>;

/** Below what stands for a widget. */
const HINT = `<div class="difflab-hint" style="opacity:.65">Run this cell in JupyterLab to use it.</div>`;

/** What stands for a widget if there are none: a file, a web page, a terminal. */
export interface Still {
  /** For a page. */
  readonly html: string;
  /** For a terminal, and for readers who see no page. */
  readonly text: string;
}

/**
 * Something on the page that can be used, or that can change. It shows itself: as a cell's last expression, through
 * `display(widget)`, or inside another, and as often as one likes: all copies stay the same.
 */
export abstract class Widget implements Reference {
  readonly [REFERENCE] = true;
  /** Its state, of which the page keeps a copy. */
  // biome-ignore lint/suspicious/noExplicitAny: each kind of widget has a state of its own
  protected readonly model: WidgetModel<any>;

  // biome-ignore lint/suspicious/noExplicitAny: as above
  constructor(model: WidgetModel<any>) {
    this.model = model;
  }

  /** The id of its comm in the front end. Asking for it opens the comm. @throws Error if there is no kernel */
  get modelId(): string {
    return this.model.modelId;
  }

  /** How it looks as it stands now, without a page that could change it. */
  abstract still(): Still | Promise<Still>;

  /** Takes it off the page, wherever it is shown. It cannot be shown again. */
  close(): void {
    this.model.close();
  }

  async [DISPLAY](): Promise<WidgetBundle> {
    const { html, text } = await this.still();
    // Whoever shows the HTML has no widgets: a page, a viewer, a notebook on the web.
    const page: WidgetBundle = { "text/html": `${html}${HINT}`, "text/plain": text };
    if (!this.model.canShow) return page;
    return {
      "application/vnd.jupyter.widget-view+json": {
        version_major: 2,
        version_minor: 0,
        model_id: this.modelId,
      },
      ...page,
    };
  }

  [inspect.custom](): string {
    return `${this.constructor.name}: displayed automatically in a notebook`;
  }
}

/** A value's change. */
export type ChangeListener<T> = (value: T) => unknown;

/** How a widget keeps its value in its state. */
export interface ValueCodec<T> {
  /** The key of the state that holds it. */
  readonly key: string;
  /** The value that the state holds. */
  read(raw: unknown): T;
  /** What the state holds for a value. @throws RangeError or TypeError for one that it cannot take */
  write(value: T): unknown;
}

/**
 * A widget with a value that a person sets, or code does.
 *
 * ```ts
 * const seed = slider(0, 99);
 * seed.on("change", (value) => console.log(value));
 * seed
 * ```
 */
export class ValueWidget<T> extends Widget {
  readonly #codec: ValueCodec<T>;
  #label: string;

  // biome-ignore lint/suspicious/noExplicitAny: each kind of widget has a state of its own
  constructor(model: WidgetModel<any>, codec: ValueCodec<T>, label = "") {
    super(model);
    this.#codec = codec;
    this.#label = label;
  }

  /** The text before it. */
  get label(): string {
    return this.#label;
  }

  /** Gives it a label, unless it has one. */
  labelAs(label: string): void {
    if (this.#label !== "") return;
    this.#label = label;
    this.model.set({ description: label });
  }

  /** What it is set to now. Setting it changes the page. @throws RangeError or TypeError if it cannot be set to that */
  get value(): T {
    return this.#codec.read(this.model.get(this.#codec.key));
  }

  set value(value: T) {
    this.model.set({ [this.#codec.key]: this.#codec.write(value) });
  }

  /** Calls a function with each new value, whether a person or code sets it. @returns ends that */
  on(event: "change", listener: ChangeListener<T>): () => void {
    if (event !== "change")
      throw new RangeError(`${this.constructor.name}: unknown event "${event}"; expected "change"`);
    return this.model.listen((changed) => (Object.hasOwn(changed, this.#codec.key) ? listener(this.value) : undefined));
  }

  /**
   * The values to come: `for await (const v of widget)`. Of values that come faster than the loop takes them, it gets the newest.
   * Leave the loop with `break`.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    let wake: (() => void) | undefined;
    let isNew = false;
    const stop = this.on("change", () => {
      isNew = true;
      wake?.();
    });
    try {
      while (true) {
        if (!isNew) await new Promise<void>((resolve) => (wake = resolve));
        isNew = false;
        yield this.value;
      }
    } finally {
      stop();
    }
  }

  /** Keeps two widgets the same: what one is set to, the other is too. @returns ends that */
  link(other: ValueWidget<T>): () => void {
    other.value = this.value;
    const ends = [this.on("change", (v) => (other.value = v)), other.on("change", (v) => (this.value = v))];
    return () => ends.forEach((end) => void end());
  }

  still(): Still {
    const value = plain(this.value);
    const text = this.label ? `${this.label}: ${value}` : value;
    const label = this.label ? `${escapeHtml(this.label)}: ` : "";
    return { html: `<div class="difflab-widget">${label}<b>${escapeHtml(value)}</b></div>`, text };
  }

  override [inspect.custom](): string {
    return `${this.constructor.name} (${plain(this.value)})`;
  }
}

/** Whether a value is a widget, of this library. */
export function isWidget(value: unknown): value is Widget {
  return value instanceof Widget && isReference(value);
}

function plain(value: unknown): string {
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return typeof value === "string" ? value : inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}

export function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
