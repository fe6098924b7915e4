/**
 * How good the tiny Stable Diffusion is: `npm run evaluate [-- --json] [-- --prompts 512] [-- --sweep 128] [-- --all]`. Writes what it finds
 * beside the weights (`--sweep`: prompts for each of the other settings), into `data/tiny-sd/evaluation.json` and the README there.
 * With `--precision int8`, how good it is in 8 bits: that is only printed.
 */
import { parseArgs } from "node:util";
import type { Precision } from "../../lib/index.ts";
import { evaluate } from "./evaluate.ts";
import { store, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    prompts: { type: "string", default: "512" },
    sweep: { type: "string" },
    precision: { type: "string", default: "float32" },
  },
});
const prompts = Number(values.prompts);
if (!Number.isInteger(prompts) || prompts < 32) {
  console.error(`evaluate: ${values.prompts} prompts; expected a whole number from 32 up`);
  process.exit(2);
}
const sweep = Number(values.sweep ?? prompts);
const precision = values.precision as Precision;
const result = await evaluate({
  prompts,
  sweep,
  precision,
  all: values.all,
  say: (line) => console.error(`  ${line}`),
});
if (precision === "float32") await store(result);
const { evaluation } = result;
console.log(values.json ? JSON.stringify(evaluation) : table(evaluation));
process.exit(0);
