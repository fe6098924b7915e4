import { inspect } from "node:util";
import { modelOf } from "./model.ts";
import { escapeHtml, type Still, Widget } from "./widget.ts";

const DISPLAY = Symbol.for("Jupyter.display");
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

  constructor() {
    super(modelOf("Output"));
  }

  /** Shows a value in place of the one before: a figure, a picture, a widget, an element, text. */
  show(value: unknown): Promise<void> {
    const turn = ++this.#latest;
    this.#showing = bundleOf(value).then((data) => {
      if (turn !== this.#latest) return;
      this.#still = stillOfBundle(data);
      this.model.set({ outputs: [{ output_type: "display_data", data, metadata: {} }] });
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
    this.model.set({ outputs: [] });
  }

  async still(): Promise<Still> {
    await this.#showing.catch(() => {});
    return this.#still;
  }
}

/** A value as front ends choose from it. */
async function bundleOf(value: unknown): Promise<Record<string, unknown>> {
  if (typeof value === "object" && value !== null) {
    const own = (value as { [DISPLAY]?: unknown })[DISPLAY as never] as unknown;
    if (typeof own === "function") {
      const bundle = (await Reflect.apply(own, value, [])) as Record<string, unknown>;
      return ("data" in bundle ? bundle.data : bundle) as Record<string, unknown>;
    }
    if (value instanceof Uint8Array && PNG.every((byte, i) => value[i] === byte)) {
      return { "image/png": Buffer.from(value).toString("base64"), "text/plain": "picture" };
    }
    // An element, as Observable Plot makes them.
    const { outerHTML } = value as { outerHTML?: unknown };
    if (typeof outerHTML === "string") return { "text/html": outerHTML, "text/plain": "figure" };
  }
  return { "text/plain": typeof value === "string" ? value : inspect(value) };
}

function stillOfBundle(data: Record<string, unknown>): Still {
  const text = String(data["text/plain"] ?? "");
  const image = data["image/png"];
  if (typeof data["text/html"] === "string") return { html: data["text/html"], text };
  if (typeof image === "string") return { html: `<img src="data:image/png;base64,${image}" alt="">`, text };
  return { html: `<pre>${escapeHtml(text)}</pre>`, text };
}
