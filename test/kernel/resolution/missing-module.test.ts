import { expect, test } from "vitest";
import { missingModule } from "../../../kernel/resolution/missing-module.ts";

test.each([
  ["nosuch", "npm install nosuch"],
  ["@scope/nosuch/sub", "npm install @scope/nosuch"],
  ["npm:chalk@5", 'npm install chalk@5, then import "chalk"'],
  ["npm:@s/chalk@5/sub", 'npm install @s/chalk@5, then import "@s/chalk/sub"'],
  ["npm:chalk", 'npm install chalk, then import "chalk"'],
  ["jsr:@std/path@1/posix", 'npx jsr add @std/path, then import "@std/path/posix"'],
  ["https://esm.sh/lodash@4", 'npm install lodash@4, then import "lodash"'],
  ["https://cdn.jsdelivr.net/npm/d3@7/+esm", 'npm install d3@7, then import "d3"'],
  ["https://unpkg.com/@s/d3@7?module", 'npm install @s/d3@7, then import "@s/d3"'],
  ["https://cdn.skypack.dev/d3", 'npm install d3, then import "d3"'],
  ["https://example.org/a.js", 'await (await fetch("https://example.org/a.js")).text()'],
  ["http://localhost/a.js", "npm install NAME"],
  ["node:nosuch", "Node.js has no module 'nosuch'."],
  ["node:fs/promise", "Did you mean 'node:fs/promises'?"],
  ["fs/promise", "Did you mean 'node:fs/promises'?"],
  ["bun:test", "cells run in Node.js, not in Bun. Node.js has 'node:test'."],
  ["bun:ffi", "cells run in Node.js, not in Bun."],
  ["deno:x", "not in Deno"],
  ["cloudflare:sockets", "not in Cloudflare"],
  ["virtual:x", 'Node.js does not support "virtual:"'],
  ["./x", "Cannot find the file './x'"],
  ["/x.ts", "Cannot find the file"],
  ["..", "Cannot find the file"],
  ["C:\\x.ts", "Cannot find the file"],
  ["file:///x.ts", "Cannot find the file"],
  ["#internal", '"imports"'],
  ["@/components/x", '"./components/x"'],
  ["~/x", '"./x"'],
  ["My Package", "not a valid package name"],
  ["", "not a valid package name"],
])("what to do about '%s': %s", (specifier, advice) => {
  const message = missingModule(specifier);
  expect(message).toContain(advice);
  expect(message).not.toMatch(/npm install (https?:|npm:|jsr:|bun:|node:|fs\b|$)/);
  expect(message).not.toContain("\n");
});
