import { fileURLToPath } from "node:url";
import { Checker } from "../checker/checker.ts";
import { GLOBAL_NAMES } from "../evaluator/child/globals.ts";
import { endMarked, MARK } from "../evaluator/host/processes.ts";
import type { CellFailure, CommKind, Report } from "../evaluator/protocol/messages.ts";
import {
  bindHeartbeat,
  bindPublisher,
  bindRouter,
  Codec,
  type ConnectionInfo,
  endpoint,
  type Json,
  type Message,
  MessageFactory,
  type WireSocket,
} from "../wire/index.ts";
import { CommTable } from "./comm-table.ts";
import { Execution } from "./execution.ts";
import { textOf } from "./fields.ts";
import { History } from "./history.ts";
import { kernelInfo } from "./info.ts";
import { Introspection } from "./introspection.ts";
import { Iopub } from "./iopub.ts";
import { Questions } from "./questions.ts";
import { type Origin, Runs, subshellOf } from "./runs.ts";
import { Session } from "./session.ts";
import { Subshells, unknownSubshell } from "./subshells.ts";

/** A request in the queue, with the socket that its answer goes to. */
interface Request {
  message: Message;
  socket: WireSocket;
}

/** The kernel's sockets. */
type Sockets = Record<"shell" | "control" | "stdin" | "iopub" | "hb", WireSocket>;

/** A channel's requests, by message type. */
type Handler = (request: Request) => Promise<Json> | Json;

/**
 * A Jupyter kernel: answers the protocol on five sockets, and never computes. Cells run in a process of their own, the
 * checker in another; so completion, interrupts and heartbeats answer whatever a cell does.
 *
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html
 */
export class Kernel {
  readonly #factory: MessageFactory;
  readonly #codec: Codec;
  readonly #checker: Checker;
  readonly #session: Session;
  readonly #introspection: Introspection;
  readonly #history = new History();
  readonly #iopub: Iopub;
  readonly #sockets: Sockets;
  /** Cells wait here for their turn; all other requests are answered at once. */
  readonly #shells: Subshells<Request>;
  readonly #runs = new Runs();
  readonly #comms = new CommTable();
  readonly #questions: Questions;
  readonly #execution: Execution;
  #stopping = false;
  readonly #onStop: () => void;

  /** Binds the sockets and starts what runs and checks cells. @throws Error if a port is taken */
  static async start(connection: ConnectionInfo, folder: string, onStop: () => void): Promise<Kernel> {
    // The processes start while the sockets bind.
    const module = fileURLToPath(new URL("../evaluator/child/globals.js", import.meta.url)).replaceAll("\\", "/");
    const globals = { module, names: GLOBAL_NAMES };
    const checker = new Checker(folder, globals);
    const factory = new MessageFactory();
    const codec = new Codec(connection);
    const greet = (topic: Buffer) =>
      codec.encode(factory.message("iopub_welcome", { subscription: topic.toString("utf8") }));
    const at = (channel: Parameters<typeof endpoint>[1]) => endpoint(connection, channel);
    try {
      const [iopub, stdin, control, shell, hb] = await Promise.all([
        bindPublisher(at("iopub"), greet),
        bindRouter(at("stdin"), "stdin"),
        bindRouter(at("control"), "control"),
        bindRouter(at("shell"), "shell"),
        bindHeartbeat(at("hb")),
      ]);
      return new Kernel(codec, factory, folder, checker, { iopub, stdin, control, shell, hb }, onStop);
    } catch (error) {
      checker.dispose();
      throw error;
    }
  }

