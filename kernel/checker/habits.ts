import { firstJsx, type ParsedCell, parseCell, syntaxProblem } from "../cells/parse.ts";
import { importAs, importModules, importNames } from "./python-imports.ts";
import {
  atIndices,
  comprehension,
  condition,
  decorator,
  fString,
  lambdaBody,
  loop,
  parameters,
  shorten,
  slice,
  unpacked,
} from "./python-syntax.ts";

/** What a cell would mean in another language, and what to write here. */
export interface Habit {
  /** Place in the source. */
  start: number;
  end: number;
  message: string;
}

/**
 * The habit that explains a syntax error: Python syntax, IPython commands, JSX, an object mistaken for a block.
 *
 * @param line - line of the error, from 1: what stands there comes first, then what stands above
 */
export function syntaxHabit(source: string, line: number): Habit | undefined {
  const jsx = firstJsx(source);
  if (jsx) return { ...jsx, message: "Cells do not support JSX. To show HTML, write it as text: html(`<b>...</b>`)." };
  const lines = source.split("\n");
  const masked = mask(source).split("\n");
  const order = [line - 1, ...Array.from({ length: line - 1 }, (_, index) => index)];
  for (const index of order) {
    const text = lines[index];
    if (text === undefined) continue;
    const found = lineHabit(text, masked[index]!);
    if (!found) continue;
    const above = lines.slice(0, index).reduce((sum, each) => sum + each.length + 1, 0);
    return { start: above + found.start, end: above + found.end, message: found.message };
  }
  return objectHabit(source);
}

/** `{ a: 1, b: 2 }` at the beginning of a statement. */
function objectHabit(source: string): Habit | undefined {
  const text = source.trim().replace(/;$/, "");
  if (!/^\{[\s\S]*\}$/.test(text) || syntaxProblem(`(${text})`) !== undefined) return undefined;
  const start = source.indexOf("{");
  const message = `A { at the beginning of a statement opens a block. For an object, put it in parentheses: (${shorten(text)})`;
  return { start, end: start + text.length, message };
}

/** One of Python's ways: how to know it in a line, and what to write. */
interface Way {
  match: RegExp;
  /** Whether the pattern looks into strings and comments too. */
  raw?: boolean;
  /** TypeScript for it, or a whole sentence where it ends in a full stop. */
  write: (match: RegExpExecArray, text: string) => string;
}

const NAME = "[\\p{L}_$][\\p{L}\\p{N}_$]*";

/** What stands in front of brackets with an index: names, calls, a text, a list. */
const INDEXED = "((?:[\"'][^\"']*[\"']|\\[[^[\\]]*\\]|[\\w$.)\\]])+)";

