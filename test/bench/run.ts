import { readdirSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import type { Bench, BenchResult } from "./bench.ts";

// The programs that are measured report to nobody; those that we start inherit it.
process.env.ORT_DISABLE_TELEMETRY ??= "1";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean" }, list: { type: "boolean" } },
});

const benches: Bench[] = [];
for (const file of readdirSync(import.meta.dirname).sort()) {
  if (!file.endsWith(".bench.js")) continue;
  benches.push((await import(`./${file}`)).default);
}
const known = benches.map((bench) => bench.name);
const unknown = positionals.filter((name) => !known.includes(name));
if (unknown.length > 0 || values.list) {
  if (unknown.length > 0) console.error(`bench: unknown ${unknown.join(", ")}; expected one of:`);
  console.log(known.join("\n"));
  process.exit(unknown.length > 0 ? 2 : 0);
}

const say = (line: string) => console.error(`  ${line}`);
const results: BenchResult[] = [];
let failed = false;
for (const bench of benches) {
  if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
  console.error(bench.name);
  try {
    results.push(...(await bench.run(say)));
  } catch (error) {
    failed = true;
    say(`FAILED: ${(error as Error).stack}`);
  }
}

if (values.json) console.log(JSON.stringify(results));
else console.log(table(results));
// Kernels that were asked to end may still be about it.
process.exit(failed ? 1 : 0);

function table(rows: BenchResult[]): string {
  const cells = rows.map(({ name, ours, peer, ratio, unit, peerName, note }) => [
    name,
    `${figure(ours)} ${unit}`,
    peer === null ? "-" : `${figure(peer)} ${unit}`,
    ratio === null ? "-" : ratio.toFixed(2),
    [peerName, note].filter(Boolean).join("; "),
  ]);
  const lines = [["", "ours", "peer", "ratio", "peer is"], ...cells];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...lines.map((line) => line[column]!.length)));
  const body = lines.map((line) =>
    line.map((cell, i) => (i === 4 ? cell : i === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[i]!))).join("  "),
  );
  return `\n${body.join("\n")}\n\n${cpus().length} x ${cpus()[0]?.model.trim()}, Node ${process.versions.node}; ratio = ours / peer, medians`;
}

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}
