import { firstJsx } from "../cells/parse.ts";

/** What a cell means in another language, and what to write here. */
export interface Habit {
  /** Place in the source. */
  start: number;
  end: number;
  message: string;
}

/** The habit that a cell with a syntax error shows, if it is one that we know. */
export function syntaxHabit(source: string): Habit | undefined {
  const jsx = firstJsx(source);
  if (jsx) {
    return { ...jsx, message: "Cells know no JSX. To show HTML, write it as text: html(`<b>...</b>`)." };
  }
  return undefined;
}
