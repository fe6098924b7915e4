import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { KernelClient } from "../../kernel/client/client.ts";
import type { KernelSpec } from "../../kernel/client/launch.ts";
import { kernelJson } from "../../kernel/spec/kernelspec.ts";
import { DENO_VERSION, denoFromNpm, denoKernel } from "../kernel/support/deno.ts";
import { testPython } from "../kernel/support/python.ts";
import { ROOT } from "../root.ts";
import { type BenchResult, median, result } from "./bench.ts";

/** A kernel under measurement. */
export interface Candidate {
  name: string;
  spec: KernelSpec;
}

/** A kernel that could not be had, and why. */
export interface Missing {
  name: string;
  missing: string;
}

/** Ours, stock tslab, and Deno's kernel where npm has it for this machine. */
export async function kernels(): Promise<{ ours: Candidate; tslab: Candidate; deno: Candidate | Missing }> {
  return { ours: { name: "difflab", spec: kernelJson() }, tslab: tslab(), deno: await deno() };
}

/**
 * Something that our kernel and its peers do in turns, so that a busy machine slows all of them.
 *
 * @param task.prepare - done once in each kernel
 * @param task.turn - what is measured, the i-th time; returns its milliseconds. The first five are not counted.
 */
export async function inTurns(
  name: string,
  say: (line: string) => void,
  task: {
    prepare(kernel: KernelClient, candidate: Candidate): Promise<unknown>;
    turn(kernel: KernelClient, i: number, candidate: Candidate): Promise<number>;
  },
): Promise<BenchResult[]> {
  const { ours, tslab, deno } = await kernels();
  const present = [ours, tslab, deno].filter((candidate): candidate is Candidate => "spec" in candidate);
  const running: [Candidate, KernelClient][] = [];
  try {
    for (const candidate of present) {
      const kernel = await start(candidate);
      running.push([candidate, kernel]);
      await task.prepare(kernel, candidate);
    }
    const times = new Map<string, number[]>();
    for (let i = 0; i < 25; i++) {
      for (const [candidate, kernel] of running) {
        const took = await task.turn(kernel, i, candidate);
        if (i >= 5) times.set(candidate.name, [...(times.get(candidate.name) ?? []), took]);
      }
    }
    for (const [who, values] of times) say(`${who}: ${values.map((value) => value.toFixed(1)).join(" ")}`);
    return compare(name, ours, [tslab, deno], times);
  } finally {
    for (const [, kernel] of running) await kernel.shutdown();
  }
}

function tslab(): Candidate {
  const folder = join(ROOT, "node_modules/tslab");
  const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return {
    name: `tslab ${version}`,
    spec: { argv: [process.execPath, join(folder, "bin/tslab"), "kernel", "--config-path", "{connection_file}"] },
  };
}

/**
 * Deno's kernel, from npm into .cache/ at first use: its program is a hundred megabytes, which nobody should have to
 * install who does not compare kernels.
 */
async function deno(): Promise<Candidate | Missing> {
  const name = `deno ${DENO_VERSION}`;
  const { folder, npmPackage, program } = denoFromNpm();
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    const args = ["install", "--prefix", folder, "--no-save", "--ignore-scripts", npmPackage];
    try {
      await promisify(execFile)("npm", args, { shell: process.platform === "win32" });
    } catch (error) {
      const said = String((error as { stderr?: string }).stderr || error)
        .trim()
        .split("\n")
        .find((line) => /error/i.test(line));
      return { name, missing: `npm has no ${npmPackage} for us (${said})` };
    }
  }
  return { name, spec: denoKernel(program) };
}

/** The kernel of Python, from the tests' virtual environment. */
export async function ipykernel(): Promise<Candidate | Missing> {
  const python = await testPython();
  if (!python.ok) return { name: "ipykernel", missing: python.reason };
  const argv = [python.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"];
  return { name: "ipykernel 7.4.0", spec: { argv } };
}

/** Starts a candidate in the repository, and waits until it is ready. */
export function start(candidate: Candidate): Promise<KernelClient> {
  return KernelClient.start({ spec: candidate.spec, cwd: ROOT });
}

/** Runs a cell and makes sure that it did what it should. @returns milliseconds to its reply */
export async function cell(kernel: KernelClient, code: string): Promise<number> {
  const started = performance.now();
  const execution = kernel.execute(code);
  const { content } = await execution.reply;
  const took = performance.now() - started;
  if (content.status !== "ok") throw new Error(`${JSON.stringify(code)}: ${JSON.stringify(content)}`);
  await execution.done;
  return took;
}

/**
 * Measures ours and peers in turns, and reports one figure for each peer.
 *
 * @param measure - one measurement in milliseconds
 * @param rounds - how often each is measured
 */
export async function interleaved(
  name: string,
  ours: Candidate,
  peers: (Candidate | Missing)[],
  rounds: number,
  measure: (candidate: Candidate) => Promise<number>,
  say: (line: string) => void,
): Promise<BenchResult[]> {
  const times = new Map<string, number[]>();
  const present = [ours, ...peers].filter((candidate): candidate is Candidate => "spec" in candidate);
  for (let round = 0; round < rounds; round++) {
    for (const candidate of present) {
      const took = await measure(candidate);
      times.set(candidate.name, [...(times.get(candidate.name) ?? []), took]);
      say(`${candidate.name}: ${took.toFixed(1)} ms`);
    }
  }
  return compare(name, ours, peers, times);
}

/** Results of the medians: the first peer under the bench's own name, the others with theirs added. */
export function compare(
  name: string,
  ours: Candidate,
  peers: (Candidate | Missing)[],
  times: Map<string, number[]>,
): BenchResult[] {
  const own = median(times.get(ours.name)!);
  return peers.map((peer, i) => {
    const full = i === 0 ? name : `${name}-${peer.name.split(" ")[0]}`;
    if ("missing" in peer) return result(full, "ms", own, { missing: `${peer.name}: ${peer.missing}` });
    return result(full, "ms", own, { name: peer.name, value: median(times.get(peer.name)!) });
  });
}
