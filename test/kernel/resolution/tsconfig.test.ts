import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCell } from "../../../kernel/cells/parse.ts";
import { type Cells, cellsIn } from "../support/cells.ts";
import { checkerIn } from "../support/checker.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();

const SOURCES = {
  "package.json": '{ "name": "course", "type": "module", "imports": { "#own": "./src/own.ts" } }',
  "src/util.ts": "export class Box { #v = 1; get v() { return this.#v ** 2 } }\n",
  "src/own.ts": "export const own: number = 1;\n",
};

/** Cells that run with the kernel's own settings, and one that does not. */
const RIGHT = [
  'import { Box } from "../src/util"; new Box().v',
  "for (const x of new Set([1, 2])) console.log(x); [...'ab'].length",
] as const;
const WRONG = "const text: string = 5";
const MESSAGE = "Type 'number' is not assignable to type 'string'.";

async function works({ value, run }: Cells): Promise<void> {
  expect(await value(RIGHT[0])).toBe("1");
  expect(await value(RIGHT[1])).toBe("2");
  expect((await run(WRONG)).trace).toContain(MESSAGE);
}

describe("a tsconfig.json that is made for other things", () => {
  const options = {
    rootDir: "src",
    outDir: "out",
    target: "es5",
    lib: ["es2022", "es2099"],
    module: "commonjs",
    moduleResolution: "node10",
    baseUrl: ".",
    types: ["nosuch"],
    noCheck: true,
    noLib: true,
    importHelpers: true,
    composite: true,
    verbatimModuleSyntax: true,
    isolatedDeclarations: true,
    erasableSyntaxOnly: true,
    noUnusedLocals: true,
    jsx: "preserve",
    plugins: [{ name: "next" }],
    bogus: 1,
    strict: "yes",
  };
  const cells = cellsIn({ ...SOURCES, "tsconfig.json": JSON.stringify({ compilerOptions: options }) }, "notes");

  test("keeps no cell from running, nor from being checked", async () => {
    expect((await cells.run("1 + 1")).stderr).toBe("");
    await works(cells);
  });
});

