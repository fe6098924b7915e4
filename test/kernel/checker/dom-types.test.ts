import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { domTypes, writeDomTypes } from "../../../kernel/checker/dom-types.ts";
import { libraryPath } from "../../../kernel/checker/language-server.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();

test("the types of a page come without the values that Node.js has not, from a copy the second time", () => {
  const library = libraryPath("lib.dom.d.ts");
  const { text, omitted } = domTypes(library);
  expect([...omitted]).toEqual(expect.arrayContaining(["alert", "print", "length", "name", "HTMLElement", "CSS"]));
  expect(omitted.has("URL") || omitted.has("document")).toBe(false);
  const count = (pattern: RegExp, of: string) => of.match(pattern)?.length;
  const whole = readFileSync(library, "latin1");
  expect(count(/^(interface|type) /gm, text)).toBe(count(/^(interface|type) /gm, whole));
  expect(text).not.toMatch(/^declare (?:var|function|const) (?:alert|print|length|name)\b/m);

  const [cache, target] = [join(folder, "cache"), join(folder, "index.d.ts")];
  expect(writeDomTypes(library, target, cache)).toEqual(omitted);
  expect(readFileSync(target, "latin1")).toBe(text);
  const copy = readdirSync(cache).find((name) => name.endsWith(".d.ts"))!;
  writeFileSync(join(cache, copy), "// the copy");
  expect(writeDomTypes(library, target, cache)).toEqual(omitted);
  expect(readFileSync(target, "utf8")).toBe("// the copy");
});

test("where no copy can be kept they come all the same", () => {
  const file = join(folder, "a-file");
  writeFileSync(file, "");
  const target = join(folder, "other.d.ts");
  expect(writeDomTypes(libraryPath("lib.dom.d.ts"), target, join(file, "cache")).has("alert")).toBe(true);
  expect(readFileSync(target, "latin1")).toContain("interface HTMLElement");
});
