import { setTimeout as sleep } from "node:timers/promises";
import type { ConnectionInfo } from "../wire/connection.ts";
import { type Json, type Message, MessageFactory } from "../wire/message.ts";
import { Channels } from "./channels.ts";
import { describeExit, KernelDiedError, KernelProcess, type LaunchOptions } from "./launch.ts";

/** A question that the running cell asks. */
export interface InputRequest {
  prompt: string;
  password: boolean;
}

/** Options of {@link KernelClient.execute}; the defaults are those of a notebook. */
export interface ExecuteOptions {
  silent?: boolean;
  storeHistory?: boolean;
  stopOnError?: boolean;
  userExpressions?: Record<string, string>;
  metadata?: Json;
  /** Called with every iopub message of this cell, in order, including those that arrive after it has ended. */
  onOutput?: (message: Message) => void;
  /** Answers the cell's questions; without it, a cell that asks gets an error. */
  onInput?: (request: InputRequest) => string | Promise<string>;
}

/** A cell that has been sent to the kernel. */
export interface Execution {
  /** Id of the request, which its messages name as their parent. */
  id: string;
  /** The kernel's `execute_reply`, as soon as it comes. */
  reply: Promise<Message>;
  /**
   * The same reply, once the kernel has also said on iopub that it is idle again: all outputs of the cell have arrived.
   * Rejects if `onOutput` or `onInput` throws, or the kernel dies.
   */
  done: Promise<Message>;
}

type ReplyChannel = "shell" | "control";

interface Pending {
  resolve(reply: Message): void;
  reject(error: Error): void;
}

/**
 * A client of one kernel: sends requests, and passes on replies and outputs.
 *
 * @example
 * const kernel = await KernelClient.start();
 * await kernel.execute("console.log(1 + 1)", { onOutput: (m) => console.log(m.content) }).done;
 * await kernel.shutdown();
 */
export class KernelClient implements AsyncDisposable {
  readonly connection: ConnectionInfo;
  /** The kernel's process, if this client started it. */
  readonly process: KernelProcess | undefined;
  readonly factory = new MessageFactory({ username: "difflab" });
  readonly #channels: Channels;
  readonly #replies = new Map<string, Pending>();
  readonly #idle = new Map<string, Pending>();
  readonly #outputs = new Map<string, (message: Message) => void>();
  readonly #input = new Map<string, NonNullable<ExecuteOptions["onInput"]>>();
  readonly #listeners = new Set<(message: Message) => void>();
  #restarting = false;

