/** One thing that may stand at the cursor. */
export interface Candidate {
  text: string;
  /** What it is: "function", "property", "keyword" ... */
  type: string;
}

/** Completion items as the Language Server Protocol gives them. */
interface CompletionItem {
  label: string;
  kind?: number;
  sortText?: string;
  insertText?: string;
}

/** Names of the protocol's item kinds, from 1. */
const KINDS = (
  "text method function constructor field variable class interface module property unit value enum keyword snippet " +
  "color file reference folder constant struct event operator type"
).split(" ");

/** As many as a list that people scroll through can use. */
const LIMIT = 1000;

/** Candidates that begin with what is typed, or where none does, those that contain it; best first. */
export function toCandidates(
  result: { items?: CompletionItem[] } | CompletionItem[] | null,
  typed: string,
): Candidate[] {
  const items = Array.isArray(result) ? result : (result?.items ?? []);
  const wanted = typed.toLowerCase();
  const matching = items.filter(({ label }) => label.toLowerCase().startsWith(wanted));
  return matching
    .sort((a, b) => compare(rank(a, typed), rank(b, typed)))
    .slice(0, LIMIT)
    .map(({ label, insertText, kind }) => ({
      // An optional property is labelled `name?`.
      text: insertText ?? label.replace(/\?$/, ""),
      type: KINDS[(kind ?? 1) - 1] ?? "text",
    }));
}

/** Same case first, then the server's own order, then the alphabet; names with an underscore last. */
function rank({ label, sortText }: CompletionItem, typed: string): string {
  return `${label.startsWith(typed) ? 0 : 1}${sortText ?? "99"}${label.startsWith("_") ? 1 : 0}${label}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Where the word before the cursor begins; within a string, where the last part of a path begins. */
export function wordStart(source: string, offset: number): number {
  return offset - /[\p{L}\p{N}_$]*$/u.exec(source.slice(0, offset))![0].length;
}
