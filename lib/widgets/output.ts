import { inspect } from "node:util";
import { DISPLAY } from "../page/display.ts";
import { modelOf, type WidgetModel } from "./model.ts";
import type { ModelStates } from "./models.ts";
import { escapeHtml, type Still, Widget } from "./widget.ts";

const PNG = [0x89, 0x50, 0x4e, 0x47];

/** A place that shows any value, and another one later: `const out = output(); await out.show(picture)`. */
export function output(value?: unknown): Output {
  const made = new Output();
  if (value !== undefined) void made.show(value);
  return made;
}

/** Made by `output`. */
export class Output extends Widget {
  #still: Still = { html: "", text: "" };
  /** Counts what was asked to be shown, so that of two slow values the later one stays. */
  #latest = 0;
  #showing: Promise<void> = Promise.resolve();
  readonly #layout: WidgetModel<ModelStates["Layout"]>;

  constructor() {
    const layout = modelOf("Layout");
    super(modelOf("Output", { layout }));
    this.#layout = layout;
  }

  /** Shows a value in place of the one before: a figure, a picture, a widget, an element, text. */
  show(value: unknown): Promise<void> {
    const turn = ++this.#latest;
    this.#showing = bundleOf(value).then(({ data, metadata }) => {
      if (turn !== this.#latest) return;
      this.#still = stillOfBundle(data);
      // The page takes the old picture away before it has drawn the new one: without this all below would jump up and down.
      const height = heightOf(data, metadata);
      if (height !== undefined) this.#layout.set({ min_height: `${height}px` });
      // Who has widgets shows HTML: the same figure once more as a file would only be sent and stored.
      const { "image/svg+xml": file, ...rest } = data;
      const sent = typeof rest["text/html"] === "string" ? rest : data;
      this.model.set({ outputs: [{ output_type: "display_data", data: sent, metadata }] });
    });
    return this.#showing;
  }

  /** Shows an error as a failed cell does. */
  showError(error: unknown): void {
    this.#latest++;
    const { name, message } = error instanceof Error ? error : { name: "Error", message: inspect(error) };
    this.#still = { html: `<pre>${escapeHtml(`${name}: ${message}`)}</pre>`, text: `${name}: ${message}` };
    const traceback = [`\u001b[31m${name}\u001b[0m: ${message}`];
    this.model.set({ outputs: [{ output_type: "error", ename: name, evalue: message, traceback }] });
  }

  /** Shows nothing. */
  clear(): void {
    this.#latest++;
    this.#still = { html: "", text: "" };
    this.#layout.set({ min_height: null });
    this.model.set({ outputs: [] });
  }

  async still(): Promise<Still> {
    await this.#showing.catch(() => {});
    return this.#still;
  }
}

/** A value as it looks where there are no widgets. */
export async function stillOfValue(value: unknown): Promise<Still> {
  return stillOfBundle((await bundleOf(value)).data);
}

/** A value as front ends choose from it. */
async function bundleOf(value: unknown): Promise<Bundle> {
  if (typeof value === "object" && value !== null) {
    const own = (value as { [DISPLAY]?: unknown })[DISPLAY as never] as unknown;
    if (typeof own === "function") {
      const bundle = (await Reflect.apply(own, value, [])) as Record<string, unknown>;
      return "data" in bundle ? ({ metadata: {}, ...bundle } as unknown as Bundle) : { data: bundle, metadata: {} };
    }
    if (value instanceof Uint8Array && PNG.every((byte, i) => value[i] === byte)) {
      return plain({ "image/png": Buffer.from(value).toString("base64"), "text/plain": "picture" });
    }
    // An element, as Observable Plot makes them.
    const { outerHTML } = value as { outerHTML?: unknown };
    if (typeof outerHTML === "string") return plain({ "text/html": outerHTML, "text/plain": "figure" });
  }
  return plain({ "text/plain": typeof value === "string" ? value : inspect(value) });
}

interface Bundle {
  readonly data: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

function plain(data: Record<string, unknown>): Bundle {
  return { data, metadata: {} };
}

/** CSS pixels of a picture or a figure on the page, where they can be told. */
function heightOf(data: Record<string, unknown>, metadata: Record<string, unknown>): number | undefined {
  const { "text/html": html, "image/png": png } = data;
  if (typeof html === "string") {
    const height = /<(?:svg|img)\b[^>]*?\bheight="(\d+(?:\.\d+)?)"/.exec(html)?.[1];
    return height === undefined ? undefined : Math.ceil(Number(height));
  }
  if (typeof png !== "string") return undefined;
  const given = (metadata["image/png"] as { height?: unknown } | undefined)?.height;
  if (typeof given === "number") return given;
  const header = Buffer.from(png.slice(0, 40), "base64");
  return header.length >= 24 ? header.readUInt32BE(20) : undefined;
}

function stillOfBundle(data: Record<string, unknown>): Still {
  const text = String(data["text/plain"] ?? "");
  const image = data["image/png"];
  if (typeof data["text/html"] === "string") return { html: data["text/html"], text };
  if (typeof image === "string") return { html: `<img src="data:image/png;base64,${image}" alt="">`, text };
  return { html: `<pre>${escapeHtml(text)}</pre>`, text };
}