  private constructor(connection: ConnectionInfo, kernel?: KernelProcess) {
    this.connection = connection;
    this.process = kernel;
    this.#channels = new Channels(connection, {
      onReply: (message) => this.#replied(message),
      onQuestion: (message) => void this.#asked(message),
      onBroadcast: (message) => this.#published(message),
    });
    if (kernel) this.#watch(kernel);
  }

  /**
   * Starts a kernel and waits for it to answer on all channels.
   *
   * @param options.timeout - milliseconds to wait for the first answer; default 60,000
   * @param options.wait - false: return at once; requests then wait for the kernel, but its first broadcasts may be missed
   * @throws KernelDiedError if it exits or does not answer, with the end of its output
   */
  static async start(options: LaunchOptions & { timeout?: number; wait?: boolean } = {}): Promise<KernelClient> {
    const kernel = await KernelProcess.start(options);
    const client = new KernelClient(kernel.connection, kernel);
    if (options.wait === false) return client;
    try {
      await client.ready(options.timeout);
    } catch (error) {
      await client.kill();
      throw error;
    }
    return client;
  }

  /** Connects to a kernel that was started by someone else. */
  static async connect(connection: ConnectionInfo, options: { timeout?: number } = {}): Promise<KernelClient> {
    const client = new KernelClient(connection);
    try {
      await client.ready(options.timeout);
    } catch (error) {
      await client.close();
      throw error;
    }
    return client;
  }

  /** Waits until the kernel answers on shell and its broadcasts arrive on iopub. */
  async ready(timeout = 60_000): Promise<Message> {
    let heard = false;
    const forget = this.onMessage(() => {
      heard = true;
    });
    const deadline = Date.now() + timeout;
    try {
      // A broadcast sent before the subscription has arrived is lost, so ask again until one is heard.
      for (let wait = 10; ; wait = Math.min(wait * 2, 200)) {
        const request = this.request("kernel_info_request", {});
        request.catch(() => {});
        const info = await within(request, Math.max(1, deadline - Date.now()));
        if (info === undefined) {
          const said = this.process?.exit ? describeExit(this.process.exit) : "no answer to kernel_info_request";
          throw new KernelDiedError(`kernel: not ready after ${timeout / 1000} s: ${said}.`);
        }
        for (let waited = 0; !heard && waited < wait; waited += 5) await sleep(5);
        if (heard) return info;
      }
    } finally {
      forget();
    }
  }

  /** Listens to every iopub message, including those of other clients' cells. @returns a function that stops listening */
  onMessage(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs a cell. You may send several without waiting; the kernel runs them in turn. */
  execute(code: string, options: ExecuteOptions = {}): Execution {
    const request = this.factory.message(
      "execute_request",
      {
        code,
        silent: options.silent ?? false,
        store_history: options.storeHistory ?? !options.silent,
        user_expressions: options.userExpressions ?? {},
        allow_stdin: options.onInput !== undefined,
        stop_on_error: options.stopOnError ?? true,
      },
      { metadata: options.metadata },
    );
    const id = request.header.msg_id;
    if (options.onOutput) this.#outputs.set(id, options.onOutput);
    if (options.onInput) this.#input.set(id, options.onInput);
    const idle = this.#promise(this.#idle, id);
    const reply = this.#send("shell", request);
    const done = Promise.all([reply, idle]).then(([message]) => {
      this.#input.delete(id);
      return message;
    });
    // Who waits for one of them only must not be told of the other's failure as unhandled.
    for (const promise of [reply, idle, done]) promise.catch(() => {});
    return { id, reply, done };
  }

  /** Sends a request and waits for its reply. @throws KernelDiedError if the kernel ends first */
  request(type: string, content: Json, channel: ReplyChannel = "shell"): Promise<Message> {
    return this.#send(channel, this.factory.message(type, content));
  }

  complete(code: string, cursor = code.length): Promise<Message> {
    return this.request("complete_request", { code, cursor_pos: cursor });
  }

  inspect(code: string, cursor = code.length, detail: 0 | 1 = 0): Promise<Message> {
    return this.request("inspect_request", { code, cursor_pos: cursor, detail_level: detail });
  }

  isComplete(code: string): Promise<Message> {
    return this.request("is_complete_request", { code });
  }

  /** @param query - `hist_access_type` ("tail", "range", "search") and its fields; default the last ten cells */
  history(query: Json = {}): Promise<Message> {
    return this.request("history_request", { hist_access_type: "tail", n: 10, output: false, raw: true, ...query });
  }

  kernelInfo(): Promise<Message> {
    return this.request("kernel_info_request", {});
  }

  commInfo(target?: string): Promise<Message> {
    return this.request("comm_info_request", target === undefined ? {} : { target_name: target });
  }

  /** Sends a comm message; answers come on iopub, see {@link onMessage}. @returns the message that was sent */
  comm(type: "comm_open" | "comm_msg" | "comm_close", content: Json, buffers?: Uint8Array[]): Message {
    const message = this.factory.message(type, content, { buffers });
    this.#channels.send("shell", message);
    return message;
  }

  /** Interrupts the running cell, in the way that the kernelspec asks for. */
  async interrupt(): Promise<void> {
    if (this.process && this.process.spec.interrupt_mode !== "message") this.process.interrupt();
    else await this.request("interrupt_request", {}, "control");
  }

  /** Whether the heartbeat comes back within `timeout` milliseconds. */
  isAlive(timeout = 1_000): Promise<boolean> {
    return this.#channels.ping(timeout);
  }

  /** Stops the kernel and starts it again on the same sockets; the cells' state is lost. */
  async restart(options: { grace?: number; timeout?: number } = {}): Promise<void> {
    const kernel = this.process;
    if (!kernel) throw new Error("kernel: cannot restart; only the client that started a kernel can restart it.");
    this.#restarting = true;
    try {
      await this.#stop(true, options.grace ?? 5_000);
      this.#fail(new KernelDiedError("kernel: restarted while a request was pending."));
      kernel.launch();
      this.#watch(kernel);
    } finally {
      this.#restarting = false;
    }
    await this.ready(options.timeout);
  }

  /**
   * Asks the kernel to shut down, waits for it, and closes the sockets.
   *
   * @param options.grace - milliseconds to wait before it is killed; default 5,000
   * @returns whether it shut down by itself
   */
  async shutdown(options: { grace?: number } = {}): Promise<boolean> {
    const willing = await this.#stop(false, options.grace ?? 5_000);
    await this.close();
    return willing;
  }

  /** Kills the kernel at once, without asking. */
  async kill(): Promise<void> {
    this.process?.kill();
    await this.process?.exited;
    await this.close();
  }

  /** Closes the sockets; a kernel that this client did not start keeps running. */
  async close(): Promise<void> {
    this.#fail(new KernelDiedError("kernel: the client was closed while a request was pending."));
    await this.#channels.close();
    this.process?.cleanUp();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process && !this.process.exit) await this.shutdown();
    else await this.close();
  }

  async #stop(restart: boolean, grace: number): Promise<boolean> {
    const reply = this.request("shutdown_request", { restart }, "control");
    reply.catch(() => {});
    if (!this.process) return (await within(reply, grace)) !== undefined;
    if (await within(this.process.exited, grace)) return true;
    this.process.kill();
    await this.process.exited;
    return false;
  }

  #watch(kernel: KernelProcess): void {
    void kernel.exited.then((exit) => {
      if (!this.#restarting)
        this.#fail(new KernelDiedError(`kernel: ended while a request was pending: ${describeExit(exit)}`));
    });
  }

  #send(channel: ReplyChannel, request: Message): Promise<Message> {
    const exit = this.process?.exit;
    if (exit) return Promise.reject(new KernelDiedError(`kernel: has ended: ${describeExit(exit)}`));
    const reply = this.#promise(this.#replies, request.header.msg_id);
    this.#channels.send(channel, request);
    return reply;
  }

  #promise(waiting: Map<string, Pending>, id: string): Promise<Message> {
    return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
  }

  #replied(message: Message): void {
    const id = message.parent_header.msg_id;
    if (id === undefined) return;
    this.#replies.get(id)?.resolve(message);
    this.#replies.delete(id);
  }

  #published(message: Message): void {
    for (const listener of this.#listeners) listener(message);
    const id = message.parent_header.msg_id;
    if (id === undefined) return;
    try {
      this.#outputs.get(id)?.(message);
    } catch (error) {
      this.#idle.get(id)?.reject(error as Error);
    }
    if (message.header.msg_type === "status" && message.content.execution_state === "idle") {
      this.#idle.get(id)?.resolve(message);
      this.#idle.delete(id);
    }
  }

  async #asked(message: Message): Promise<void> {
    const id = message.parent_header.msg_id ?? "";
    const answer = this.#input.get(id);
    if (message.header.msg_type !== "input_request" || !answer) return;
    let value: string;
    try {
      value = await answer({ prompt: message.content.prompt ?? "", password: message.content.password === true });
    } catch (error) {
      this.#idle.get(id)?.reject(error as Error);
      return;
    }
    this.#channels.send("stdin", this.factory.message("input_reply", { value, status: "ok" }, { parent: message }));
  }

  #fail(error: Error): void {
    for (const waiting of [this.#replies, this.#idle]) {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    }
  }
}

/** The promise's value, or undefined if it takes longer than `ms`. */
export async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