const WAYS: Way[] = [
  { match: /^\s*%%?time(?:it)?\b/, write: () => 'console.time("cell"); ...; console.timeEnd("cell")' },
  {
    match: /^\s*(?:!|%)?\s*(?:pip\d?|conda)\s+install\s+(\S+)/,
    write: () => "Packages come from npm here. In a terminal: npm install NAME.",
  },
  {
    match: /^\s*(?:!|%)?\s*(?:npm|pnpm|yarn|bun)\s+(?:i|install|add)\s+(.+?)\s*$/,
    write: ([, names]) => `Type this in a terminal instead: npm install ${names}.`,
  },
  {
    match: /^\s*(?:\?\??\s*([\w$.]+)|([\w$.]+)\s*\?\??)\s*$/,
    write: ([, after, before]) => `${after ?? before} is explained if you put the cursor on it and press Shift+Tab.`,
  },
  { match: /^\s*%matplotlib\b/, write: () => "Figures are always displayed here: remove this line." },
  { match: /^\s*%%(html|svg|markdown|latex|javascript|bash|sh|script|writefile)\b/, write: ([, what]) => magic(what!) },
  {
    match: /^\s*%%?(\w+)/,
    write: ([, name]) => `%${name} is an IPython command, which cells do not support. Remove this line.`,
  },
  { match: /^\s*!\s*(\w.*?)\s*$/, raw: true, write: ([, command]) => shell(command!) },
  { match: /^\s*#(?!\w+\s*[=;(]|!)\s*(.*)$/, raw: true, write: ([, text]) => `// ${shorten(text!)}` },
  {
    match: /^\s*(?:[rRbBuU]?)("""|''')/,
    raw: true,
    write: () => "/* ... */ for a comment, `...` for text of several lines",
  },
  {
    match: new RegExp(`^\\s*(async\\s+)?def\\s+(${NAME})\\s*\\((.*?)\\)\\s*(?:->[^:]*)?:\\s*(\\S.*?)\\s*$`, "u"),
    write: ([, isAsync, name, params, body]) =>
      `${isAsync ? "async " : ""}function ${name}(${parameters(params!)}) { ${body!.replace(/[^;]$/, "$&;")} }`,
  },
  {
    match: new RegExp(`^\\s*(async\\s+)?def\\s+(${NAME})\\s*\\((.*?)\\)?\\s*(?:->.*)?:?\\s*$`, "u"),
    write: ([, isAsync, name, params]) => `${isAsync ? "async " : ""}function ${name}(${parameters(params!)}) { ... }`,
  },
  {
    match: new RegExp(`^\\s*class\\s+(${NAME})\\s*(?:\\(\\s*([^)]*?)\\s*\\))?\\s*:\\s*$`, "u"),
    write: ([, name, base]) =>
      `class ${name}${base && base !== "object" ? ` extends ${base}` : ""} { constructor() { ... } }`,
  },
  { match: /^\s*(?:async\s+)?for\s+(.+?)\s+in\s+(.+?)\s*:/, write: ([, names, items]) => loop(names!, items!) },
  {
    match: /^\s*\}\s*elif\s*(.*?)\s*[:{]/,
    write: ([, test]) => `} else if ${/^\(.*\)$/.test(test!) ? test : `(${condition(test!)})`} { ... }`,
  },
  { match: /^\s*if\s+__name__\s*==.*:/, write: () => "if (require.main === module) { ... }" },
  { match: /^\s*(?:elif|else\s+if)\s+(.+?)\s*:/, write: ([, test]) => `else if (${condition(test!)}) { ... }` },
  { match: /^\s*(if|while)\s+(.+?)\s*:/, write: ([, word, test]) => `${word} (${condition(test!)}) { ... }` },
  { match: /^\s*else\s*:/, write: () => "else { ... }" },
  { match: /^\s*try\s*:/, write: () => "try { ... } catch (error) { ... }" },
  { match: /^\s*except\b.*:/, write: () => "catch (error) { ... }" },
  { match: /^\s*finally\s*:/, write: () => "finally { ... }" },
  { match: /^\s*match\s+(.+?)\s*:\s*$/, write: ([, value]) => `switch (${value}) { case 1: ...; break }` },
  { match: /^\s*with\s+(?:torch\.)?no_grad\s*\(/, write: () => "noGrad(() => ...)" },
  {
    match: /^\s*with\s+open\s*\(\s*(.+?)\s*[,)].*\bas\s+\w+\s*:/,
    raw: true,
    write: ([, name]) => `await (await import("node:fs/promises")).readFile(${name}, "utf8")`,
  },
  {
    match: /^\s*(?:async\s+)?with\s+(.+?)\s+as\s+(\w+)\s*:/,
    write: ([, value, name]) => `using ${name} = ${value} (or a const)`,
  },
  {
    match: /^\s*with\s+(.+?)\s*:/,
    write: () => "TypeScript has no such `with`: open what you need yourself, and close it in finally { ... }.",
  },
  { match: /^\s*raise\s+(\w+)\((.*)\)\s*$/, raw: true, write: ([, , text]) => `throw new Error(${text})` },
  { match: /^\s*raise\b/, write: () => 'throw new Error("...")' },
  {
    match: /^\s*assert\s+((?:[^,()[\]]|\([^()]*\)|\[[^[\]]*\])+?)(?:,\s*(.+))?$/,
    raw: true,
    write: ([, test, text]) => `if (!(${condition(test!)})) throw new Error(${text ?? '"..."'})`,
  },
  {
    match: /^\s*del\s+(.+?)\s*$/,
    write: ([, what]) => (/[.[]/.test(what!) ? `delete ${what}` : `${what} = undefined`),
  },
  {
    match: /^\s*(?:global|nonlocal)\s+\w/,
    write: () => "Variables of outer functions and of cells can be assigned without a declaration: remove this line.",
  },
  { match: /^\s*print\s+(\S.*)$/, raw: true, write: ([, what]) => `console.log(${what})` },
  { match: /^\s*from\s+([\w.]+)\s+import\s+(.+?)\s*$/, write: ([, module, names]) => importNames(module!, names!) },
  {
    match: /^\s*import\s+([\w.]+)\s+as\s+(\w+)\s*$/,
    write: ([, module, name]) => importAs(module!, name!),
  },
  {
    match: /^\s*import\b.*\bfrom\s+([\w@/.-]+)\s*;?\s*$/,
    write: ([line, module]) =>
      `Put the module's name in quotation marks: ${line.trim().replace(/\S+$/, JSON.stringify(module!.replace(/;$/, "")))}.`,
  },
  { match: /^\s*@([\w.]+)(?:\(.*\))?\s*$/, write: ([, name]) => decorator(name!) },
  { match: /^\s*import\s+([\w.]+(?:\s*,\s*[\w.]+)*)\s*(?:;.*)?$/, write: ([, modules]) => importModules(modules!) },
  {
    match: /\blambda\b\s*([^:]*?)\s*:\s*(.+?)\s*$/u,
    write: ([, params, body]) => `(${parameters(params!)}) => ${lambdaBody(body!)}`,
  },
  {
    match: /\[\s*([^[\]]+?)\s+for\s+(.+?)\s+in\s+((?:\[[^\]]*\]|[^[\]])+?)(?:\s+if\s+(.+?))?\s*\]/u,
    write: ([, value, names, items, test]) => comprehension(value!, names!, items!, test),
  },
  {
    match: /[({]\s*[^(){}]+?\s+for\s+.+?\s+in\s+.+?[)}]/,
    write: () => "items.map((item) => ...), with .filter((item) => ...) where it says `if`",
  },
  {
    match: new RegExp(`${INDEXED}\\[([^[\\]]*(?::[^[\\]]*,|,[^[\\]]*:|\\.\\.\\.\\s*,|,\\s*\\.\\.\\.)[^[\\]]*)\\]`),
    write: ([, object, parts]) => atIndices(object!, parts!),
  },
  {
    match: new RegExp(`${INDEXED}\\[\\s*([^[\\]?:,]*?)\\s*:\\s*([^[\\]:]*?)\\s*(?::\\s*([^[\\]]*?)\\s*)?\\]`),
    write: ([, object, from, to, step]) => slice(object!, from!, to!, step),
  },
  {
    match: /^\s*print\s*\((.*\b[fF][rR]?["'].*)\)\s*$/,
    raw: true,
    write: ([, args]) => `console.log(${args!.replace(/\b[fF][rR]?(["'])(.*?)\1/g, (...parts) => fString(parts[2]))})`,
  },
  { match: /\b[fF](?:[rR])?(["'])(.*?)\1/, raw: true, write: ([, , text]) => fString(text!) },
  {
    match: /(?<![\w"'`])[rRbBuU](["'])(.*?)\1/,
    raw: true,
    write: ([, quote, text]) => `String.raw\`${text}\`, or ${quote}...${quote} without the letter`,
  },
  {
    match: /([\w$.)\]]+)\s+@\s+([\w$.([\])]+)/,
    write: ([, left, right]) => `${left}.matmul(${right})`,
  },
  {
    match: new RegExp(`^\\s*(?:const|let|var)\\s+(${NAME}(?:\\s*,\\s*${NAME})+)\\s*=\\s*(.+?);?\\s*$`, "u"),
    write: ([, names, values]) => unpacked(names!, values!),
  },
  { match: /:=/, write: () => "a separate variable, on the line above: const x = ..." },
  {
    match: /^(.*?=\s*|\s*return\s+|.*?\(\s*|\s*)([^=(]+?)\s+if\s+(.+?)\s+else\s+(.+?)\s*[);]*$/,
    write: ([, , yes, test, no]) => `${condition(test!)} ? ${yes} : ${no}`,
  },
  { match: /\b(?:and|or|not|is)\b/, write: (_, text) => shorten(condition(text.trim())) },
  {
    match: new RegExp(`^\\s*((?=[^=]*\\*)\\*?${NAME}(?:\\s*,\\s*\\*?${NAME})+)\\s*=\\s*(.+?)\\s*$`, "u"),
    write: ([, names, values]) => unpacked(names!.replaceAll("*", "..."), values!),
  },
  {
    match: /\(\s*\*{1,2}[\w[(]|,\s*\*{1,2}[\w[(]/,
    write: () => "f(...items) to pass a list, function f(...items) to accept one",
  },
  { match: /\\\s*$/, write: () => "A line may end after an operator or an opening bracket: remove the \\." },
  { match: /\)\s*->\s*(.+?)\s*:/, write: ([, type]) => `function f(...): ${type} { ... }` },
  { match: /^\s*(?:elif|except|unless|nil|pass)\b/, write: () => "if (...) { ... } else if (...) { ... }" },
  { match: /(?<=[^\s#]\s)\s*#(?!\w+\s*[=;(])\s*(.*)$/, write: ([, text]) => `// ${shorten(text!)}` },
  {
    match: /(?:^|[\s{}])(if|while|switch)\s+([^\s(].*?)\s*\{/,
    write: ([, word, test]) => `Put the condition in parentheses: ${word} (${test}) { ... }.`,
  },
];

function lineHabit(text: string, masked: string): Habit | undefined {
  for (const { match, raw, write } of WAYS) {
    const found = match.exec(raw ? text : masked);
    if (!found) continue;
    // Names and values as the student wrote them, strings too.
    const parts = raw ? found : (groupsIn(match, text) ?? found);
    const written = write(parts, text);
    const start = found.index + (/^\s*/.exec(found[0])?.[0].length ?? 0);
    const message = /[^.]\.$/.test(written) ? written : `That is Python. In TypeScript, write: ${shorten(written)}`;
    return { start, end: Math.max(start + 1, found.index + found[0].trimEnd().length), message };
  }
  return undefined;
}

function groupsIn(match: RegExp, text: string): RegExpExecArray | undefined {
  return match.exec(text) ?? undefined;
}

/** Comments, strings and templates. */
export const TEXTS = /\/\/.*|\/\*[\s\S]*?\*\/|(["'])(?:\\.|(?!\1)[^\\\n])*\1|`(?:\\[\s\S]|[^\\`])*`/g;

/** The text with what is inside strings, templates and comments blanked, at the same places. */
export function mask(source: string): string {
  return source.replace(TEXTS, (part) =>
    part.length < 2 ? part : part[0] + part.slice(1, -1).replace(/[^\n]/g, " ") + part.at(-1),
  );
}

function magic(what: string): string {
  if (/^(html|svg|markdown)$/.test(what)) return `${what}(\`...\`)`;
  if (what === "javascript") return "Cells are TypeScript already: remove this line.";
  if (what === "latex") return "markdown(`$...$`)";
  if (what === "writefile") return 'await (await import("node:fs/promises")).writeFile("name", `...`)';
  return shell("...");
}

function shell(command: string): string {
  return `Cells do not run shell commands. Write: (await import("node:child_process")).execSync(${JSON.stringify(command)}, { encoding: "utf8" }) or type it in a terminal.`;
}

/** A cell that parses although it is a command: `!ls`, which TypeScript reads as "not ls". */
export function commandHabit(source: string, isName: (name: string) => boolean): Habit | undefined {
  const match = /^([ \t]*)!([a-z][\w-]*)(?:[ \t]+[^\n]*)?$/m.exec(source);
  if (!match || isName(match[2]!) || !parseCell(source)) return undefined;
  const start = match.index + match[1]!.length;
  return { start, end: match.index + match[0].length, message: shell(match[0].trim().slice(1)) };
}

/** Python's `a, b = b, a`, which TypeScript reads as three values, the second of which is assigned. */
export function unpackHabit({ program, source }: ParsedCell, isName: (name: string) => boolean): Habit | undefined {
  for (const { type, start, end, ...statement } of program.body) {
    if (type !== "ExpressionStatement" || !("expression" in statement)) continue;
    if ((statement.expression as { type: string }).type !== "SequenceExpression") continue;
    const [, names, values] = UNPACKING.exec(source.slice(start!, end!)) ?? [];
    if (names === undefined) continue;
    const isKnown = names.split(",").every((name) => isName(name.trim()));
    const message = `That is Python. In TypeScript, write: ${isKnown ? unpacked(names, values!).slice(6) : unpacked(names, values!)}`;
    return { start: start!, end: end!, message };
  }
  return undefined;
}

const UNPACKING = new RegExp(`^(${NAME}(?:\\s*,\\s*${NAME})+)\\s*=(?![=>])\\s*(.+?);?$`, "u");
