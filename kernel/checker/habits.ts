import { firstJsx, parseCell, syntaxProblem } from "../cells/parse.ts";

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

const WAYS: Way[] = [
  { match: /^\s*%%?time(?:it)?\b/, write: () => 'console.time("cell"); ...; console.timeEnd("cell")' },
  {
    match: /^\s*(?:!|%)\s*pip\d?\s+install\s+(\S+)/,
    write: () => "Packages come from npm here. In a terminal: npm install NAME.",
  },
  {
    match: /^\s*(?:!|%)\s*(?:npm|pnpm|yarn|bun)\s+(?:i|install|add)\s+(.+?)\s*$/,
    write: ([, names]) => `Type this in a terminal instead: npm install ${names}.`,
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
    match: new RegExp(`^\\s*(async\\s+)?def\\s+(${NAME})\\s*\\((.*?)\\)?\\s*(?:->.*)?:?\\s*$`, "u"),
    write: ([, isAsync, name, params]) => `${isAsync ? "async " : ""}function ${name}(${parameters(params!)}) { ... }`,
  },
  {
    match: new RegExp(`^\\s*class\\s+(${NAME})\\s*(?:\\(\\s*([^)]*?)\\s*\\))?\\s*:\\s*$`, "u"),
    write: ([, name, base]) =>
      `class ${name}${base && base !== "object" ? ` extends ${base}` : ""} { constructor() { ... } }`,
  },
  { match: /^\s*(?:async\s+)?for\s+(.+?)\s+in\s+(.+?)\s*:/, write: ([, names, items]) => loop(names!, items!) },
  { match: /^\s*if\s+__name__\s*==.*:/, write: () => "if (require.main === module) { ... }" },
  { match: /^\s*(?:elif|else\s+if)\s+(.+?)\s*:/, write: ([, test]) => `else if (${condition(test!)}) { ... }` },
  { match: /^\s*(if|while)\s+(.+?)\s*:/, write: ([, word, test]) => `${word} (${condition(test!)}) { ... }` },
  { match: /^\s*else\s*:/, write: () => "else { ... }" },
  { match: /^\s*try\s*:/, write: () => "try { ... } catch (error) { ... }" },
  { match: /^\s*except\b.*:/, write: () => "catch (error) { ... }" },
  { match: /^\s*finally\s*:/, write: () => "finally { ... }" },
  { match: /^\s*match\s+(.+?)\s*:\s*$/, write: ([, value]) => `switch (${value}) { case 1: ...; break }` },
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
    match: /^\s*assert\s+(.+?)(?:,\s*(.+))?$/,
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
    write: ([, module, name]) => `import * as ${name} from ${JSON.stringify(inNpm(module!))}${pythonOnly(module!)}`,
  },
  { match: /^\s*import\s+([\w.]+(?:\s*,\s*[\w.]+)*)\s*$/, write: ([, modules]) => importModules(modules!) },
  {
    match: /\blambda\b\s*([^:]*?)\s*:\s*(.+?)\s*[)\]}]*$/u,
    write: ([, params, body]) => `(${parameters(params!)}) => ${body}`,
  },
  {
    match: /\[\s*([^[\]]+?)\s+for\s+(.+?)\s+in\s+(.+?)(?:\s+if\s+(.+?))?\s*\]/u,
    write: ([, value, names, items, test]) => comprehension(value!, names!, items!, test),
  },
  {
    match: /[({]\s*[^(){}]+?\s+for\s+.+?\s+in\s+.+?[)}]/,
    write: () => "items.map((item) => ...), with .filter((item) => ...) where it says `if`",
  },
  {
    match: /([\w$.)\]]+)\[\s*([^[\]?:]*?)\s*:\s*([^[\]:]*?)\s*(?::\s*([^[\]]*?)\s*)?\]/,
    write: ([, object, from, to, step]) => slice(object!, from!, to!, step),
  },
  {
    match: /\b[fF](?:[rR])?(["'])(.*?)\1/,
    raw: true,
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what to write
    write: ([, , text]) => `\`${text!.replace(/\{([^{}:]*)(?::[^{}]*)?\}/g, "${$1}")}\``,
  },
  {
    match: /(?<![\w"'`])[rRbBuU](["'])(.*?)\1/,
    raw: true,
    write: ([, quote, text]) => `String.raw\`${text}\`, or ${quote}...${quote} without the letter`,
  },
  { match: /:=/, write: () => "a separate variable, on the line above: const x = ..." },
  {
    match: /^(.*?=\s*|\s*return\s+|.*?\(\s*|\s*)([^=(]+?)\s+if\s+(.+?)\s+else\s+(.+?)\s*[);]*$/,
    write: ([, , yes, test, no]) => `${condition(test!)} ? ${yes} : ${no}`,
  },
  { match: /\b(?:and|or|not|is)\b/, write: (_, text) => shorten(condition(text.trim())) },
  {
    match: /\(\s*\*{1,2}\w|,\s*\*{1,2}\w/,
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

/** The text with what is inside strings, templates and comments blanked, at the same places. */
export function mask(source: string): string {
  return source.replace(/\/\/.*|\/\*[\s\S]*?\*\/|(["'])(?:\\.|(?!\1)[^\\\n])*\1|`(?:\\[\s\S]|[^\\`])*`/g, (part) =>
    part.length < 2 ? part : part[0] + part.slice(1, -1).replace(/[^\n]/g, " ") + part.at(-1),
  );
}

/** A condition with TypeScript's words. */
function condition(text: string): string {
  return text
    .replace(/:\s*$/, "")
    .replace(/\bis\s+not\s+None\b|!=\s*None\b/g, "!== undefined")
    .replace(/\bis\s+None\b|==\s*None\b/g, "=== undefined")
    .replace(/\bis\s+not\b/g, "!==")
    .replace(/\bis\b/g, "===")
    .replace(/([\w$."'\]]+)\s+not\s+in\s+([\w$.]+)/g, "!$2.includes($1)")
    .replace(/([\w$."'\]]+)\s+in\s+([\w$.]+)/g, "$2.includes($1)")
    .replace(/(?<![=!<>])==(?!=)/g, "===")
    .replace(/!=(?!=)/g, "!==")
    .replace(/\s+and\s+/g, " && ")
    .replace(/\s+or\s+/g, " || ")
    .replace(/\bnot\s+/g, "!")
    .replace(/\bTrue\b/g, "true")
    .replace(/\bFalse\b/g, "false")
    .replace(/\bNone\b/g, "undefined")
    .replace(/\blen\(([^()]+)\)/g, "$1.length");
}

function parameters(text: string): string {
  return text
    .split(",")
    .map((each) => each.trim().replace(/^\*{1,2}/, "..."))
    .filter((each) => each !== "" && each !== "self")
    .join(", ");
}

/** A loop over what Python's `for x in ...` goes through. */
function loop(names: string, items: string): string {
  const zipped = /^zip\(\s*(.+?)\s*,\s*(.+?)\s*\)$/.exec(items);
  if (!zipped) return `${forHead(names, items)} { ... }`;
  const [first = "a", second = "b"] = names
    .replace(/[()]/g, "")
    .split(",")
    .map((each) => each.trim());
  return `for (const [i, ${first}] of ${zipped[1]}.entries()) { const ${second} = ${zipped[2]}[i]; ... }`;
}

function forHead(names: string, items: string): string {
  const name = names.includes(",") ? `[${names.trim()}]` : names.trim();
  const range = /^range\((.*)\)$/.exec(items);
  if (range) {
    const [first = "", second, step = "1"] = range[1]!.split(",").map((each) => each.trim());
    const [from, to] = second === undefined ? ["0", first] : [first, second];
    const next = step === "1" ? `${name}++` : `${name} += ${step}`;
    return `for (let ${name} = ${from}; ${name} ${step.startsWith("-") ? ">" : "<"} ${to}; ${next})`;
  }
  const enumerated = /^enumerate\((.*)\)$/.exec(items);
  if (enumerated) return `for (const ${name} of ${enumerated[1]}.entries())`;
  const entries = /^(.*)\.items\(\)$/.exec(items);
  if (entries) return `for (const ${name} of Object.entries(${entries[1]}))`;
  return `for (const ${name} of ${items})`;
}

function comprehension(value: string, names: string, items: string, test: string | undefined): string {
  const name = names.includes(",") ? `[${names.trim()}]` : names.trim();
  const range = /^range\(\s*([^,()]+)\s*\)$/.exec(items);
  const filter = test === undefined ? "" : `.filter((${name}) => ${condition(test)})`;
  if (range) {
    if (filter === "") return `Array.from({ length: ${range[1]} }, (_, ${name}) => ${value})`;
    return `Array.from({ length: ${range[1]} }, (_, ${name}) => ${name})${filter}.map((${name}) => ${value})`;
  }
  const map = value.trim() === name ? "" : `.map((${name}) => ${value})`;
  return `${items.replace(/^(.*)\.items\(\)$/, "Object.entries($1)")}${filter}${map || (filter ? "" : ".slice()")}`;
}

function slice(object: string, from: string, to: string, step: string | undefined): string {
  if (step === "-1" && from === "" && to === "") return `${object}.toReversed()`;
  const args = to === "" ? from || "0" : `${from || "0"}, ${to}`;
  const every = step && step !== "1" ? `.filter((_, i) => i % ${step} === 0)` : "";
  const plain =
    every !== "" && args === "0"
      ? object + every
      : args === "0"
        ? `${object}.slice()`
        : `${object}.slice(${args})${every}`;
  return `${plain} for an array, ${object}.slice(0, ${args}${step ? `, ${step}` : ""}) for a tensor's first dimension`;
}

function importNames(module: string, names: string): string {
  const list = names.replace(/[()]/g, "").trim();
  const from = JSON.stringify(inNpm(module));
  return list === "*"
    ? `import * as ${module.split(".").at(-1)} from ${from}`
    : `import { ${list} } from ${from}${pythonOnly(module)}`;
}

function importModules(modules: string): string {
  return modules
    .split(",")
    .map((each) => each.trim())
    .map(
      (module) => `import * as ${module.split(".").at(-1)} from ${JSON.stringify(inNpm(module))}${pythonOnly(module)}`,
    )
    .join("; ");
}

/** What has a different name here than in Python. */
const MODULES: Record<string, string> = {
  torch: "difflab",
  numpy: "difflab",
  diffusers: "difflab",
  torchvision: "difflab",
  fastai: "difflab",
  matplotlib: "@observablehq/plot",
  seaborn: "@observablehq/plot",
  PIL: "sharp",
  cv2: "sharp",
  os: "node:os",
  sys: "node:process",
  pathlib: "node:path",
  json: "node:fs",
  time: "node:timers/promises",
  subprocess: "node:child_process",
};

function inNpm(module: string): string {
  return MODULES[module.split(".")[0]!] ?? module.replaceAll(".", "/");
}

function pythonOnly(module: string): string {
  const name = module.split(".")[0]!;
  return MODULES[name]?.startsWith("node:") || MODULES[name] === undefined ? "" : ` (what ${name} does in Python)`;
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

function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}

/** A cell that parses although it is a command: `!ls`, which TypeScript reads as "not ls". */
export function commandHabit(source: string, isName: (name: string) => boolean): Habit | undefined {
  const match = /^([ \t]*)!([a-z][\w-]*)(?:[ \t]+[^\n]*)?$/m.exec(source);
  if (!match || isName(match[2]!) || !parseCell(source)) return undefined;
  const start = match.index + match[1]!.length;
  return { start, end: match.index + match[0].length, message: shell(match[0].trim().slice(1)) };
}
