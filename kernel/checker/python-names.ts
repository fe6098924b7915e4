/** Names that differ in Python, and what to write here. */
import { isList } from "./python-syntax.ts";

type Say = (args: string) => string;

const first = (args: string, otherwise = "x") => (args === "" ? otherwise : args);
/** With the method that tensors have, if what is given has a name and so may be one. */
const orTensor =
  (method: string, say: Say): Say =>
  (args) =>
    /^[\p{L}_$][\p{L}\p{N}_$.]*$/u.test(args) ? `${say(args)} (of a tensor: ${args}.${method}())` : say(args);
const math = (name: string): Say => orTensor(name, (args) => `Math.${name}(${first(args)})`);

const FUNCTIONS: Record<string, Say> = {
  print: (args) => `console.log(${args.replace(/,\s*(?:end|sep|flush|file)\s*=.*$/, "")})`,
  len: (args) => `${first(args)}.length (of a tensor: ${first(args)}.shape[0])`,
  range: (args) => {
    const [from = "", to] = args.split(",").map((each) => each.trim());
    if (to === undefined) return `Array.from({ length: ${first(from, "n")} }, (_, i) => i)`;
    return `Array.from({ length: ${to} - ${from} }, (_, i) => ${from} + i)`;
  },
  str: (args) => `String(${first(args)})`,
  repr: (args) => `String(${first(args)})`,
  int: (args) => `Math.trunc(Number(${first(args)}))`,
  float: (args) => `Number(${first(args)})`,
  bool: (args) => `Boolean(${first(args)})`,
  list: (args) => (args === "" ? "[]" : `[...${args}]`),
  tuple: (args) => (args === "" ? "[]" : `[...${args}]`),
  dict: () => "{ key: value }, or new Map()",
  set: (args) => `new Set(${args})`,
  frozenset: (args) => `new Set(${args})`,
  sum: orTensor("sum", (args) => `${first(args, "items")}.reduce((sum, each) => sum + each, 0)`),
  max: orTensor("max", (args) => `Math.max(${isList(args) ? args : `...${first(args, "items")}`})`),
  min: orTensor("min", (args) => `Math.min(${isList(args) ? args : `...${first(args, "items")}`})`),
  abs: math("abs"),
  round: (args) => {
    const [value, digits] = args.split(",").map((each) => each.trim());
    return digits ? `Number((${value}).toFixed(${digits}))` : math("round")(args);
  },
  pow: (args) => args.split(",").join(" **").trim() || "x ** 2",
  sorted: (args) => `${first(args, "items")}.toSorted((a, b) => a - b)`,
  reversed: (args) => `${first(args, "items")}.toReversed()`,
  enumerate: (args) => `${first(args, "items")}.entries()`,
  zip: () => "a.map((each, i) => [each, b[i]])",
  map: () => "items.map((item) => ...)",
  filter: () => "items.filter((item) => ...)",
  any: () => "items.some((item) => ...)",
  all: () => "items.every((item) => ...)",
  isinstance: (args) =>
    args
      .split(",")
      .map((each) => each.trim())
      .join(" instanceof ") || "x instanceof A",
  type: (args) => `typeof ${first(args)}`,
  callable: (args) => `typeof ${first(args)} === "function"`,
  hasattr: () => '"name" in x',
  getattr: () => "x[name]",
  setattr: () => "x[name] = value",
  input: (args) => `await prompt(${args})`,
  open: (args) => `await (await import("node:fs/promises")).readFile(${args.split(",")[0] || '"name"'}, "utf8")`,
  exit: () => "nothing: a cell ends by itself",
  quit: () => "nothing: a cell ends by itself",
  dir: (args) => `${first(args)}. with the dot, and press Tab`,
  help: (args) => `${first(args)}, put the cursor on it and press Shift+Tab`,
  id: () => "a === b to test whether two names refer to the same object",
  chr: (args) => `String.fromCodePoint(${first(args)})`,
  ord: (args) => `${first(args)}.codePointAt(0)`,
  super: () => "super.method()",
  sqrt: math("sqrt"),
  sin: math("sin"),
  cos: math("cos"),
  tanh: math("tanh"),
  exp: math("exp"),
  log: math("log"),
  floor: math("floor"),
  ceil: math("ceil"),
  mean: orTensor(
    "mean",
    (args) => `${first(args, "items")}.reduce((sum, each) => sum + each, 0) / ${first(args, "items")}.length`,
  ),
  divmod: (args) => {
    const [a = "a", b = "b"] = args.split(",").map((each) => each.trim());
    return `[Math.floor(${a} / ${b}), ${a} % ${b}]`;
  },
  hex: (args) => `(${first(args)}).toString(16)`,
  bin: (args) => `(${first(args)}).toString(2)`,
  vars: (args) => first(args),
  globals: () => "the names themselves: cells share their variables",
  printf: (args) => `console.log(${args})`,
  puts: (args) => `console.log(${args})`,
  echo: (args) => `console.log(${args})`,
  sleep: () => "await new Promise((done) => setTimeout(done, 1000))",
};

