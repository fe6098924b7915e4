import sharp from "sharp";

/** The MIME bundle of a value that shows itself. */
export async function show(value: unknown): Promise<Record<string, string>> {
  const method = (value as Record<symbol, () => Promise<Record<string, string>>>)[Symbol.for("Jupyter.display")]!;
  return method.call(value);
}

/** Attributes of an element's first tag, with entities resolved. */
export function attributes(markup: string): Map<string, string> {
  const open = /^<[^>]*>/.exec(markup)![0];
  return new Map([...open.matchAll(/([\w:-]+)="([^"]*)"/g)].map((match) => [match[1]!, plain(match[2]!)]));
}

/** All elements of a name in a figure, as their attributes, with what they enclose as `text`. */
export function parts(bundle: Record<string, string>, name: string): Map<string, string>[] {
  const all = bundle["text/html"]!.matchAll(new RegExp(`<${name}( [^>]*?)?(?:/>|>([\\s\\S]*?)</${name}>)`, "g"));
  return [...all].map((match) => attributes(match[0]).set("text", plain(match[2] ?? "")));
}

function plain(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}

/** Pixels of a picture in a data: address. */
export async function decode(
  href: string,
): Promise<{ data: Uint8Array; width: number; height: number; channels: number }> {
  const bytes = Buffer.from(href.slice(href.indexOf(",") + 1), "base64");
  const grey = (await sharp(bytes).metadata()).channels === 1;
  const image = grey ? sharp(bytes).toColourspace("b-w") : sharp(bytes);
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { data, ...info };
}

/** @see https://www.w3.org/TR/WCAG22/#dfn-relative-luminance */
export function lum(colour: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
