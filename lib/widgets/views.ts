import { modelOf } from "./model.ts";
import { escapeHtml, type Still, ValueWidget, type Widget } from "./widget.ts";

/** A line of text that code changes: `const status = label("ready"); status.value = "busy"`. */
export function label(value = ""): Label {
  return new Label(value);
}

/** Made by `label`. */
export class Label extends ValueWidget<string> {
  constructor(value: string) {
    super(modelOf("Label", { value }), { key: "value", read: (raw) => raw as string, write: String });
  }
}

/** HTML that code changes. */
export function htmlView(value = ""): HtmlView {
  return new HtmlView(value);
}

/** Made by `htmlView`. */
export class HtmlView extends ValueWidget<string> {
  constructor(value: string) {
    super(modelOf("HTML", { value }), { key: "value", read: (raw) => raw as string, write: String });
  }

  override still(): Still {
    const text = this.value.replaceAll(/<[^>]*>/g, "");
    return { html: `<div class="difflab-widget">${this.value}</div>`, text };
  }
}

/** A bar that code fills: `const bar = progressBar(100); bar.value = 40`. */
export function progressBar(max: number, options: { label?: string } = {}): ProgressBar {
  return new ProgressBar(max, options);
}

/** Made by `progressBar`. */
export class ProgressBar extends ValueWidget<number> {
  constructor(max: number, { label: description = "" }: { label?: string }) {
    if (!(max > 0) || !Number.isFinite(max)) throw new RangeError(`progressBar: max ${max}; expected more than 0`);
    const write = (value: number) => {
      if (typeof value === "number" && value >= 0 && value <= max) return value;
      throw new RangeError(`progressBar: value ${String(value)}; expected 0 to ${max}`);
    };
    const model = modelOf("FloatProgress", { description, max, value: 0 });
    super(model, { key: "value", read: (raw) => raw as number, write }, description);
  }
}

/**
 * A picture that code changes without a trace of the one before: `const view = imageView(); view.value = await image.png()`.
 *
 * @param value - bytes of a PNG, JPEG, GIF or WebP file; default none
 * @param options.width - pixels on the page; default those of the picture
 */
export function imageView(value = new Uint8Array(), options: { width?: number } = {}): ImageView {
  return new ImageView(value, options);
}

/** Made by `imageView`. */
export class ImageView extends ValueWidget<Uint8Array> {
  constructor(value: Uint8Array, { width }: { width?: number }) {
    const write = (bytes: Uint8Array) => {
      if (bytes instanceof Uint8Array) return bytes;
      throw new TypeError(`imageView: got ${typeof bytes}, expected the bytes of a PNG file: await image.png()`);
    };
    const state = { value: write(value), width: width === undefined ? "" : String(width) };
    super(modelOf("Image", state), { key: "value", read: (raw) => raw as Uint8Array, write });
  }

  override still(): Still {
    const source = Buffer.from(this.value).toString("base64");
    return { html: source && `<img src="data:image/png;base64,${source}" alt="picture">`, text: "picture" };
  }
}

/** Used by containers: several stills one below the other. */
export async function stillOf(children: readonly Widget[], title?: (index: number) => string): Promise<Still> {
  const stills = await Promise.all(children.map((child) => child.still()));
  const heading = (index: number) => title?.(index) ?? "";
  return {
    html: stills
      .map(({ html }, i) => (heading(i) ? `<div><i>${escapeHtml(heading(i))}</i></div>` : "") + html)
      .join(""),
    text: stills.map(({ text }, i) => (heading(i) ? `${heading(i)}\n${text}` : text)).join("\n"),
  };
}
