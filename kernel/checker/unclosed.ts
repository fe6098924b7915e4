import { type Habit, TEXTS } from "./habits.ts";

const CLOSING: Record<string, string> = { "(": ")", "[": "]", "{": "}" };

/**
 * The bracket or the quotation mark behind a syntax error: opened and never closed, or closed and never opened.
 *
 * @param offset - where the parser gave up: of several brackets, the last one before it is meant
 */
export function unclosed(source: string, offset: number): Habit | undefined {
  const text = withoutTexts(source);
  const quote = /["'`]/.exec(text);
  if (quote) return at(quote.index, `The text that begins here never ends: write a second ${quote[0]} behind it.`);
  const found: Bracket[] = [];
  const open: Bracket[] = [];
  for (const { 0: bracket, index: start } of text.matchAll(/[()[\]{}]/g)) {
    if (CLOSING[bracket] !== undefined) {
      open.push({
        start,
        message: `This ${bracket} is never closed: write ${CLOSING[bracket]} where it ends.`,
        bracket,
      });
      continue;
    }
    const match = open.findLastIndex((each) => CLOSING[each.bracket] === bracket);
    if (match < 0) {
      found.push({ start, message: `This ${bracket} closes nothing: remove it, or write what it closes.`, bracket });
    } else {
      found.push(...open.splice(match).slice(1));
    }
  }
  found.push(...open);
  const before = found.filter(({ start }) => start <= offset);
  const meant = (before.length > 0 ? before : found)
    .toSorted((a, b) => a.start - b.start)
    .at(before.length > 0 ? -1 : 0);
  if (!meant) return undefined;
  // for (let i = 0; i < n // 2; i++)
  const division = /([\w$.\])]+)\s*\/\/\s*([\w$.]+)/.exec(source.slice(meant.start).split("\n")[0]!);
  if (CLOSING[meant.bracket] !== undefined && division) {
    const start = meant.start + division.index;
    const [text, a, b] = division;
    const message = `// begins a comment. For Python's ${text}, write: Math.floor(${a} / ${b})`;
    return { start, end: start + text.length, message };
  }
  return at(meant.start, meant.message);
}

/** A bracket that has no other one. */
interface Bracket {
  start: number;
  bracket: string;
  message: string;
}

/** The source with closed texts and comments blanked, at the same places. */
function withoutTexts(source: string): string {
  return source.replace(TEXTS, (part) => part.replace(/[^\n]/g, " "));
}

function at(start: number, message: string): Habit {
  return { start, end: start + 1, message };
}
