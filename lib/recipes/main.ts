/**
 * Trains one of the networks that ship: `npm run train -- NAME [--fresh] [--shipped] [--steps N] [--batch N] [--seed N] [--threads N]
 * [--device NAME] [--out FOLDER]`; `-- --list` names them, in the order in which they need each other.
 */
import { parseArgs } from "node:util";
import { type Device, setDevice, setNumThreads } from "../index.ts";
import { recipes } from "./index.ts";
import { follow, Stopped } from "./run.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    list: { type: "boolean", default: false },
    fresh: { type: "boolean", default: false },
    shipped: { type: "boolean", default: false },
    steps: { type: "string" },
    seed: { type: "string" },
    examples: { type: "string" },
    batch: { type: "string" },
    out: { type: "string" },
    checkpoints: { type: "string" },
    threads: { type: "string" },
    device: { type: "string" },
  },
});

const name = positionals[0] ?? "";
const recipe = Object.hasOwn(recipes, name) ? recipes[name] : undefined;
if (values.list) {
  for (const [key, { about, steps }] of Object.entries(recipes)) {
    console.log(`${key.padEnd(16)} ${String(steps).padStart(6)} steps  ${about}`);
  }
} else if (!recipe || positionals.length > 1) {
  const wrong = recipe
    ? `got ${positionals.join(", ")}, but only one can be trained at a time`
    : name
      ? `there is no ${name}`
      : "what?";
  console.error(`train: ${wrong}. Expected one of ${Object.keys(recipes).join(", ")}: npm run train -- NAME`);
  process.exitCode = 2;
} else {
  const { fresh, shipped, steps, seed, examples, batch, out, checkpoints, threads, device } = values;
  if (threads !== undefined) setNumThreads(Number(threads));
  try {
    if (device !== undefined) await setDevice(device as Device);
    await follow(name, recipe, {
      fresh,
      shipped,
      ...(steps === undefined ? {} : { steps: Number(steps) }),
      ...(seed === undefined ? {} : { seed: Number(seed) }),
      ...(examples === undefined ? {} : { examples: Number(examples) }),
      ...(batch === undefined ? {} : { batch: Number(batch) }),
      ...(out === undefined ? {} : { out }),
      ...(checkpoints === undefined ? {} : { checkpoints }),
    });
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = error instanceof Stopped ? 130 : 1;
  }
}
