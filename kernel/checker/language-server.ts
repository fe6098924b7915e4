import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { OwnTime } from "../own-time.ts";

/** A JSON-RPC result or parameter: its shape depends on the method. */
// biome-ignore lint/suspicious/noExplicitAny: see the Language Server Protocol for each method's types
type Payload = any;

/** How the server ended while a request was open. */
export class LanguageServerStopped extends Error {
  override name = "LanguageServerStopped";
}

/**
 * A client of TypeScript's own language server, which is a native program (TypeScript 7): it checks a cell in a few
 * milliseconds and starts in 25, where the JavaScript compiler takes 400 to load alone. Only the standard protocol is
 * used, so another server could take its place.
 *
 * `vscode-jsonrpc` was not taken: it would replace the framing below, some forty lines, and not what the rest is about (a server
 * that hangs, is suspended or dies), and the kernel would load it at every start.
 *
 * @see https://microsoft.github.io/language-server-protocol/
 */
export class LanguageServer {
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, { resolve: (result: Payload) => void; reject: (error: Error) => void }>();
  readonly #capabilities: Promise<Payload>;
  #nextId = 0;
  #input: Buffer[] = [];
  #inputLength = 0;
  #stopped: Error | undefined;
  /** Looks from time to time whether the server is alive, while requests wait. */
  #watch: NodeJS.Timeout | undefined;
  /** Since something was heard of it. */
  readonly #silence: OwnTime;
  readonly #hangsAfter: number;
  #wasHeard = false;
  #wasAsked = false;

  /**
   * @param rootUri - folder that the server calls its workspace
   * @param options.hangsAfter - a server from which nothing is heard for so many milliseconds of its own time (see
   * `OwnTime`), though it has a request to answer, is ended; default 12,000
   */
  constructor(rootUri: string, { hangsAfter = 12_000 } = {}) {
    this.#hangsAfter = hangsAfter;
    this.#process = spawn(serverPath(), ["--lsp", "--stdio"], { stdio: ["pipe", "pipe", "ignore"] });
    this.#silence = new OwnTime(this.#process.pid);
    this.#process.stdout!.on("data", (chunk: Buffer) => this.#receive(chunk));
    this.#process.stdin!.on("error", () => {}); // a server that died is told by "exit"
    this.#process.once("error", (error) => this.#end(`could not be started: ${error.message}`));
    this.#process.once("exit", (code, signal) => this.#end(`ended (${signal ?? `code ${code}`})`));
    this.#capabilities = this.request("initialize", {
      processId: process.pid,
      rootUri,
      capabilities: CLIENT_CAPABILITIES,
    });
    this.#capabilities.catch(() => {});
    this.notify("initialized", {});
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get stopped(): boolean {
    return this.#stopped !== undefined;
  }

  /** @throws LanguageServerStopped if the server ends before it answers; Error if it answers with an error */
  request(method: string, params: Payload): Promise<Payload> {
    if (this.#stopped) return Promise.reject(this.#stopped);
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#send({ jsonrpc: "2.0", id, method, params });
      if (this.#watch) return;
      this.#wasHeard = true; // its silence begins now
      // What has arrived is read before it is looked at: this process too may have waited for a processor.
      this.#watch = setInterval(() => setImmediate(() => this.#look()), this.#hangsAfter / 12).unref();
    });
  }

  /** A server that works for long still refuses what it does not know; one that does not answer that either hangs. */
  #look(): void {
    if (this.#pending.size === 0) {
      clearInterval(this.#watch);
      this.#watch = undefined;
    } else if (this.#wasHeard) {
      this.#silence.restart();
      this.#wasHeard = this.#wasAsked = false;
    } else if (this.#silence.milliseconds > this.#hangsAfter) {
      this.stop();
    } else if (!this.#wasAsked && this.#silence.milliseconds > this.#hangsAfter / 2) {
      this.#wasAsked = true;
      this.request("difflab/ping", {}).catch(() => {});
    }
  }

  notify(method: string, params: Payload): void {
    if (!this.#stopped) this.#send({ jsonrpc: "2.0", method, params });
  }

  stop(): void {
    // SIGKILL: one that was suspended takes no other signal.
    this.#process.kill("SIGKILL");
  }

  #send(message: object): void {
    const body = Buffer.from(JSON.stringify(message));
    this.#process.stdin!.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]));
  }

  #receive(chunk: Buffer): void {
    this.#wasHeard = true;
    this.#input.push(chunk);
    this.#inputLength += chunk.length;
    for (;;) {
      const head = this.#input.length === 1 ? this.#input[0]! : Buffer.concat(this.#input, this.#inputLength);
      this.#input = [head];
      const split = head.indexOf("\r\n\r\n");
      if (split < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(head.toString("latin1", 0, split))?.[1]);
      const end = split + 4 + length;
      if (head.length < end) return;
      this.#input = [head.subarray(end)];
      this.#inputLength = head.length - end;
      this.#dispatch(JSON.parse(head.toString("utf8", split + 4, end)));
    }
  }

  #dispatch(message: Payload): void {
    if (message.method !== undefined) {
      // The server asks for settings and to watch files: defaults serve, and files are reported to it without being asked.
      if (message.id !== undefined) {
        const isSettings = message.method === "workspace/configuration";
        this.#send({
          jsonrpc: "2.0",
          id: message.id,
          result: isSettings ? message.params.items.map(() => SETTINGS) : null,
        });
      }
      return;
    }
    const request = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.error) request?.reject(new Error(`TypeScript's language server: ${message.error.message}`));
    else request?.resolve(message.result);
  }

  #end(how: string): void {
    this.#stopped ??= new LanguageServerStopped(`TypeScript's language server ${how}.`);
    for (const { reject } of this.#pending.values()) reject(this.#stopped);
    this.#pending.clear();
    clearInterval(this.#watch);
  }
}

/**
 * Auto-imports would fill a cell's completion with names that it cannot insert; and a server that checks a cell is not
 * to run `npm install` for declarations by itself.
 */
const SETTINGS = {
  suggest: { autoImports: false },
  preferences: { includeCompletionsForModuleExports: false },
  disableAutomaticTypeAcquisition: true,
};

const CLIENT_CAPABILITIES = {
  textDocument: {
    completion: {
      completionItem: { snippetSupport: false, resolveSupport: { properties: ["documentation", "detail"] } },
    },
    hover: { contentFormat: ["markdown"] },
    signatureHelp: { signatureInformation: { documentationFormat: ["markdown"] } },
    diagnostic: {},
  },
  workspace: { configuration: true },
};

/** TypeScript's own declarations of the language and of browsers stand beside its server. */
export function libraryPath(name: string): string {
  return join(dirname(serverPath()), name);
}

/** The native server comes in a package of its own for each platform, which npm picks as TypeScript is installed. */
function serverPath(): string {
  const typescript = createRequire(createRequire(import.meta.url).resolve("typescript/package.json"));
  const name = `@typescript/typescript-${process.platform}-${process.arch}`;
  try {
    return join(
      dirname(typescript.resolve(`${name}/package.json`)),
      "lib",
      process.platform === "win32" ? "tsc.exe" : "tsc",
    );
  } catch (cause) {
    throw new Error(
      `typescript: the package ${name} for this machine (${process.platform}, ${process.arch}) is not installed. Run npm ci again, without --omit=optional.`,
      { cause },
    );
  }
}