const VALUES: Record<string, string> = {
  None: "undefined (or null)",
  True: "true",
  False: "false",
  NULL: "null",
  nil: "undefined",
  nullptr: "null",
  self: "this",
  cls: "the class's name",
  pass: "nothing: an empty { } is enough",
  raise: 'throw new Error("...")',
  elif: "else if (...)",
  __name__: "if (require.main === module) { ... }",
  __file__: "__filename",
  pi: "Math.PI",
  inf: "Infinity",
  nan: "NaN",
  and: "&&",
  or: "||",
  not: "!",
  np: 'import { tensor } from "difflab": its tensors do what NumPy\'s arrays do',
  numpy: 'import { tensor } from "difflab": its tensors do what NumPy\'s arrays do',
  torch: 'import { tensor, randn, nn, optim } from "difflab", and the names without `torch.`',
  tf: 'import { tensor, nn, optim } from "difflab"',
  plt: 'import { linePlot, histogram, showImages } from "difflab"',
  F: "nn.functional",
  math: "Math, without an import",
  random: 'Math.random(), or import { rand, randn } from "difflab"',
  json: "JSON.parse(text), JSON.stringify(value)",
  asyncio: "await main(): a cell can await",
  tqdm: "progress(items)",
  time: "Date.now() / 1000 for time.time(), in seconds",
  os: 'import * as os from "node:os", or import * as fs from "node:fs"',
  sys: "process: process.argv, process.version",
  re: 'a regular expression: /[a-z]+/.exec(text), text.replaceAll(/a/g, "b")',
  transformers: 'import { CLIPModel, CLIPTokenizer } from "difflab"',
  pd: "an array of objects: it is displayed as a table",
};

/** Types of Python's annotations. */
const TYPES: Record<string, string> = {
  int: "number",
  float: "number",
  str: "string",
  bool: "boolean",
  list: "number[]",
  List: "number[]",
  dict: "Record<string, number>",
  Dict: "Record<string, number>",
  tuple: "[number, number]",
  Tuple: "[number, number]",
  None: "void",
  Any: "unknown",
  Optional: "number | undefined",
  Union: "number | string",
  Callable: "(x: number) => number",
};

/**
 * What to write for a name of Python's that TypeScript does not know.
 *
 * @param args - the source of its arguments, if it is called
 * @param isType - whether it stands for a type
 */
export function pythonName(name: string, args: string | undefined, isType: boolean): string | undefined {
  if (isType && TYPES[name] !== undefined) return TYPES[name];
  if (Object.hasOwn(FUNCTIONS, name) && (args !== undefined || !Object.hasOwn(VALUES, name))) {
    return FUNCTIONS[name]!(args ?? "");
  }
  return Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
}

const MEMBERS: Record<string, (object: string, args: string) => string> = {
  append: (object, args) => `${object}.push(${args})`,
  extend: (object, args) => `${object}.push(...${first(args, "items")})`,
  insert: (object, args) => `${object}.splice(${args.replace(",", ", 0,")})`,
  remove: (object, args) => `${object}.splice(${object}.indexOf(${args}), 1)`,
  copy: (object) => `${object}.slice()`,
  upper: (object) => `${object}.toUpperCase()`,
  lower: (object) => `${object}.toLowerCase()`,
  strip: (object) => `${object}.trim()`,
  lstrip: (object) => `${object}.trimStart()`,
  rstrip: (object) => `${object}.trimEnd()`,
  startswith: (object, args) => `${object}.startsWith(${args})`,
  endswith: (object, args) => `${object}.endsWith(${args})`,
  index: (object, args) => `${object}.indexOf(${args})`,
  find: (object, args) => `${object}.indexOf(${args})`,
  count: (object, args) => `${object}.filter((each) => each === ${first(args)}).length`,
  join: (object, args) => `${first(args, "items")}.join(${object})`,
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what to write
  format: () => "`text ${value}`",
  items: (object) => `Object.entries(${object})`,
  keys: (object) => `Object.keys(${object})`,
  values: (object) => `Object.values(${object})`,
  size: (object) => `${object}.length`,
  astype: (object, args) => `${object}.to(${pythonValue(first(args, "float32"))})`,
  type: (object, args) => `${object}.to(${pythonValue(first(args, "float32"))})`,
  plot: (object) => `linePlot(await ${object}.data())`,
  show: (object) => `showImages(${object}), or figure as the last line of the cell`,
  zfill: (object, args) => `${object}.padStart(${args}, "0")`,
  isdigit: (object) => `/^\\d+$/.test(${object})`,
  capitalize: (object) => `${object}[0].toUpperCase() + ${object}.slice(1).toLowerCase()`,
  title: (object) => `${object}.replace(/\\b\\w/g, (letter) => letter.toUpperCase())`,
  splitlines: (object) => `${object}.split("\\n")`,
  update: (object, args) => `Object.assign(${object}, ${first(args, "more")})`,
  get: (object, args) => {
    const [key, otherwise] = args.split(",").map((each) => each.trim());
    return otherwise ? `${object}[${key}] ?? ${otherwise}` : `${object}[${key}]`;
  },
  numpy: (object) => `await ${object}.data()`,
  cpu: (object) => `await ${object}.data() for its numbers, or await ${object}.to("cpu")`,
  cuda: (object) => `await ${object}.to("cuda")`,
  T: (object) => `${object}.transpose(0, 1)`,
};

/** What to write for a method of Python's lists, strings and dictionaries. */
export function pythonMember(object: string, name: string, args: string): string | undefined {
  return Object.hasOwn(MEMBERS, name) ? MEMBERS[name]!(object, args) : undefined;
}

/** A value of Python's as TypeScript writes it. */
export function pythonValue(text: string): string {
  return text
    .replace(/\bTrue\b/g, "true")
    .replace(/\bFalse\b/g, "false")
    .replace(/\bNone\b/g, "undefined")
    .replace(/^(?:torch\.|np\.)?(float16|float32|int64|int32|uint8|bool)$/, '"$1"')
    .replace(/^(?:torch\.|np\.)?(?:int|long)$/, '"int64"')
    .replace(/^(?:torch\.|np\.)?(?:float|double|float64)$/, '"float32"')
    .replace(/^(?:torch\.)?half$/, '"float16"');
}

/** Python's `requires_grad` as `requiresGrad`. */
export function camelCase(name: string): string {
  return name.replace(/(?<=\w)_+(\w)/g, (_, letter: string) => letter.toUpperCase());
}
