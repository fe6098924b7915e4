import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { ROOT } from "../../root.ts";

/** A Float16Array as newer engines have it, as far as onnxruntime's binding goes: not the bits that it expects. */
const LATER = "globalThis.Float16Array ??= class Float16Array extends Float64Array {};";

const PROGRAM = `
import { loadTensors } from "difflab";
const half = (await loadTensors("data/digit-judge/model.safetensors", { copy: true }))["conv1.weight"];
const sum = (await half.data()).reduce((sum, v) => sum + v);
console.log(typeof Float16Array, half.dtype, sum.toFixed(4));
`;

test("float16 weights are computed with where JavaScript has a Float16Array (Node 24, Deno)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "difflab-float16-"));
  try {
    const later = join(folder, "later.cjs");
    writeFileSync(later, LATER);
    // From the environment, since the engine's thread takes no flags of this process.
    const env = { ...process.env, NODE_OPTIONS: `--require ${JSON.stringify(later)}` };
    const args = ["--input-type=module", "-e", PROGRAM];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: ROOT, env });
    expect(stdout).toBe("function float16 5.2257\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
