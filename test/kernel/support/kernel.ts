import { join } from "node:path";
import { type ExecuteOptions, type Execution, KernelClient } from "../../../kernel/client/client.ts";
import type { LaunchOptions } from "../../../kernel/client/launch.ts";
import { installKernelspec } from "../../../kernel/spec/install.ts";
import type { Json, Message } from "../../../kernel/wire/message.ts";
import { ROOT } from "../../root.ts";

/** What a cell said, sorted by kind. */
export interface CellRun {
  /** Content of the execute_reply. */
  reply: Json;
  /** Every iopub message of the cell, in order. */
  messages: Message[];
  stdout: string;
  stderr: string;
  /** Content of the execute_result. */
  result: Json | undefined;
  /** Content of the error message. */
  error: Json | undefined;
  /** Contents of display_data. */
  displays: Json[];
}

/** Starts the kernel as built, in the repository. */
export function startKernel(options: LaunchOptions = {}): Promise<KernelClient> {
  return KernelClient.start({ cwd: ROOT, ...options });
}

/** Runs a cell and waits until the kernel is idle again. */
export async function run(kernel: KernelClient, code: string, options: ExecuteOptions = {}): Promise<CellRun> {
  const { execution, messages } = send(kernel, code, options);
  const reply = await execution.done;
  return sort(reply, messages);
}

/** Sends a cell without waiting; `messages` grows as they come. */
export function send(
  kernel: KernelClient,
  code: string,
  options: ExecuteOptions = {},
): { execution: Execution; messages: Message[]; run: Promise<CellRun> } {
  const messages: Message[] = [];
  const execution = kernel.execute(code, {
    ...options,
    onOutput: (message) => {
      messages.push(message);
      options.onOutput?.(message);
    },
  });
  const run = execution.done.then((reply) => sort(reply, messages));
  run.catch(() => {}); // a test may end the kernel while the cell runs, and not care
  return { execution, messages, run };
}

/** The text of one stream in some messages. */
export function streamText(messages: readonly Message[], name: "stdout" | "stderr"): string {
  return contents(messages, "stream")
    .filter((content) => content.name === name)
    .map((content) => content.text)
    .join("");
}

/** Contents of the messages of one type. */
export function contents(messages: readonly Message[], type: string): Json[] {
  return messages.filter((message) => message.header.msg_type === type).map((message) => message.content);
}

/** Waits until the condition holds, and says what it was where it never does. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeout = 20_000,
): Promise<void> {
  const deadline = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeout / 1000} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A data folder of Jupyter that holds our kernelspec, for Jupyter's own programs to find. */
export function jupyterPath(folder: string): string {
  const dataDir = join(folder, "jupyter");
  installKernelspec({ dataDir });
  return dataDir;
}

function sort(reply: Message, messages: Message[]): CellRun {
  return {
    reply: reply.content,
    messages,
    stdout: streamText(messages, "stdout"),
    stderr: streamText(messages, "stderr"),
    result: contents(messages, "execute_result")[0],
    error: contents(messages, "error")[0],
    displays: contents(messages, "display_data"),
  };
}
