/**
 * How good the tiny Stable Diffusion is: `npm run evaluate [-- --json] [-- --prompts 512] [-- --sweep 128] [-- --all]`. Writes what it finds
 * beside the weights (`--sweep`: prompts for each of the other settings), into `data/tiny-sd/evaluation.json` and the README there.
 */
import { parseArgs } from "node:util";
import { evaluate } from "./evaluate.ts";
import { store, table } from "./report.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    all: { type: "boolean", default: false },
    prompts: { type: "string", default: "512" },
    sweep: { type: "string" },
  },
});
const prompts = Number(values.prompts);
if (!Number.isInteger(prompts) || prompts < 32) {
  console.error(`evaluate: ${values.prompts} prompts; expected a whole number from 32 up`);
  process.exit(2);
}
const sweep = Number(values.sweep ?? prompts);
const result = await evaluate({ prompts, sweep, all: values.all, say: (line) => console.error(`  ${line}`) });
await store(result);
const { evaluation } = result;
console.log(values.json ? JSON.stringify(evaluation) : table(evaluation));
process.exit(0);