describe("a tsconfig.json that cannot be read", () => {
  const cells = cellsIn({ ...SOURCES, "tsconfig.json": '{ "compilerOptions": ' }, "notes");

  test("is told once, and cells run", async () => {
    const { result, stderr } = await cells.run("1 + 1");
    expect(result).toBe("2");
    expect(stderr).toMatch(/^\.\.\/tsconfig\.json cannot be read, so cells use the kernel's own settings: .*JSON/);
    expect((await cells.run("2 + 2")).stderr).toBe("");
    await works(cells);
  });

  test.each([
    ["is no JSON", '{ "compilerOptions": ', "JSON"],
    ["is no object", "[]", "it is not an object"],
    ["extends what is not there", '{ "extends": "./none.json" }', "./none.json"],
    ["extends itself", '{ "extends": "./tsconfig.json" }', "Circular"],
    ["has an option of the wrong kind", '{ "compilerOptions": { "paths": { "@app/*": "src/*" } } }', "wrong kind"],
  ])("because it %s is as if there were none", async (_, text, why) => {
    const at = mkdtempSync(join(folder, "broken-"));
    for (const [name, content] of Object.entries({ ...SOURCES, "tsconfig.json": text, "notes/a.txt": "" })) {
      mkdirSync(dirname(join(at, name)), { recursive: true });
      writeFileSync(join(at, name), content);
    }
    const checker = checkerIn(join(at, "notes"));
    try {
      expect(checker.configProblem).toMatch(
        /^\.\.\/tsconfig\.json cannot be read, so cells use the kernel's own settings: /,
      );
      expect(checker.configProblem).toContain(why);
      expect(checker.runtimeOptions).toEqual({ experimentalDecorators: false, useDefineForClassFields: true });
      const problems = async (source: string) =>
        (await checker.check(source, parseCell(source))).map(({ message }) => message);
      for (const source of RIGHT) expect(await problems(source), source).toEqual([]);
      expect(await problems(WRONG)).toEqual([MESSAGE]);
    } finally {
      checker.dispose();
    }
  });
});

describe("files behind an alias", () => {
  const paths = { "@app/*": ["./src/*"], exact: ["./src/exact.ts"] };
  const files = {
    ...SOURCES,
    "tsconfig.json": `// comments, and a comma\n${JSON.stringify({ compilerOptions: { paths } }).slice(0, -1)},}`,
  };
  const { folder, run, value } = cellsIn(files, "notes");

  test.each([
    ["@app/changing", "src/changing.ts"],
    ["exact", "src/exact.ts"],
    ["#own", "src/own.ts"],
    ["../src/changing2", "src/changing2.ts"],
  ])("of %s give their new types and values after an edit", async (specifier, file) => {
    const cell = `import { version } from ${JSON.stringify(specifier)}; version`;
    writeFileSync(join(folder, file), "export const version: number = 1;\n");
    expect(await value(cell)).toBe("1");
    writeFileSync(join(folder, file), 'export const version: string = "two";\n');
    expect(await value(`${cell}.length`)).toBe("3");
    writeFileSync(join(folder, file), "export const version: string = 2;\n");
    expect((await run(cell)).trace).toContain("Type 'number' is not assignable to type 'string'");
  });

  test("of a file that an aliased file imports, too", async () => {
    writeFileSync(join(folder, "src/inner.ts"), "export const inner = 1;\n");
    writeFileSync(join(folder, "src/outer.ts"), 'export { inner } from "@app/inner";\n');
    expect(await value('import { inner } from "@app/outer"; inner')).toBe("1");
    writeFileSync(join(folder, "src/inner.ts"), 'export const inner = "two";\n');
    expect(await value('import { inner } from "@app/outer"; inner')).toBe("'two'");
  });
});

describe("a notebook below node_modules", () => {
  const cells = cellsIn(
    {
      "node_modules/pkg/package.json": '{ "name": "pkg", "type": "module" }',
      "node_modules/pkg/src/util.ts": SOURCES["src/util.ts"],
      "node_modules/other/package.json": '{ "name": "other", "main": "i.js" }',
      "node_modules/other/i.js": "exports.a = 1;",
    },
    "node_modules/pkg/notes",
  );

  test("runs, with its files and its neighbours", async () => {
    await works(cells);
    expect(await cells.value('import other from "other"; other.a')).toBe("1");
    expect(await cells.value('import { ones } from "difflab"; ones([2]).shape')).toBe("[ 2 ]");
  });
});

describe("imports that cells cannot do", () => {
  const { run, value, folder } = cellsIn({}, ".");

  test.each([
    ['import a from "https://esm.sh/lodash@4"', "npm install lodash@4"],
    ['import a from "npm:chalk@5"', "npm install chalk@5"],
    ['import a from "jsr:@std/path"', "npx jsr add @std/path"],
    ['import a from "node:nosuch"', "Node.js has no module 'nosuch'"],
    ['import a from "bun:sqlite"', "not in Bun"],
    ['import ""', "not a valid package name"],
    ['import "./nosuch.css"', "Cannot find the file './nosuch.css'"],
    ['export * from "nosuch"', "npm install nosuch"],
    ['import a = require("nosuch")', "npm install nosuch"],
    ['let a: import("nosuch").A', "npm install nosuch"],
  ])("are told before they run: %s", async (code, advice) => {
    const shown = await run(`console.log("ran");\n${code}`);
    expect(shown).toMatchObject({ ename: "TypeScriptError", stdout: "" });
    expect(shown.trace).toContain(advice);
  });

  test.each([
    ['require("nosuch")', "npm install nosuch"],
    ['require("@s/nosuch/x")', "npm install @s/nosuch"],
    ['require.resolve("nosuch")', "npm install nosuch"],
    ['import.meta.resolve("nosuch")', "npm install nosuch"],
    ['require("./nosuch")', "Cannot find the file './nosuch'"],
    ['require("node:nosuch")', "Node.js has no module 'nosuch'"],
    ['await import("https://esm.sh/lodash@4" as string)', "npm install lodash@4"],
    ['await import("node:nosuch" as string)', "Node.js has no module 'nosuch'"],
    ['await import("bun:x" as string)', "not in Bun"],
    ['await import("./nosuch" as string)', "Cannot find the file './nosuch'"],
    ['await import("#nosuch" as string)', '"imports"'],
    ['await import("" as string)', "not a valid package name"],
  ])("give the same advice as they run: %s", async (code, advice) => {
    const { ename, trace } = await run(code);
    expect(ename).toBe("Error");
    expect(trace).toContain(advice);
    expect(trace).not.toContain("dist/kernel");
  });

  test("of data and of files by their URL work", async () => {
    expect(await value('import one from "data:text/javascript,export default 1"; one')).toBe("1");
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "sub/plain.mjs"), "export const two = 2;");
    expect(await value(`import { two } from "file://${folder}/sub/plain.mjs"; two`)).toBe("2");
  });

  test("of a file that is no code say how to read it", async () => {
    writeFileSync(join(folder, "a.txt"), "text");
    expect((await run('import a from "./a.txt"')).trace).toContain('readFile("./a.txt"');
  });
});
