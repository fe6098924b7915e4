import { Dealer, Request, Router, type Socket, Subscriber, XPublisher } from "zeromq";

/** What goes over a socket as one message. */
export type Frames = readonly (Uint8Array | string)[];

/** Milliseconds that a closing socket may still spend on handing messages to its peer. */
const LINGER = 1_000;

/**
 * Options of every socket: no high-water marks, because zeromq drops what exceeds one without a word.
 * What is not yet sent stays in memory, as it does in every other kernel.
 */
const UNBOUNDED = { sendHighWaterMark: 0, receiveHighWaterMark: 0, linger: LINGER } as const;

/** A client connects before its kernel listens: it tries again after 10 ms, not after zeromq's 100. */
const EAGER = { reconnectInterval: 10 } as const;

type AnySocket = Socket & {
  send?(frames: Frames): Promise<void>;
  receive?(): Promise<Buffer[]>;
};

/**
 * A zeromq socket with an outgoing queue.
 *
 * zeromq.js allows one `send` at a time and refuses the others, so a kernel that does not wait loses all but the first
 * 512 messages of one turn. Here `send` only queues; one loop hands the messages over, in order.
 */
export class WireSocket implements AsyncDisposable {
  readonly endpoint: string;
  /** Called where zeromq refuses a message (not its shape: a system error). The messages after it are still sent. */
  onSendError: (error: Error) => void = (error) => process.emitWarning(`${this.endpoint}: ${error.message}`);
  readonly #socket: AnySocket;
  readonly #queue: Frames[] = [];
  #next = 0;
  #draining: Promise<void> | undefined;
  #closed = false;

  constructor(socket: Socket, endpoint: string) {
    this.#socket = socket as AnySocket;
    this.endpoint = endpoint;
  }

