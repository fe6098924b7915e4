/** Python's imports, and where what they import is here. */

/** `from module import names`. */
export function importNames(module: string, names: string): string {
  const other = elsewhere(module);
  if (other !== undefined) return other;
  const list = names.replace(/[()]/g, "").trim();
  const functional = /^functional(?:\s+as\s+(\w+))?$/.exec(list);
  if (module === "torch.nn" && functional) return importAs("torch.nn.functional", functional[1] ?? "functional");
  const from = JSON.stringify(inNpm(module));
  return list === "*"
    ? `import * as ${module.split(".").at(-1)} from ${from}`
    : `import { ${list} } from ${from}${pythonOnly(module)}`;
}

/** `import module, module`. */
export function importModules(modules: string): string {
  return modules
    .split(",")
    .map((each) => each.trim())
    .map((module) => importAs(module, module.split(".").at(-1)!))
    .join("; ");
}

/** `import module as name`. */
export function importAs(module: string, name: string): string {
  const part = /^torch\.(nn|optim)(\.functional)?$/.exec(module);
  if (part?.[2]) return `import { nn } from "difflab"; const ${name} = nn.functional`;
  if (part) return `import { ${part[1] === name ? name : `${part[1]} as ${name}`} } from "difflab"`;
  return elsewhere(module) ?? `import * as ${name} from ${JSON.stringify(inNpm(module))}${pythonOnly(module)}`;
}

/** What needs another import here, or none. */
const ELSEWHERE: Record<string, string> = {
  matplotlib: 'import { linePlot, histogram, showImages } from "difflab"',
  seaborn: 'import { linePlot, histogram, showHeatmap } from "difflab"',
  pandas: "No import is needed for tables: an array of objects is displayed as one.",
  math: "No import is needed: Math.sqrt(2), Math.PI.",
  random: 'import { rand, randn, manualSeed } from "difflab", or Math.random() without an import',
  tqdm: "No import is needed: for (const item of progress(items)) { ... }.",
  typing: "No import is needed for types: number[], Record<string, number>.",
  dataclasses: "No import is needed: interface Point { x: number; y: number }.",
  re: 'No import is needed: /[a-z]+/.exec(text), text.replace(/a/g, "b").',
  datetime: "No import is needed: new Date().",
  itertools: "No import is needed: lists have .map, .filter, .flatMap and .entries().",
  functools: "No import is needed: lists have .reduce((a, b) => a + b).",
  collections: "No import is needed: new Map(), new Set().",
  IPython: "No import is needed: display(value) is there in every cell.",
  torchvision: 'import { Image, mnist, fashionMnist } from "difflab"',
  json: "No import is needed: JSON.parse(text), JSON.stringify(value).",
  time: "No import is needed: Date.now(), in milliseconds.",
  __future__: "No import is needed: remove this line.",
};

function elsewhere(module: string): string | undefined {
  const [name = ""] = module.split(".");
  return Object.hasOwn(ELSEWHERE, name) ? ELSEWHERE[name] : undefined;
}

/** What has a different name here than in Python. */
const MODULES: Record<string, string> = {
  torch: "difflab",
  numpy: "difflab",
  diffusers: "difflab",
  fastai: "difflab",
  PIL: "difflab",
  transformers: "difflab",
  cv2: "sharp",
  os: "node:os",
  sys: "node:process",
  pathlib: "node:path",
  subprocess: "node:child_process",
};

function inNpm(module: string): string {
  const [dots = ""] = /^\.*/.exec(module)!;
  if (dots !== "") {
    return `${dots.length === 1 ? "./" : "../".repeat(dots.length - 1)}${module.slice(dots.length).replaceAll(".", "/")}.ts`;
  }
  return MODULES[module.split(".")[0]!] ?? module.replaceAll(".", "/");
}

function pythonOnly(module: string): string {
  const name = module.split(".")[0]!;
  return MODULES[name]?.startsWith("node:") || MODULES[name] === undefined ? "" : ` (what ${name} does in Python)`;
}
