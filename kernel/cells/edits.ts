/** One replacement of `[start, end)` by `text`; `start === end` inserts. */
interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Replacements in a text that keep its lines: a replaced range keeps its line breaks, so that line numbers
 * stay the student's own and only columns need mapping back.
 */
export class Edits {
  readonly #source: string;
  readonly #edits: Edit[] = [];

  constructor(source: string) {
    this.#source = source;
  }

  insert(at: number, text: string): void {
    this.#edits.push({ start: at, end: at, text });
  }

  replace(start: number, end: number, text: string): void {
    const breaks = this.#source.slice(start, end).replace(/[^\n]/g, "");
    this.#edits.push({ start, end, text: text + breaks });
  }

  /**
   * The edited text, and the edits as `[line, column, shift]`: from that column of that edited line on (both from 0),
   * the original column is `shift` smaller.
   */
  apply(): { text: string; shifts: [line: number, column: number, shift: number][] } {
    // Stable: insertions at one place keep the order in which they were made, and precede a replacement there.
    const ordered = this.#edits.toSorted((a, b) => a.start - b.start || a.end - a.start - (b.end - b.start));
    let text = "";
    let from = 0;
    let line = 0;
    let lineStart = 0; // in the edited text
    let sourceLineStart = 0;
    const shifts: [number, number, number][] = [];
    const copy = (end: number) => {
      const piece = this.#source.slice(from, end);
      for (let at = piece.indexOf("\n"); at >= 0; at = piece.indexOf("\n", at + 1)) {
        line++;
        lineStart = text.length + at + 1;
        sourceLineStart = from + at + 1;
      }
      text += piece;
      from = end;
    };
    for (const { start, end, text: replacement } of ordered) {
      if (start < from) throw new Error(`edits overlap at ${start}`); // a mistake in the rewriter, never of the cell
      copy(start);
      const breaks = replacement.lastIndexOf("\n");
      text += replacement;
      from = end;
      if (breaks >= 0) {
        line += replacement.split("\n").length - 1;
        lineStart = text.length - (replacement.length - breaks - 1);
        sourceLineStart = this.#source.lastIndexOf("\n", end - 1) + 1;
      }
      shifts.push([line, text.length - lineStart, text.length - lineStart - (from - sourceLineStart)]);
    }
    copy(this.#source.length);
    return { text, shifts };
  }
}