  /** Messages that still wait for zeromq to take them. */
  get pending(): number {
    return this.#queue.length - this.#next;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Queues a message. Never fails and never waits; after `close` it does nothing. */
  send(frames: Frames): void {
    if (this.#closed) return;
    this.#queue.push(frames);
    this.#draining ??= this.#drain();
  }

  /** Queues a message before all that wait. */
  sendFirst(frames: Frames): void {
    if (this.#closed) return;
    this.#queue.splice(this.#next, 0, frames);
    this.#draining ??= this.#drain();
  }

  /** Resolves when zeromq has taken everything that was queued so far; await it to hold back a fast producer. */
  async flush(): Promise<void> {
    while (this.#draining) await this.#draining;
  }

  /** Messages as they come, until the socket is closed. One reader only. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer[], void, undefined> {
    while (!this.#closed) {
      let frames: Buffer[];
      try {
        frames = await this.#socket.receive!();
      } catch (error) {
        if (this.#closed || this.#socket.closed) return;
        throw error;
      }
      yield frames;
    }
  }

  /**
   * Sends what is queued, then closes; zeromq goes on handing messages over in the background for the linger time.
   *
   * @param options.discard - drop what has not been sent
   */
  async close(options: { discard?: boolean } = {}): Promise<void> {
    if (this.#closed) return;
    if (options.discard) {
      this.#queue.length = this.#next = 0;
      this.#socket.linger = 0;
    } else {
      await this.flush();
    }
    this.#closed = true;
    if (!this.#socket.closed) this.#socket.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #drain(): Promise<void> {
    while (this.#next < this.#queue.length) {
      const frames = this.#queue[this.#next]!;
      this.#queue[this.#next++] = []; // let the sent message go
      if (this.#next === this.#queue.length || this.#next === 4096) {
        this.#queue.splice(0, this.#next);
        this.#next = 0;
      }
      try {
        await this.#socket.send!(frames);
      } catch (error) {
        if (this.#closed || this.#socket.closed) break;
        // A peer that has gone (EHOSTUNREACH) takes only its own message along.
        if ((error as NodeJS.ErrnoException).code !== "EHOSTUNREACH") this.onSendError(error as Error);
      }
    }
    this.#draining = undefined;
  }
}

/** A kernel's shell, control or stdin socket: answers each client by its identity. */
export async function bindRouter(endpoint: string, channel = "router"): Promise<WireSocket> {
  // handover: a client that reconnects under its old identity gets the replies, not its dead connection.
  return bind(new Router({ ...UNBOUNDED, handover: true }), endpoint, channel);
}

/** Options of zeromq's own that its TypeScript names only for subscribers. */
const SUBSCRIBE = 6;
const UNSUBSCRIBE = 7;

/**
 * A kernel's iopub socket.
 *
 * @param greet - called with the topic each time that a client subscribes; the message that it returns is the first
 *   that the client gets (`iopub_welcome`)
 */
export async function bindPublisher(
  endpoint: string,
  greet: (topic: Buffer) => Frames | undefined = () => undefined,
  channel = "iopub",
): Promise<WireSocket> {
  // Manual: a subscription counts from when it is confirmed here. Otherwise zeromq would confirm it by itself, and what
  // is sent just then would arrive before the greeting.
  const socket = new XPublisher({ ...UNBOUNDED, manual: true });
  const confirm = socket as unknown as { setStringOption(option: number, value: Buffer): void };
  const publisher = await bind(socket, endpoint, channel);
  void (async () => {
    // The first byte is 1 to subscribe and 0 to leave, the rest is the topic.
    for await (const [frame] of publisher) {
      // A message may have been read just before the socket was closed: there is nothing left to confirm.
      if (socket.closed) return;
      if (!frame || frame.length === 0) continue;
      const topic = frame.subarray(1);
      confirm.setStringOption(frame[0] === 1 ? SUBSCRIBE : UNSUBSCRIBE, topic);
      const greeting = frame[0] === 1 ? greet(topic) : undefined;
      if (greeting) publisher.sendFirst(greeting);
    }
  })();
  return publisher;
}

/** A kernel's heartbeat: sends back whatever comes. */
export async function bindHeartbeat(endpoint: string): Promise<WireSocket> {
  // A router rather than a reply socket: a client that dies in the middle of its beat cannot block the others.
  const socket = await bindRouter(endpoint, "hb");
  void (async () => {
    for await (const frames of socket) socket.send(frames);
  })();
  return socket;
}

/** A client's shell, control or stdin socket. With one identity for all three, the kernel can ask for input. */
export function connectDealer(endpoint: string, identity: string): WireSocket {
  return connect(new Dealer({ ...UNBOUNDED, ...EAGER, routingId: identity }), endpoint);
}

/** A client's iopub socket, subscribed to everything. */
export function connectSubscriber(endpoint: string): WireSocket {
  const socket = new Subscriber({ ...EAGER, receiveHighWaterMark: 0, linger: 0 });
  socket.subscribe();
  return connect(socket, endpoint);
}

/** A client's heartbeat socket. */
export function connectHeartbeat(endpoint: string): WireSocket {
  return connect(new Request({ ...UNBOUNDED, ...EAGER, linger: 0, correlate: true, relaxed: true }), endpoint);
}

function connect(socket: Socket, endpoint: string): WireSocket {
  socket.connect(endpoint);
  return new WireSocket(socket, endpoint);
}

async function bind(socket: Socket, endpoint: string, channel: string): Promise<WireSocket> {
  try {
    await socket.bind(endpoint);
  } catch (cause) {
    socket.close();
    throw new Error(`${channel}: cannot bind ${endpoint}: ${bindProblem(cause as NodeJS.ErrnoException)}`, { cause });
  }
  return new WireSocket(socket, endpoint);
}

function bindProblem(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case "EADDRINUSE":
      return "another program is using it. Stop that program, or start the kernel again: Jupyter then picks other ports.";
    case "EADDRNOTAVAIL":
    case "ENODEV":
      return "this machine has no such address. Check ip in the connection file.";
    case "EACCES":
      return "permission denied. Use a port above 1023, or a folder that you can write to.";
    default:
      return error.message;
  }
}
