/** Markup as text: what the figures are drawn with if they are no plots. */

type Value = string | number | boolean | undefined;

/** Text that is safe between tags and inside a quoted attribute; control characters, an error in XML, are replaced. */
export function escapeText(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to be replaced
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, "\ufffd")
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
  );
}

/**
 * One element. Numbers are rounded to hundredths of a pixel, attributes that are `undefined` or false left out.
 *
 * @param children - markup, not escaped
 */
export function tag(name: string, attributes: Record<string, Value>, ...children: string[]): string {
  let open = `<${name}`;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    const written = typeof value === "number" ? String(Math.round(value * 100) / 100) : String(value);
    open += ` ${key}="${escapeText(written)}"`;
  }
  const inside = children.join("");
  return inside ? `${open}>${inside}</${name}>` : `${open}/>`;
}

/** How a line of text looks. */
export interface TextStyle {
  /** Pixels; default 12. */
  size?: number;
  anchor?: "start" | "middle" | "end";
  bold?: boolean;
  /** Text that says less: captions' second lines, notes. */
  faint?: boolean;
  fill?: string;
}

/** Lines of text, the first one's baseline at `y`. */
export function lines(text: readonly string[], x: number, y: number, style: TextStyle = {}): string {
  const { size = FONT_SIZE, anchor, bold, faint, fill } = style;
  return text
    .map((line, i) =>
      tag(
        "text",
        {
          x,
          y: y + i * lineHeight(size),
          "font-size": size === FONT_SIZE ? undefined : size,
          "text-anchor": anchor === "start" ? undefined : anchor,
          "font-weight": bold ? 600 : undefined,
          "fill-opacity": faint ? 0.7 : undefined,
          fill,
        },
        escapeText(line),
      ),
    )
    .join("");
}

export const FONT_SIZE = 12;

export function lineHeight(size = FONT_SIZE): number {
  return Math.round(size * 1.3);
}

/** Widths of letters in parts of the font's size, as the widest of usual fonts has them (DejaVu Sans): others leave room. */
function letterWidth(letter: string): number {
  if (/[ijl.,:;'|!()[\]\s]/.test(letter)) return 0.32;
  if (/[ftr-]/.test(letter)) return 0.4;
  if (/[mMW@%—]/.test(letter)) return 0.98;
  if (/[wN-Q−×=+~<>→≈]/.test(letter)) return 0.84;
  if (/[A-Z]/.test(letter)) return 0.7;
  if (/[\dbdghnopqu]/.test(letter)) return 0.64;
  return letter > "\u2e7f" ? 1 : 0.61;
}

/** About how many pixels a line of text takes: there is no browser here that could measure it. */
export function textWidth(text: string, size = FONT_SIZE): number {
  let width = 0;
  for (const letter of text) width += letterWidth(letter);
  return width * size;
}

/**
 * Breaks text into lines of at most `room` pixels, at spaces where it can; line ends in the text stay.
 * What does not fit into `most` lines ends in an ellipsis.
 */
export function wrap(text: string, room: number, options: { size?: number; most?: number } = {}): string[] {
  const { size = FONT_SIZE, most = 4 } = options;
  const width = room + 1e-6; // sums of widths do not always come out the same
  const out: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ").flatMap((each) => pieces(each, width, size))) {
      const longer = line ? `${line} ${word}` : word;
      if (line && textWidth(longer, size) > width) {
        out.push(line);
        line = word;
      } else line = longer;
    }
    out.push(line);
  }
  if (out.length <= most) return out;
  return [...out.slice(0, most - 1), `${out[most - 1]!.slice(0, -1)}…`];
}

/** A word too long for a line, in pieces that are not. */
function pieces(word: string, width: number, size: number): string[] {
  if (textWidth(word, size) <= width) return [word];
  const out: string[] = [];
  let piece = "";
  for (const letter of word) {
    if (piece && textWidth(piece + letter, size) > width) {
      out.push(piece);
      piece = "";
    }
    piece += letter;
  }
  return [...out, piece];
}
