import { describe, expect, test } from "vitest";
import { syntaxProblem } from "../../../kernel/cells/parse.ts";
import { syntaxHabit } from "../../../kernel/checker/habits.ts";

/** What the habit behind a cell's syntax error says to write. */
function adviceFor(source: string): string | undefined {
  const problem = syntaxProblem(source);
  expect(problem, source).toBeDefined();
  return syntaxHabit(source, source.slice(0, problem!.offset).split("\n").length)?.message;
}

describe("Python's ways are told with what to write", () => {
  test.each([
    ["def f(x, n=3):\n    return x", "function f(x, n=3) { ... }"],
    ["def f(self, x) -> int:", "function f(x) { ... }"],
    ["async def f():", "async function f() { ... }"],
    ["class A(B):\n    pass", "class A extends B { constructor() { ... } }"],
    ["class A:", "class A { constructor() { ... } }"],
    ["for i in range(10):\n    print(i)", "for (let i = 0; i < 10; i++) { ... }"],
    ["for i in range(1, 10, 2):", "for (let i = 1; i < 10; i += 2) { ... }"],
    ["for i in range(10, 0, -1):", "for (let i = 10; i > 0; i += -1) { ... }"],
    ["for x in xs: print(x)", "for (const x of xs) { ... }"],
    ["for i, x in enumerate(xs):", "for (const [i, x] of xs.entries()) { ... }"],
    ["for k, v in d.items():", "for (const [k, v] of Object.entries(d)) { ... }"],
    ["for a, b in zip(x, y):", "for (const [i, a] of x.entries()) { const b = y[i]; ... }"],
    ["while True:", "while (true) { ... }"],
    ["if x == 1 and y is not None:", "if (x === 1 && y !== undefined) { ... }"],
    ["if not x or y in z:", "if (!x || z.includes(y)) { ... }"],
    ["if (x) {} \nelif y:", "else if (y) { ... }"],
    ["else:", "else { ... }"],
    ["try:\n    f()", "try { ... } catch (error) { ... }"],
    ["except ValueError as e:", "catch (error) { ... }"],
    ["finally:", "finally { ... }"],
    ["with lock('a') as f:", "using f = lock('a') (or a const)"],
    ["raise ValueError('no')", "throw new Error('no')"],
    ["assert x == 1, 'no'", "if (!(x === 1)) throw new Error('no')"],
    ["del d['a']", "delete d['a']"],
    ["print 'hello'", "console.log('hello')"],
    ["from torch import nn, optim", 'import { nn, optim } from "difflab"'],
    ["import numpy as np", 'import * as np from "difflab"'],
    ["import os", 'import * as os from "node:os"'],
    ["from x import y", 'import { y } from "x"'],
    ["import x as y", 'import * as y from "x"'],
    ["f = lambda x, y: x * y", "(x, y) => x * y"],
    ["ys = [i * 2 for i in range(10)]", "Array.from({ length: 10 }, (_, i) => i * 2)"],
    ["ys = [x for x in xs if x > 1]", "xs.filter((x) => x > 1)"],
    ["ys = [x * 2 for x in xs if x > 1]", "xs.filter((x) => x > 1).map((x) => x * 2)"],
    ["d = {k: v for k, v in items}", "items.map((item) => ...)"],
    ["x[1:3]", "x.slice(1, 3) for an array, x.slice(0, 1, 3) for a tensor's first dimension"],
    ["const y = x[:3]", "x.slice(0, 3)"],
    ["x[-2:]", "x.slice(-2)"],
    ["x[::-1]", "x.toReversed()"],
    ["x[::2]", "x.filter((_, i) => i % 2 === 0)"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what to write
    ['print(f"hi {name}")', "console.log(`hi ${name}`)"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what to write
    ['f"{x:.2f} of {y!r}"', "`${x.toFixed(2)} of ${y}`"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what to write
    ["print('loss', f'{x.mean().item():.4f}')", "console.log('loss', `${(await x.mean().item()).toFixed(4)}`)"],
    ["import torch.nn as nn", 'import { nn } from "difflab"'],
    ["import torch.nn.functional as F", 'import { nn } from "difflab"; const F = nn.functional'],
    ["from torch.nn import functional as F", 'import { nn } from "difflab"; const F = nn.functional'],
    ["from transformers import CLIPModel", 'import { CLIPModel } from "difflab"'],
    ["[1, 2, 3][0:2]", "[1, 2, 3].slice(0, 2) for an array"],
    ['"abc"[1:]', '"abc".slice(1)'],
    ["[1, 2, 3][::-1]", "[1, 2, 3].toReversed()"],
    ["x[..., 0]", "x.select(-1, 0)"],
    ["x[..., 1:3]", "x.slice(-1, 1, 3)"],
    ["x[:, :, None]", "x.unsqueeze(2)"],
    ["x[None, :, 0]", "x.at(null, 0).unsqueeze(0)"],
    ["map(lambda v: v * 2, [1, 2])", "(v) => v * 2"],
    ["for i in range(len(x)):", "for (let i = 0; i < x.length; i++) { ... }"],
    ["for i, (a, b) in enumerate(pairs):", "for (const [i, [a, b]] of pairs.entries()) { ... }"],
    ["first, *rest = items", "const [first, ...rest] = items"],
    ["print(*[1, 2])", "f(...items) to pass a list"],
    ["assert x.shape == (2, 3)", 'if (!(x.shape.join() === [2, 3].join())) throw new Error("...")'],
    ["assert f(x, 1) == 2, 'no'", "if (!(f(x, 1) === 2)) throw new Error('no')"],
    ["@torch.no_grad()\n", "noGrad(() => ...)"],
    ["a and b", "a && b"],
    ["not a", "!a"],
    ["x is None", "x === undefined"],
    ["y = 1 if x else 2", "x ? 1 : 2"],
    ["# a comment", "// a comment"],
    ["const a = 1 # a count", "// a count"],
    ['"""text"""', "/* ... */ for a comment"],
    ["f(*args)", "f(...items)"],
    ["if __name__ == '__main__':", "if (require.main === module) { ... }"],
    ["@dec\ndef f():", "function f() { ... }"],
    ["match x:", "switch (x)"],
    ["def f(x): return x * 2", "function f(x) { return x * 2; }"],
    ["[x * 2 for x in [1, 2, 3]]", "[1, 2, 3].map((x) => x * 2)"],
    ["x[:, 1]", "x.at(null, 1)"],
    ["x[0, 1:3, ::2]", "x.at(0, [1, 3], [0, x.shape[2], 2])"],
    ["if (a) {\n} elif (b > 1) {\n}", "} else if (b > 1) { ... }"],
    ["x @ y.T", "x.matmul(y.T)"],
    ["const a, b = 1, 2", "const [a, b] = [1, 2]"],
    ["const a, b = f(1, 2)", "const [a, b] = f(1, 2)"],
    ["with torch.no_grad():", "noGrad(() => ...)"],
    ["with open('a.txt', 'r') as file:", 'await (await import("node:fs/promises")).readFile(\'a.txt\', "utf8")'],
    ["from .utils import f", 'import { f } from "./utils.ts"'],
    ["import matplotlib.pyplot as plt", 'import { linePlot, histogram, showImages } from "difflab"'],
    ["from PIL import Image", 'import { Image } from "difflab"'],
  ])("%s", (source, write) => {
    expect(adviceFor(source)).toContain(`That is Python. In TypeScript, write: ${write}`);
  });

  test.each([
    ["%matplotlib inline", "Figures are always displayed here"],
    ["%time f()", "console.time"],
    ["%%time\nf()", "console.time"],
    ["%load_ext autoreload", "an IPython command"],
    ["%%html\n<b>a</b>", "html(`...`)"],
    ["!pip install torch", "npm install NAME"],
    ["%pip install torch", "npm install NAME"],
    ["!npm i sharp", "npm install sharp"],
    ["npm install sharp", "in a terminal instead: npm install sharp"],
    ["pip install torch", "npm install NAME"],
    ["x?", "x is explained if you put the cursor on it and press Shift+Tab."],
    ["??nn.Linear", "nn.Linear is explained if"],
    ["!cat a.txt && ls", 'execSync("cat a.txt && ls"'],
    ["global x", "remove this line"],
    ["import pandas as pd", "an array of objects is displayed as one"],
    ["import math", "No import is needed: Math.sqrt(2)"],
    ["import time; time.time()", "No import is needed: Date.now()"],
    ["from IPython.display import display", "display(value) is there in every cell"],
    ["import { randn } from difflab", 'Put the module\'s name in quotation marks: import { randn } from "difflab".'],
    ["from tqdm import tqdm", "progress(items)"],
    ["x = \\\n  5", "remove the \\."],
    ["{ a: 1, b: 2 }", "put it in parentheses: ({ a: 1, b: 2 })"],
    ["if x > 1 { y }", "Put the condition in parentheses: if (x > 1) { ... }"],
  ])("%s", (source, advice) => {
    expect(adviceFor(source)).toContain(advice);
  });

  test("the line of the error is told, not one that only looks alike", () => {
    const source = "const text = `\ndef f(x):\n`;\nconst n = [1, 2;";
    expect(adviceFor(source)).toBeUndefined();
    expect(adviceFor("console.log('a and b') )")).toBeUndefined();
  });

  test.each(["const x = ;", "let x: = 3", "function f() {", "if (x) { y", "foo(1, 2", "const s = 'x"])(
    "%s is no habit",
    (source) => {
      expect(adviceFor(source)).toBeUndefined();
    },
  );
});
