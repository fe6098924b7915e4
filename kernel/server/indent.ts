const STEP = "  ";

/** Indentation of the line after an unfinished text: deeper after an opening bracket, as deep as the last line otherwise. */
export function nextIndent(source: string): string {
  const lines = source.trimEnd().split("\n");
  const last = lines.at(-1)!;
  const current = /^[ \t]*/.exec(last)![0];
  return /[{([]$|=>$/.test(last.trimEnd()) ? current + STEP : current;
}
