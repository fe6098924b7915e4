import { readdirSync, readFileSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { parse } from "@babel/parser";
import { describe, expect, it } from "vitest";
import { ROOT } from "../root.ts";
import { LAYERS } from "./layers.ts";

/** The files that a source imports, types included, as paths from the root. */
function importsOf(file: string, source: string): string[] {
  const found = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) node.forEach(visit);
    else if (typeof node === "object" && node !== null) {
      const { type, source: from, argument } = node as { type?: string; source?: unknown; argument?: unknown };
      const named = type === "TSImportType" ? argument : from;
      const { value } = (named ?? {}) as { value?: unknown };
      if (typeof value === "string" && value.startsWith(".")) found.add(posix.join(posix.dirname(file), value));
      Object.values(node).forEach(visit);
    }
  };
  visit(parse(source, { sourceType: "module", plugins: ["typescript"], createImportExpressions: true }).program.body);
  return [...found];
}

/** All of these and perhaps more, found much faster: what is written like an import in a comment or a text counts, too. */
function mentionsOf(file: string, source: string): string[] {
  const found = source.matchAll(/\b(?:from|import)\s*\(?\s*["'](\.[^"']*)["']/g);
  return [...new Set([...found].map(([, path]) => posix.join(posix.dirname(file), path!)))];
}

function graphOf(folder: string, read: typeof importsOf): Map<string, string[]> {
  const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => posix.join(folder, name.split(sep).join("/")));
  return new Map(files.map((file) => [file, read(file, readFileSync(join(ROOT, file), "utf8"))]));
}

/** A way from a file back to itself, or null. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string | null {
  const done = new Set<string>();
  const path: string[] = [];
  const from = (file: string): string | null => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file].join(" -> ");
    if (done.has(file)) return null;
    path.push(file);
    for (const next of graph.get(file) ?? []) {
      const circle = from(next);
      if (circle) return circle;
    }
    path.pop();
    done.add(file);
    return null;
  };
  for (const file of graph.keys()) {
    const circle = from(file);
    if (circle) return circle;
  }
  return null;
}

it("imports are read in all their forms", () => {
  const source = `
    import a from "./a.ts"; import type { B } from "../b.ts"; export * from "./c.ts"; export { d } from "./d.ts";
    const e = await import("./e.ts"); type F = import("./f.ts").F; import "./g.ts"; import fs from "node:fs";`;
  for (const read of [importsOf, mentionsOf]) {
    expect(read("lib/x/y.ts", source).sort()).toEqual(
      ["lib/b.ts", "lib/x/a.ts", "lib/x/c.ts", "lib/x/d.ts", "lib/x/e.ts", "lib/x/f.ts", "lib/x/g.ts"].sort(),
    );
  }
  const comment = '// as from "./h.ts"';
  expect([importsOf, mentionsOf].map((read) => read("lib/x/y.ts", comment))).toEqual([[], ["lib/x/h.ts"]]);
});

it("a circle is found", () => {
  const graph = new Map([
    ["a", ["b", "c"]],
    ["b", ["d"]],
    ["c", ["a"]],
    ["d", []],
  ]);
  expect(circleIn(graph)).toBe("a -> c -> a");
});

describe.each(Object.entries(LAYERS))("in %s", (folder, layers) => {
  const graph = graphOf(folder, mentionsOf);
  // Only where a mention would break a rule are the files parsed.
  const exactly = () => graphOf(folder, importsOf);
  const partOf = (file: string) => posix.relative(folder, file).split("/")[0]!;
  const layerOf = (part: string) => layers.findIndex((layer) => layer.includes(part));

  it("no file imports itself by way of others, types included", () => {
    expect(circleIn(graph) && circleIn(exactly())).toBeNull();
  });

  it("imports point down the list in layers.ts, which names every part", () => {
    const parts = new Set([...graph.keys()].map(partOf));
    expect([...parts].filter((part) => layerOf(part) < 0)).toEqual([]);
    const upwardIn = (graph: ReadonlyMap<string, readonly string[]>) =>
      [...graph].flatMap(([file, imports]) =>
        imports
          .filter((to) => {
            const [own, other] = [partOf(file), to.startsWith(`${folder}/`) ? partOf(to) : ".."];
            return other !== own && !(layerOf(other) >= 0 && layerOf(other) < layerOf(own));
          })
          .map((to) => `${file} imports ${to}`),
      );
    expect(upwardIn(graph).length > 0 ? upwardIn(exactly()) : []).toEqual([]);
  });
});

it("tests that replace a module lie where each file has a process of its own", () => {
  const shared = readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .map((name) => posix.join("test", name.split(sep).join("/")))
    .filter((file) => /^test\/(lib|docs|kernel|class)\/.*\.test\.ts$/.test(file) && !file.startsWith("test/lib/hub/"));
  expect(shared.length).toBeGreaterThan(50);
  expect(shared.filter((file) => /^\s*vi\.(do)?[mM]ock\(/m.test(readFileSync(join(ROOT, file), "utf8")))).toEqual([]);
});
