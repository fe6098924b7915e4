/** One thing that may stand at the cursor. */
export interface Candidate {
  text: string;
  /** What it is: "function", "property", "keyword" ... */
  type: string;
}

/** Completion of a cell at a position. */
export interface Completion {
  candidates: Candidate[];
  /** Range that a candidate replaces. */
  start: number;
  end: number;
}

/** A language-server position, from 0. */
export interface Position {
  line: number;
  character: number;
}

/** Completion items as the Language Server Protocol gives them. */
interface CompletionItem {
  label: string;
  kind?: number;
  sortText?: string;
  filterText?: string;
  insertText?: string;
  textEdit?: { newText: string; range: { start: Position; end: Position } };
}

/** An item as the text that it puts in place of `[start, cursor)`. */
interface Edit {
  item: CompletionItem;
  start: number;
  text: string;
}

/** Names of the protocol's item kinds, from 1. */
const KINDS = (
  "text method function constructor field variable class interface module property unit value enum keyword snippet " +
  "color file reference folder constant struct event operator type"
).split(" ");

/** As many as a list that people scroll through can use. */
const LIMIT = 1000;

/**
 * Candidates that begin with what is typed, best first.
 *
 * The server says for each item what it replaces: behind a value that may be undefined `?.name` takes the place of the
 * dot, in a string the whole specifier that of what is typed of it. Jupyter knows one range for all, so this is the
 * widest of them, and the other candidates repeat what stands there.
 *
 * @param toOffset - offset in the source of a position of the server's
 * @param isHidden - whether an item is of the checker's own, and nobody's business
 */
export function toCompletion(
  result: { items?: CompletionItem[] } | CompletionItem[] | null,
  source: string,
  cursor: number,
  toOffset: (position: Position) => number,
  isHidden: (label: string) => boolean = () => false,
): Completion {
  const items = (Array.isArray(result) ? result : (result?.items ?? [])).filter((item) => !isHidden(item.label));
  const word = wordStart(source, cursor);
  const edits = items
    .map((item) => toEdit(item, source, word, toOffset))
    .filter((edit) => isMeant(edit, source, cursor));
  const typed = source.slice(word, cursor);
  edits.sort((a, b) => compare(rank(a.item, typed), rank(b.item, typed)));
  const start = Math.min(word, ...edits.map((edit) => edit.start));
  const candidates = edits.slice(0, LIMIT).map((edit) => ({
    text: source.slice(start, edit.start) + edit.text,
    type: KINDS[(edit.item.kind ?? 1) - 1] ?? "text",
  }));
  return { candidates, start: candidates.length > 0 ? start : word, end: cursor };
}

function toEdit(item: CompletionItem, source: string, word: number, toOffset: (at: Position) => number): Edit {
  const { label, insertText, textEdit } = item;
  // An optional property is labelled `name?`.
  const text = textEdit?.newText ?? insertText ?? label.replace(/\?$/, "");
  // The mark of a private name belongs to it, and is there already.
  const start = label.startsWith("#") && source[word - 1] === "#" ? word - 1 : word;
  return { item, text, start: textEdit ? toOffset(textEdit.range.start) : start };
}

function isMeant({ item, start }: Edit, source: string, cursor: number): boolean {
  const typed = source.slice(start, cursor).toLowerCase();
  const isPrivate = source[wordStart(source, cursor) - 1] === "#" && !item.textEdit;
  if (isPrivate && !item.label.startsWith("#")) return false;
  // Members such as `[Symbol.iterator]` would widen the range for all others.
  if (/\[Symbol[.\]]/.test(item.textEdit?.newText ?? "")) return false;
  return [item.filterText, item.label].some((text) => text?.toLowerCase().startsWith(typed));
}

/** Same case first, then the server's own order, then the alphabet; names with an underscore last. */
function rank({ label, sortText }: CompletionItem, typed: string): string {
  return `${label.startsWith(typed) ? 0 : 1}${sortText ?? "99"}${label.startsWith("_") ? 1 : 0}${label}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where the word before the cursor begins. */
export function wordStart(source: string, offset: number): number {
  return offset - /[\p{L}\p{N}_$]*$/u.exec(source.slice(0, offset))![0].length;
}

/** The signature that a call has so far, with its documentation, as Markdown. */
export function signatureText(
  help: {
    signatures?: { label: string; documentation?: string | { value: string } }[];
    activeSignature?: number;
  } | null,
): string | undefined {
  const signature = help?.signatures?.[help.activeSignature ?? 0];
  if (!signature) return undefined;
  const { label, documentation = "" } = signature;
  const text = typeof documentation === "string" ? documentation : documentation.value;
  return `\`\`\`typescript\n${label}\n\`\`\`\n${text}`.trim();
}