  private constructor(
    codec: Codec,
    factory: MessageFactory,
    folder: string,
    checker: Checker,
    sockets: Sockets,
    onStop: () => void,
  ) {
    this.#onStop = onStop;
    this.#codec = codec;
    this.#factory = factory;
    this.#checker = checker;
    this.#introspection = new Introspection(checker);
    this.#sockets = sockets;
    this.#iopub = new Iopub(sockets.iopub, this.#codec, this.#factory);
    this.#session = new Session(folder, checker, {
      onReport: (report, buffers) => this.#onReport(report, buffers),
      onRawOutput: (name, text) => this.#iopub.stream(name, text, this.#runs.latestOrigin),
      onRestart: (failure, wasRunning) => this.#onRestart(failure, wasRunning),
      drained: () => this.#iopub.drained(),
    });
    this.#execution = new Execution({
      session: this.#session,
      runs: this.#runs,
      history: this.#history,
      introspection: this.#introspection,
      iopub: this.#iopub,
    });
    this.#questions = new Questions({
      send: (content, origin) => {
        const { identities } = origin;
        const request = this.#factory.message("input_request", content, { parent: origin, identities });
        sockets.stdin.send(this.#codec.encode(request));
        return request.header.msg_id;
      },
      answer: (id, value) => this.#session.send({ type: "input", id, value }),
    });
    this.#shells = new Subshells({
      execute: (request) => this.#run(request),
      abort: (request) => this.#abort(request),
    });
    this.#iopub.status("starting", undefined);
    void this.#listen(sockets.shell, this.#shellHandlers);
    void this.#listen(sockets.control, this.#controlHandlers);
    void this.#listenForInput(sockets.stdin);
    this.#session.warmUp().catch(() => {}); // the first cell tells
  }

  /** Stops the running cell, as an interrupt request does. */
  interrupt(): void {
    this.#questions.forgetAll(); // an answer would come for the next cell's
    this.#shells.interrupt();
    this.#session.interrupt();
  }

  /** Ends the cells' processes and closes the sockets, which still deliver what they hold. */
  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#session.stop();
    this.#checker.dispose();
    endMarked(process.env[MARK] ?? "");
    await Promise.all(Object.values(this.#sockets).map((socket) => socket.close()));
    this.#onStop();
  }

  readonly #shellHandlers: Record<string, Handler> = {
    kernel_info_request: () => kernelInfo(),
    complete_request: ({ message }) => this.#introspection.complete(message.content),
    inspect_request: ({ message }) => this.#introspection.inspect(message.content),
    is_complete_request: ({ message }) => this.#introspection.isComplete(message.content),
    history_request: ({ message }) => ({ status: "ok", history: this.#history.request(message.content) }),
    comm_info_request: ({ message }) => this.#comms.info(message.content),
    shutdown_request: (request) => this.#shutdown(request),
    interrupt_request: () => this.#interruptRequest(),
  };

  readonly #controlHandlers: Record<string, Handler> = {
    kernel_info_request: () => kernelInfo(),
    shutdown_request: (request) => this.#shutdown(request),
    interrupt_request: () => this.#interruptRequest(),
    create_subshell_request: () => this.#shells.create(),
    delete_subshell_request: ({ message }) => this.#shells.delete(message.content),
    list_subshell_request: () => this.#shells.list(),
  };

  async #listen(socket: WireSocket, handlers: Record<string, Handler>): Promise<void> {
    for await (const frames of socket) {
      const decoded = this.#codec.decode(frames);
      // Forged, repeated or malformed messages are dropped, as the protocol asks.
      if (!decoded.ok || this.#stopping) continue;
      const { message } = decoded;
      const type = message.header.msg_type;
      const isForNone = !this.#shells.queue(subshellOf(message.header));
      if (isForNone && type.endsWith("_request")) {
        const subshell = subshellOf(message.header);
        void this.#handle({ message, socket }, () => unknownSubshell(subshell));
      } else if (type === "execute_request") this.#enqueue({ message, socket });
      else if (/^comm_(open|msg|close)$/.test(type)) this.#comm(message);
      else if (Object.hasOwn(handlers, type)) void this.#handle({ message, socket }, handlers[type]!);
      // Unknown requests get no answer: they belong to a newer protocol, or to a debugger.
    }
  }

  /** Answers a request that needs no turn, between a busy and an idle status of its own. */
  async #handle(request: Request, handler: Handler): Promise<void> {
    const { message } = request;
    this.#iopub.status("busy", message);
    const content = await (async () => handler(request))().catch(errorReply);
    this.#reply(request, content);
    this.#idle(message);
    if (message.header.msg_type === "shutdown_request") await this.stop();
  }

  /** A request has been dealt with. Front ends show the kernel as the last status says: while a cell runs it is busy. */
  #idle(origin: Pick<Message, "header">): void {
    this.#iopub.status("idle", origin);
    const running = this.#shells.running;
    if (running && running.message.header.msg_id !== origin.header.msg_id) this.#iopub.status("busy", running.message);
  }

  #reply({ message, socket }: Request, content: Json): void {
    const type = message.header.msg_type.replace(/_request$/, "_reply");
    socket.send(this.#codec.encode(this.#factory.reply(message, type, content)));
  }

  #enqueue(request: Request): void {
    this.#shells.queue(subshellOf(request.message.header))?.push(request);
  }

  /** Runs a cell whose turn it is. */
  async #run(request: Request): Promise<"ok" | "failed"> {
    const { message } = request;
    this.#iopub.status("busy", message);
    const content = await this.#execution.run(message).catch(errorReply);
    this.#reply(request, content);
    this.#idle(message);
    return content.status === "error" && message.content.stop_on_error !== false ? "failed" : "ok";
  }

  /** A cell that is not run has no number. */
  #abort(request: Request): void {
    this.#iopub.status("busy", request.message);
    this.#reply(request, { status: "aborted" });
    this.#idle(request.message);
  }

  #onReport(report: Report, buffers: Uint8Array[]): void {
    const origin = "run" in report ? this.#runs.originOf(report.run) : undefined;
    switch (report.type) {
      case "stream":
        return this.#iopub.stream(report.name, Buffer.from(buffers[0] ?? []).toString("utf8"), origin);
      case "display":
        if (origin?.isSilent && report.kind !== "clear_output") return;
        return this.#iopub.publish(report.kind, report.content, origin, { buffers });
      case "result": {
        const count = origin?.count ?? this.#execution.count;
        this.#history.setOutput(count, String(report.bundle.data["text/plain"] ?? ""));
        return this.#iopub.publish("execute_result", { execution_count: count, ...report.bundle }, origin);
      }
      case "input":
        return this.#questions.ask(report, origin);
      case "comm":
        this.#comms.follow(report.kind, report.content as Json);
        return this.#iopub.publish(report.kind, report.content, origin, { metadata: report.metadata as Json, buffers });
      case "handled":
        return this.#commHandled(report.run, origin);
      case "done":
        return this.#questions.forget(report.run);
    }
  }

  /** The cells' process ended and another began. A cell that ran then has failed; otherwise it is told below the latest. */
  #onRestart(failure: CellFailure, wasRunning: boolean): void {
    this.#questions.forgetAll();
    for (const run of this.#comms.clear()) this.#commHandled(run, this.#runs.originOf(run));
    if (!wasRunning) {
      this.#iopub.stream("stderr", `${failure.traceback.join("\n")}\n`, this.#runs.latestOrigin);
    }
  }

  async #listenForInput(socket: WireSocket): Promise<void> {
    for await (const frames of socket) {
      const decoded = this.#codec.decode(frames);
      if (decoded.ok && decoded.message.header.msg_type === "input_reply") {
        const { content, parent_header: parent } = decoded.message;
        this.#questions.answer(textOf(content.value), parent.msg_id);
      }
    }
  }

  #comm(message: Message): void {
    const kind = message.header.msg_type as CommKind;
    if (typeof message.content.comm_id !== "string") return; // belongs to nothing
    this.#comms.follow(kind, message.content);
    this.#iopub.status("busy", message);
    const { content, metadata } = message;
    const run = this.#runs.begin("comm", message, this.#execution.count);
    this.#comms.begin(run);
    this.#session.send({ type: "comm", run, kind, content, metadata }, message.buffers);
  }

  #commHandled(run: number, origin: Origin | undefined): void {
    if (this.#comms.end(run) && origin) this.#idle(origin);
  }

  #interruptRequest(): Json {
    this.interrupt();
    return { status: "ok" };
  }

  #shutdown({ message }: Request): Json {
    const content = { status: "ok", restart: message.content.restart === true };
    this.#iopub.publish("shutdown_reply", content, message);
    return content;
  }
}

/** What a request is answered whose handler failed. */
function errorReply({ name, message }: Error): Json {
  return { status: "error", ename: name, evalue: message, traceback: [] };
}
