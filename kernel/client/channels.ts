import { randomUUID } from "node:crypto";
import { Codec } from "../wire/codec.ts";
import { type ConnectionInfo, endpoint } from "../wire/connection.ts";
import type { Message } from "../wire/message.ts";
import { connectDealer, connectHeartbeat, connectSubscriber, type WireSocket } from "../wire/sockets.ts";

/** What a front end is sent. */
export interface ChannelEvents {
  /** A reply, on the shell or the control channel. */
  onReply(message: Message): void;
  /** A question of the running cell, on the stdin channel. */
  onQuestion(message: Message): void;
  /** A broadcast, on the iopub channel. */
  onBroadcast(message: Message): void;
}

/** A front end's five sockets: messages are signed and encoded as they leave, checked and decoded as they come. */
export class Channels {
  readonly #codec: Codec;
  readonly #shell: WireSocket;
  readonly #control: WireSocket;
  readonly #stdin: WireSocket;
  readonly #iopub: WireSocket;
  readonly #heartbeat: WireSocket;
  #beat: (() => void) | undefined;

  constructor(connection: ConnectionInfo, events: ChannelEvents) {
    this.#codec = new Codec(connection);
    const identity = `client-${randomUUID()}`;
    this.#shell = connectDealer(endpoint(connection, "shell"), identity);
    this.#control = connectDealer(endpoint(connection, "control"), identity);
    this.#stdin = connectDealer(endpoint(connection, "stdin"), identity);
    this.#iopub = connectSubscriber(endpoint(connection, "iopub"));
    this.#heartbeat = connectHeartbeat(endpoint(connection, "hb"));
    void this.#read(this.#shell, events.onReply);
    void this.#read(this.#control, events.onReply);
    void this.#read(this.#stdin, events.onQuestion);
    void this.#read(this.#iopub, events.onBroadcast);
    void this.#listenToHeart();
  }

  send(channel: "shell" | "control" | "stdin", message: Message): void {
    const socket = { shell: this.#shell, control: this.#control, stdin: this.#stdin }[channel];
    socket.send(this.#codec.encode(message));
  }

  /** Whether the heartbeat comes back within `timeout` milliseconds. */
  ping(timeout: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeout);
      this.#beat = () => {
        clearTimeout(timer);
        resolve(true);
      };
      this.#heartbeat.send(["ping"]);
    });
  }

  async close(): Promise<void> {
    const sockets = [this.#shell, this.#control, this.#stdin, this.#iopub, this.#heartbeat];
    await Promise.all(sockets.map((socket) => socket.close({ discard: true })));
  }

  async #read(socket: WireSocket, handle: (message: Message) => void): Promise<void> {
    for await (const frames of socket) {
      const decoded = this.#codec.decode(frames);
      if (decoded.ok) handle(decoded.message);
      else process.emitWarning(`kernel sent an invalid message (${decoded.problem}): ${decoded.detail}`);
    }
  }

  async #listenToHeart(): Promise<void> {
    for await (const _ of this.#heartbeat) this.#beat?.();
  }
}
