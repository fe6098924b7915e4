/** One replacement of `[start, end)` by `text`; `start === end` inserts. */
interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * Replacements in a text that keep its lines: a replaced range keeps its line breaks, so that line numbers
 * stay the student's own and only columns need mapping back.
 *
 * `magic-string` was not taken: its source maps do not say which text is an edit's, so that a trace could point behind the place
 * where an edit stands, and line breaks would still have to be kept by hand.
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

  apply(): { text: string; segments: Segment[] } {
    // Stable: insertions at one place keep the order in which they were made, and precede a replacement there.
    const ordered = this.#edits.toSorted((a, b) => a.start - b.start || a.end - a.start - (b.end - b.start));
    const segments: Segment[] = [];
    const pieces: string[] = [];
    const edited = new Cursor();
    const source = new Cursor();
    const append = (piece: string) => {
      pieces.push(piece);
      edited.advance(piece);
    };
    let from = 0;
    const skip = (to: number) => {
      const piece = this.#source.slice(from, to);
      source.advance(piece);
      from = to;
      return piece;
    };
    for (const { start, end, text } of ordered) {
      if (start < from) throw new Error(`edits overlap at ${start}`); // a mistake in the rewriter, never of the cell
      append(skip(start));
      segments.push([edited.line, edited.column, source.column, true]);
      append(text);
      skip(end);
      segments.push([edited.line, edited.column, source.column, false]);
    }
    append(this.#source.slice(from));
    return { text: pieces.join(""), segments };
  }
}

/** A position that moves through a text. */
class Cursor {
  line = 0;
  column = 0;

  advance(text: string): void {
    const last = text.lastIndexOf("\n");
    this.column = last < 0 ? this.column + text.length : text.length - last - 1;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) this.line++;
  }
}

/**
 * Where a piece of the edited text begins, and the column of the source that it begins at; lines and columns from 0.
 * Within a piece that an edit put there all positions are the one where it begins. Lines are the source's own.
 */
export type Segment = [line: number, column: number, sourceColumn: number, isEdit: boolean];

/** The source column of a position in the edited text. */
export function sourceColumn(segments: readonly Segment[], line: number, column: number): number {
  const segment = segments.findLast(([l, c]) => l === line && c <= column);
  if (!segment) return column;
  const [, start, origin, isEdit] = segment;
  return isEdit ? origin : origin + column - start;
}
