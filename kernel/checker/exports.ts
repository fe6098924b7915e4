import { toCompletion } from "./completion.ts";

/** A text in which completion tells what a package exports, at {@link IN_BRACES}. */
export function importing(name: string): string {
  return `import {  } from "${name}";\n`;
}

/** The place between the braces. */
export const IN_BRACES = { line: 0, character: 9 };

/** Statements that import what a package exports, by name, from what completes there. */
export function importStatements(name: string, result: Parameters<typeof toCompletion>[0]): Map<string, string> {
  const { candidates } = toCompletion(result, importing(name), IN_BRACES.character, () => IN_BRACES.character);
  const names = candidates.filter(({ type }) => type !== "keyword").map(({ text }) => text);
  return new Map(names.map((each) => [each, `import { ${each} } from "${name}"`]));
}
