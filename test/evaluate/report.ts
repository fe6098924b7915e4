import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "../../lib/files/write-whole.ts";
import { writeJson } from "../../lib/hub/index.ts";
import { dataPath } from "../../lib/shipped.ts";
import { type Evaluated, type Evaluation, type Figure, SAMPLES, SHOWN } from "./evaluate.ts";

/** Between these the README holds what was measured last. */
const [BEGIN, END] = ["<!-- evaluation -->", "<!-- end of evaluation -->"];

/** Writes the figures and the samples beside the weights. */
export async function store({ evaluation, samples }: Evaluated): Promise<void> {
  const folder = dataPath("tiny-sd");
  await samples.save(join(folder, "samples.webp"), { quality: 90 });
  await writeJson(join(folder, "evaluation.json"), evaluation);
  const path = join(folder, "README.md");
  const before = await readFile(path, "utf8");
  const kept = before.includes(BEGIN) ? before.slice(0, before.indexOf(BEGIN)) : `${before.trimEnd()}\n\n`;
  const rest = before.includes(END) ? before.slice(before.indexOf(END) + END.length) : "\n";
  const text = `${kept}${BEGIN}\n${table(evaluation)}\n${END}${rest}`;
  await writeWhole(path, (write) => write(Buffer.from(text)));
}

/** The figures as a reader sees them: first those that have a target, then each setting. */
export function table({ figures, rows, default: usual, seed }: Evaluation): string {
  const head = `Judged (\`npm run evaluate\`, seed ${seed}) at ${usual.steps} steps of ${usual.scheduler}, guidance ${usual.guidance}, unless another is named:`;
  const lines = figures.map(
    (figure) => `| ${figure.name} | ${shown(figure)} | ${target(figure)} | ${figure.note ?? ""} |`,
  );
  const settings = rows.map((row) => {
    const shares = [row.thing, row.ink, row.background, row.manner, row.both].map((part) => (100 * part).toFixed(1));
    return `| ${[row.scheduler, row.steps, row.guidance, ...shares, row.prompts].join(" | ")} |`;
  });
  return [
    head,
    "",
    "| | measured | target | |",
    "|---|---|---|---|",
    ...lines,
    "",
    "Share of pictures that show what was asked for, in %:",
    "",
    "| scheduler | steps | guidance | thing | ink | background | manner | thing and ink | prompts |",
    "|---|---|---|---|---|---|---|---|---|",
    ...settings,
    "",
    `Pictures of the first ${SHOWN} prompts, none left out, ${SAMPLES.steps} steps of ${SAMPLES.scheduler} at guidance ${SAMPLES.guidance}:`,
    "",
    "![Samples of the tiny Stable Diffusion](samples.webp)",
    "",
  ].join("\n");
}

function shown({ value, unit }: Figure): string {
  return `${value.toFixed(unit === "x" || unit === "dB" ? 2 : 1)} ${unit}`;
}

function target({ value, unit, target: wanted, atMost = false }: Figure): string {
  if (wanted === null) return "";
  const reached = atMost ? value <= wanted : value >= wanted;
  return `${atMost ? "at most" : "at least"} ${wanted} ${unit}: ${reached ? "reached" : "missed"}`;
}
