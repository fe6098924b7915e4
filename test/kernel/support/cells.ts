import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import type { KernelClient } from "../../../kernel/client/client.ts";
import type { LaunchOptions } from "../../../kernel/client/launch.ts";
import type { Message } from "../../../kernel/wire/message.ts";
import { run as runCell, startKernel } from "./kernel.ts";

/** What a cell showed. */
export interface Shown {
  status: string;
  /** text/plain of the result. */
  result: string | undefined;
  stdout: string;
  stderr: string;
  ename: string | undefined;
  /** The traceback without colours. */
  trace: string;
}

/** A kernel for the cells of one test file, and a folder of its own for it. */
export interface Cells {
  folder: string;
  kernel(): KernelClient;
  run(code: string, onMessage?: (message: Message) => void): Promise<Shown>;
  /** Runs a cell that must work. @returns its result as text */
  value(code: string): Promise<string | undefined>;
}

/**
 * Starts a kernel before the tests of a file, or of a `describe`, and ends it after them.
 *
 * @param files - text by path, for its folder
 * @param notes - the notebook's folder among them; default the top
 */
export function cellsIn(files: Record<string, string> = {}, notes = ".", options: LaunchOptions = {}): Cells {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "difflab-cells-")));
  let kernel: KernelClient | undefined;
  beforeAll(async () => {
    mkdirSync(join(folder, notes), { recursive: true });
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), text);
    }
    kernel = await startKernel({ ...options, cwd: join(folder, notes) });
  });
  afterAll(async () => {
    await kernel?.shutdown();
    rmSync(folder, { recursive: true, force: true });
  });
  const run = async (code: string, onMessage: (message: Message) => void = () => {}): Promise<Shown> => {
    const { reply, result, stdout, stderr, error } = await runCell(kernel!, code, { onOutput: onMessage });
    return {
      status: reply.status,
      result: result?.data["text/plain"],
      stdout,
      stderr,
      ename: error?.ename,
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with the escape character
      trace: (error?.traceback ?? []).join("\n").replace(/\u001b\[[\d;]+m/g, ""),
    };
  };
  const value = async (code: string) => {
    const shown = await run(code);
    expect(shown.trace, code).toBe("");
    return shown.result;
  };
  return { folder, kernel: () => kernel!, run, value };
}
