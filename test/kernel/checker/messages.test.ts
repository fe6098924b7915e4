import { stripVTControlCharacters } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCell } from "../../../kernel/cells/parse.ts";
import type { Checker } from "../../../kernel/checker/checker.ts";
import { formatProblems, type Problem } from "../../../kernel/checker/problems.ts";
import { reword } from "../../../kernel/checker/wording.ts";
import { commitCell, notebookChecker } from "../support/checker.ts";

let checker: Checker;

beforeAll(async () => {
  checker = await notebookChecker();
  await ran('import { digits, optim, randn, nn, stack, tensor, Tensor } from "difflab"');
  await ran("const clear = randn([2, 3]), noise = randn([2, 3]), x = randn([2]), h = 0.1, f = (x: Tensor) => x.mul(2)");
});
afterAll(() => checker?.dispose());

async function check(source: string): Promise<Problem[]> {
  return checker.check(source, parseCell(source));
}

const ran = (source: string) => commitCell(checker, source);

async function messages(source: string): Promise<string[]> {
  return (await check(source)).map(({ message, hint }) => (hint === undefined ? message : `${message}\n${hint}`));
}

async function only(source: string): Promise<string> {
  const found = await messages(source);
  expect(found, source).toHaveLength(1);
  expect(found[0], source).not.toMatch(/import\("[./]|\/lib\/|\/cell-/);
  expect(found[0]!.split("\n").length, source).toBeLessThanOrEqual(2);
  return found[0]!;
}

describe("operators on tensors are told with the method to call", () => {
  test.each([
    ["clear + noise", "clear.add(noise)"],
    ["clear - noise", "clear.sub(noise)"],
    ["clear * 2", "clear.mul(2)"],
    ["clear / noise", "clear.div(noise)"],
    ["clear ** 2", "clear.pow(2)"],
    ["clear % 2", "clear.remainder(2)"],
    ["2 * clear", "clear.mul(2)"],
    ["2 + clear", "clear.add(2)"],
    ["1 - clear", "clear.neg().add(1)"],
    ["1 / clear", "clear.reciprocal().mul(1)"],
    ["-clear", "clear.neg()"],
    ["clear > noise", "clear.gt(noise)"],
    ["clear <= 2", "clear.le(2)"],
    ["(f(x + h) - f(x - h)) / (2 * h)", "f(x.add(h)).sub(f(x.sub(h))).div(2 * h)"],
    ["const y = 2 * x + 3", "x.mul(2).add(3)"],
    ["(x + h) * 2", "x.add(h).mul(2)"],
    ["let y = x; y += 2", "y = y.add(2)"],
    ["const step = (a: Tensor, lr: number) => a - lr * a", "a.sub(a.mul(lr))"],
    ["[1, 2].map((v) => v * x)", "x.mul(v)"],
    ["const ws = [x, x]; ws[0]! + ws[1]!", "ws[0]!.add(ws[1]!)"],
    ["clear[0]", "clear.at(0)"],
    ["clear[0][1]", "clear.at(0, 1)"],
    ["clear[0] + 1", "clear.at(0).add(1)"],
    ["[...clear]", "clear.unbind()"],
    ["for (const row of clear) {}", "clear.unbind()"],
    ["Math.sqrt(clear)", "clear.sqrt()"],
    ["const area = (shape: number[]) => shape[0]! * shape[1]!; area(2, 3)", "area([2, 3])"],
    ["clear.requires_grad", "requiresGrad"],
    ["clear == noise", "clear.eq(noise)"],
    ["clear.mean() < noise.mean()", "clear.mean().lt(noise.mean())"],
    ["-clear.mean()", "clear.mean().neg()"],
    ["+clear", "await clear.item()"],
    ["~clear", "clear.logicalNot()"],
    ["clear != 0", "clear.ne(0)"],
    ["clear === 3", "clear.eq(3)"],
    ["2 ** clear", "clear.mul(Math.log(2)).exp()"],
    ["clear && noise", "clear.logicalAnd(noise)"],
    ["clear > 0 && clear < 1", "clear.gt(0).logicalAnd(clear.lt(1))"],
    ["clear[0] = 1", "clear.set([0], 1)"],
    ["clear[0, 1] = 1", "clear.set([0, 1], 1)"],
    ["clear[0] += 1", "clear.set([0], clear.at(0).add(1))"],
    ["clear[clear > 0] = 0", "clear.set([clear.gt(0)], 0)"],
    ["clear[clear > 0]", "await clear.maskedSelect(clear.gt(0))"],
    ["clear[[0, 1]]", 'clear.at(tensor([0, 1], { dtype: "int64" }))'],
    ["Math.max(clear, 1)", "clear.maximum(1)"],
    ["Math.abs(clear.mean())", "clear.mean().abs()"],
    ["clear.mean.item()", "clear.mean().item()"],
    ["clear.data[0]", "(await clear.data())[0]"],
    ["clear.sum({ dim: 0 })", "clear.sum(0)"],
    ["clear.clamp({ min: 0, max: 1 })", "clear.clamp(0, 1)"],
    ["clear.add([1, 2, 3])", "clear.add(tensor([1, 2, 3]))"],
    ["stack(clear, noise)", "stack([clear, noise])"],
    ["tensor([clear, noise])", "stack([clear, noise])"],
    ["tensor(clear)", "clear.clone()"],
  ])("%s", async (source, write) => {
    const message = await only(source);
    expect(message).toMatch(/ Write: /);
    expect(message.split(" Write: ")[1]).toBe(write);
  });

  test("and conditions that are always true", async () => {
    for (const code of ["if (clear) 1", "while (clear) break", "clear ? 1 : 2", "!clear"]) {
      expect(await only(code)).toContain("A tensor is always truthy. Write: await clear.item()");
    }
    expect(await only("if (clear.gt(noise)) 1")).toContain("(await clear.gt(noise).any().item())");
  });

  test("and what is right stays right", async () => {
    for (const code of [
      "let best: Tensor | undefined; if (best) best.add(1); best ? 1 : 2",
      "const n = 2 * h - 1; n > h; -h; [1, 2][0]! + 1",
      "for (const clear of [1, 2]) if (clear > 1) -clear",
      "(clear: number) => -clear",
      "clear === noise; clear == null; clear.ndim == 2; if (clear.ndim) 1; -clear.shape[0]!",
      "const found = new Map([[1, clear]]); if (found.get(1)) 1; if (found.has(1)) 1",
      "const list = [1]; list[0]; const o = {}; o[0]",
      "const any: any = 1; if (any) 1; any + 1",
    ]) {
      expect(await messages(code), code).toEqual([]);
    }
  });
});

describe("operators on texts and lists, and calls, are told with what to write", () => {
  test.each([
    ["const line = '-' * 20", "'-'.repeat(20)"],
    ["const zero = [0] * 5", "Array.from({ length: 5 }, () => 0)"],
    ["const both = [1, 2] + [3]", "[1, 2].concat([3])"],
    ["for (const v in [10, 20]) console.log(v * 2)", "for (const v of [10, 20])"],
    ["for (const i of 10) console.log(i)", "for (let i = 0; i < 10; i++)"],
    ["for (const i of clear.shape[0]!) console.log(i)", "for (let i = 0; i < clear.shape[0]!; i++)"],
    ["clear.shape == [2, 3]", "clear.shape.join() == [2, 3].join()"],
    ["clear.length", "clear.shape[0]"],
    ["clear.map((v) => v)", "[...(await clear.data())].map((v) => v)"],
    ["clear.mean().toFixed(2)", "(await clear.mean().item()).toFixed(2)"],
    ["clear.shape()", "clear.shape"],
    ["clear.shape.length()", "clear.shape.length"],
    ["nn.Linear(2, 3)", "new nn.Linear(2, 3)"],
    ["const lin = new nn.Linear(3, 2); lin(clear)", "lin.forward(clear)"],
    ["const lin = new nn.Linear(3, 2); new optim.SGD(lin.parameters, { lr: 1 })", "lin.parameters()"],
    ["3 * 'ab'", "'ab'.repeat(3)"],
    ["[1, 2] * 2", "Array.from({ length: 2 }, () => [1, 2]).flat()"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what to write
    ["'%.2f m' % h", "`${h.toFixed(2)} m`"],
    ["new Date() - new Date(2026, 1)", "Number(new Date()) - Number(new Date(2026, 1))"],
    ["Date.now() - new Date()", "Date.now() - Number(new Date())"],
    ["1 < h < 3", "1 < h && h < 3"],
    ["digits(8)", "digits({ n: 8 })"],
    ["new optim.Adam([], 0.1)", "new optim.Adam([], { lr: 0.1 })"],
  ])("%s", async (source, write) => {
    const message = await only(source);
    expect(message.split(" Write: ")[1]).toBe(write);
  });
});

describe("a forgotten await is told with where it belongs", () => {
  test.each([
    ["clear.tolist().map((v) => v)", "(await clear.tolist()).map((v) => v)"],
    ["const n: number = x.mean().item()", "await x.mean().item()"],
    ["x.mean().item() * 2", "(await x.mean().item()) * 2"],
    ["x.mean().item() + 2", "(await x.mean().item()) + 2"],
    ["if (x.mean().item() > 2) 1", "(await x.mean().item()) > 2"],
    ["Math.max(x.mean().item(), 1)", "Math.max(await x.mean().item(), 1)"],
    ["x.mean().item().toFixed(2)", "(await x.mean().item()).toFixed(2)"],
    ["const d = x.data(); d[0]", "(await d)[0]"],
    ["for (const v of x.data()) v", "await x.data()"],
    ["const a = x.mean().item(), b = x.mean().item(); a + b", "(await a) + (await b)"],
    ["const a = x.mean().item(), b = x.mean().item(); a - b", "(await a) - (await b)"],
    ["const o: { n: number } = { n: x.mean().item() }", "await x.mean().item()"],
    ["x.mean().item() === 0", "(await x.mean().item()) === 0"],
    ["-x.mean().item()", "-(await x.mean().item())"],
    ["!x.any().item()", "!(await x.any().item())"],
    ["Number(x.mean().item())", "Number(await x.mean().item())"],
    ["Number.isNaN(x.mean().item())", "Number.isNaN(await x.mean().item())"],
    ["JSON.stringify(x.tolist())", "JSON.stringify(await x.tolist())"],
    ["const { length } = x.data()", "await x.data()"],
    ["switch (x.mean().item()) { case 0: 1 }", "await x.mean().item()"],
    ["const ps = [1, 2].map(async (v) => v); Math.max(...ps)", "(await Promise.all(ps))"],
    ["const p = x.mean().item(); [p, p].map((v) => v * 2)", "(await Promise.all([p, p]))"],
  ])("%s", async (source, write) => {
    const message = await only(source);
    expect(message).toMatch(/promise/i);
    expect(message.split(" Write: ")[1]).toBe(write);
  });
});

describe("names of other languages and of libraries", () => {
  test.each([
    ['print("x")', 'In TypeScript, write: console.log("x")'],
    ['print("x", end="")', 'In TypeScript, write: console.log("x")'],
    ["len(noise)", "noise.length (of a tensor: noise.shape[0])"],
    ["const a = None", "undefined (or null)"],
    ["const a = True", "true"],
    ["for (const i of range(10)) {}", "Array.from({ length: 10 }, (_, i) => i)"],
    ["str(1)", "String(1)"],
    ["int('3')", "Math.trunc(Number('3'))"],
    ["sorted([2, 1])", "[2, 1].toSorted((a, b) => a - b)"],
    ["isinstance(x, Tensor)", "x instanceof Tensor"],
    ["input('?')", "await prompt('?')"],
    ["const a: int = 5", "In TypeScript, write: number"],
    ["const a: str = ''", "In TypeScript, write: string"],
    ["self.a", "this"],
    ["pass", "an empty { } is enough"],
    ["np.zeros(3)", 'import { tensor } from "difflab"'],
    ["torch.randn(3)", 'from "difflab"'],
    ["plt.plot(1)", 'from "difflab"'],
    ["q = 5", "Declare a new variable first: let q = 5"],
    ["randn([2], requires_grad=True)", "Named arguments are passed as an object: { requiresGrad: true }"],
    ["[1].append(3)", "In TypeScript, write: [1].push(3)"],
    ["'a'.upper()", "In TypeScript, write: 'a'.toUpperCase()"],
    ["', '.join(['a'])", "In TypeScript, write: ['a'].join(', ')"],
    ["!ls", 'execSync("ls"'],
    ["alert('x')", "It exists only in browsers"],
    ["linePlot([1])", 'Import it: import { linePlot } from "difflab"'],
    ["shwoImages(clear)", "Did you mean 'showImages'?\nImport it: import { showImages } from \"difflab\""],
    ["displya(1)", "Did you mean 'display'?"],
    ["Plot.plot()", 'Import it: import * as Plot from "@observablehq/plot"'],
    ["fs.readFileSync('a')", 'Import it: import fs from "node:fs"'],
    ["cleer.add(1)", "Did you mean 'clear'?"],
    ["clear.meen()", "Did you mean 'mean'?"],
    ["F.relu(clear)", "In TypeScript, write: nn.functional"],
    ["math.sqrt(2)", "In TypeScript, write: Math"],
    ["sum(clear)", "(of a tensor: clear.sum())"],
    ["abs(clear)", "(of a tensor: clear.abs())"],
    ["max([1, 2])", "In TypeScript, write: Math.max(...[1, 2])"],
    ["clear.cuda()", 'await clear.to("cuda")'],
    ["digits(true)", "Options are passed by name, in an object: { n: ..., size: ..., seed: ..., labels: ... }"],
    ["new optim.Adam([], 'x')", 'Options are passed by name, in an object such as { name: "x" }'],
    ["randn([2], dtype=float32)", 'Named arguments are passed as an object: { dtype: "float32" }'],
    [
      "new nn.Conv2d(1, 8, kernel_size=3, padding=1)",
      "Named arguments are passed as an object: { kernelSize: 3, padding: 1 }",
    ],
    ["clear.mean(dim=0)", "This argument has no name here. Write: clear.mean(0)"],
    ["stack([clear, noise], dim=1)", "This argument has no name here. Write: stack([clear, noise], 1)"],
    ["clear[None]", "In TypeScript, write: clear.unsqueeze(0)"],
    ["clear.astype(np.float32)", "import { tensor }"],
    ["clear.astype('float32')", "In TypeScript, write: clear.to('float32')"],
    ["round(3.14159, 2)", "Number((3.14159).toFixed(2))"],
    ["({ a: 1 }).update({ b: 2 })", "Object.assign"],
    ["consol.log(1)", "Did you mean 'console'?"],
    ["console.lgo(1)", "Did you mean 'log'?"],
    ["const n = 1; n = 2", "declare it with let instead of const"],
    ["randn([2], { dtype: 'float' })", "Did you mean '\"float16\"'?"],
    ["randn([2], { dtpye: 'float32' })", "Did you mean to write 'dtype'?"],
    ["tensor([1, 'a'])", "A tensor is made of numbers, not of a value of type 'string'."],
    ["clear.softmax()", "Expected 1 argument, but got 0."],
    ["nn.ReLU(clear)", "ReLU is a class: write `new` in front of it."],
    ["import whole from 'difflab'; whole([2])", "This is a whole module, not a function."],
    ["a, b = 1, 2", "In TypeScript, write: const [a, b] = [1, 2]"],
    ["a, b = clear.shape", "In TypeScript, write: const [a, b] = clear.shape"],
    ["let p = 1, q = 2; p, q = q, p", "In TypeScript, write: [p, q] = [q, p]"],
  ])("%s", async (source, advice) => {
    expect(await only(source)).toContain(advice);
  });
});

describe("a bracket or a text that does not end is told where it begins", () => {
  test.each([
    ["const a = [1, 2, 3", "[", "This [ is never closed: write ] where it ends."],
    ["console.log(clear.shape\nconst b = 1", "(", "This ( is never closed: write ) where it ends."],
    ["function half(n: number) {\n  return n / 2;\n", "{", "This { is never closed: write } where it ends."],
    ["f(clear.add(1);\nconst c = { d: [1, 2 };", "(", "This ( is never closed: write ) where it ends."],
    ["const c = { d: [1, 2 };", "[", "This [ is never closed: write ] where it ends."],
    ["clear.add(1))", ")", "This ) closes nothing: remove it, or write what it closes."],
    ["console.log('hi)", "'", "The text that begins here never ends: write a second ' behind it."],
    ['const s = "hi, (you)', '"', 'The text that begins here never ends: write a second " behind it.'],
    ["const t = `hi ", "`", "The text that begins here never ends: write a second ` behind it."],
  ])("%s", async (source, mark, message) => {
    const [problem, ...others] = await check(source);
    expect(others).toEqual([]);
    expect(problem!.message).toBe(message);
    expect(source.split("\n")[problem!.line - 1]![problem!.column - 1]).toBe(mark);
  });

  test("and brackets in texts and comments do not count", async () => {
    for (const source of ["const s = '('; const x = ;", "// (\nconst x = ;", "const t = `[`; let y: = 3"]) {
      expect(await only(source), source).not.toMatch(/closed|closes|ends/);
    }
  });
});

describe("what follows from another error is not told", () => {
  test("after a syntax error, no name of an earlier cell is unknown", async () => {
    const found = await messages("clear.add(noise);\nconst a = [1, 2;\nconst b = clear.mul(;");
    expect(found).toHaveLength(1);
    expect(found[0]).not.toContain("clear");
  });

  test("one block names all that a cell lacks", async () => {
    const problems = await check("const sum = lackA + lackB;\nlackC(sum, lackA);\nconst n: number = 'own';");
    expect(problems.map(({ message }) => message)).toEqual([
      "Cannot find the names 'lackA', 'lackB' and 'lackC'.",
      "Type 'string' is not assignable to type 'number'.",
    ]);
    expect(problems[0]!.hint).toBe("If another cell declares 'lackA', 'lackB' or 'lackC', run that cell first.");
  });

  test("a cell that was run and failed is not said to be not yet run", async () => {
    const source = "const wrong: number = 'a';\nconst wanted = wrong + 1;";
    expect(await messages(source)).toHaveLength(1);
    checker.noteFailure(parseCell(source)!);
    const [problem] = await check("wanted * 2");
    expect(problem!.hint).toBe(
      "The cell that declares it was run but failed. Fix the error there, and run it again:\n  const wanted = wrong + 1;",
    );
    await ran("const wanted = 1");
    expect(await messages("wanted * 2")).toEqual([]);
  });
});

test("a class declared again says so, and no type shows a path", async () => {
  await ran("class Node2 { #p = 1; constructor(public v = 1) {} }\nconst old = new Node2(); const olds = [old]");
  await ran(
    "class Node2 { #p = 1; constructor(public v = 1) {} }\nfunction use(n: Node2) {} function useAll(n: Node2[]) {}",
  );
  const expected =
    "'Node2' has been declared again since this value was created, and the old and the new one are different. Run the cell that creates the value again.";
  expect(await only("use(old)")).toBe(expected);
  expect(await only("const a: Node2 = old")).toBe(expected);
  expect(await only("useAll(olds)")).toBe(expected);
  expect(await only("const s: string = old")).toBe("Type 'Node2' is not assignable to type 'string'.");
  expect(await only("const n: number = nn")).toBe("Type 'module nn' is not assignable to type 'number'.");
  await ran("interface Shape2 { sides: number }\nconst shape: Shape2 = { sides: 3 }");
  await ran("interface Shape2 { sides: string }");
  expect(await only("const s2: Shape2 = shape")).toContain("'Shape2' has been declared again");
  // Without private members TypeScript words it differently, by what is missing.
  for (const [before, after] of [
    ["x = 1", "y = 2"],
    ["x = 1", "y = 2; z = 3"],
    ["x?: number", "y?: number"],
  ]) {
    await ran(`class Plain { ${before} }\nconst plain = new Plain();`);
    await ran(`class Plain { ${after} }`);
    expect(await only("const again: Plain = plain"), after).toContain("'Plain' has been declared again");
  }
});

test("where types are asked for, a parameter without one is told with what to write", () => {
  expect(reword("Parameter 'v' implicitly has an 'any' type.")).toBe(
    "The parameter 'v' needs a type. Write, for example: v: number, or v: Tensor",
  );
});

test("an option of the wrong type is named", async () => {
  const told = "'n' has the wrong type: 'string' is not assignable to 'number'.";
  expect(await only("const settings = { n: '8' }; digits(settings)")).toBe(told);
  expect(await only("const settings = { n: '8' }; digits({ seed: 1, ...settings })")).toBe(told);
});

test("problems show where they are", async () => {
  const source = "const a = 1;\nclear + noise;";
  expect(stripVTControlCharacters(formatProblems(await check(source), source))).toBe(
    [
      "line 2: Operators such as + work on numbers, not on tensors. Write: clear.add(noise) (TS2365)",
      "  1 | const a = 1;",
      "> 2 | clear + noise;",
      "    | ^^^^^^^^^^^^^",
    ].join("\n"),
  );
});
