import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import type { ConnectionInfo } from "./connection.ts";
import type { Header, Json, Message } from "./message.ts";

/** Separates the routing frames from the message. */
export const DELIMITER = Buffer.from("<IDS|MSG>");

/** Signatures kept to recognise a repeated message; as many as Jupyter's own session keeps. */
const REMEMBERED_SIGNATURES = 65_536;

/** Why frames are not a message. */
export type DecodeProblem =
  | "no-delimiter"
  | "too-few-frames"
  | "bad-signature"
  | "duplicate-signature"
  | "bad-json"
  | "bad-shape";

/** A message, or the reason why there is none; never an exception, whatever arrives. */
export type Decoded = { ok: true; message: Message } | { ok: false; problem: DecodeProblem; detail: string };

/**
 * Turns messages into signed multipart frames and back.
 *
 * Frames: routing identities, `<IDS|MSG>`, the signature in hex, header, parent header, metadata and content as JSON,
 * then binary buffers. The HMAC covers the four JSON frames.
 *
 * @see https://jupyter-client.readthedocs.io/en/stable/messaging.html#the-wire-protocol
 */
export class Codec {
  readonly #key: KeyObject | undefined;
  readonly #hash: string;
  readonly #seen = new Set<string>();

  /** @param connection - its key (empty: nothing is signed or checked) and signature scheme are used */
  constructor(connection: Pick<ConnectionInfo, "key" | "signatureScheme">) {
    this.#key = connection.key === "" ? undefined : createSecretKey(connection.key, "utf8");
    this.#hash = connection.signatureScheme.slice("hmac-".length);
  }

  /**
   * Frames of a message, signed.
   *
   * Strings with half of a surrogate pair, which no UTF-8 can hold, arrive with U+FFFD in its place: left in,
   * they would make Jupyter's server drop the connection.
   *
   * @throws TypeError if the content is not JSON (circular, a BigInt); RangeError if it is too large for a string
   */
  encode(message: Message): Uint8Array[] {
    const parts = [
      toJsonFrame(message.header),
      toJsonFrame(message.parent_header),
      toJsonFrame(message.metadata),
      toJsonFrame(message.content),
    ];
    return [...message.identities, DELIMITER, Buffer.from(this.#sign(parts)), ...parts, ...message.buffers];
  }

  /** The message in these frames, or why they hold none. Buffers are not copied. */
  decode(frames: readonly Buffer[]): Decoded {
    const at = frames.findIndex((frame) => frame.length === DELIMITER.length && DELIMITER.equals(frame));
    if (at < 0) return problem("no-delimiter", `${frames.length} frames, none of them ${DELIMITER}`);
    const [signature, ...parts] = frames.slice(at + 1, at + 6);
    if (signature === undefined || parts.length < 4) {
      return problem("too-few-frames", `${frames.length - at - 1} frames after the delimiter, expected at least 5`);
    }

    if (this.#key) {
      const expected = Buffer.from(this.#sign(parts));
      if (signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
        return problem("bad-signature", "the signature does not match the message and the key");
      }
      const text = signature.toString("latin1");
      if (this.#seen.has(text))
        return problem("duplicate-signature", "a message with this signature was received before");
      this.#remember(text);
    }

    const json: Json[] = [];
    for (const [i, name] of ["header", "parent_header", "metadata", "content"].entries()) {
      let value: unknown;
      try {
        value = JSON.parse(parts[i]!.toString("utf8"));
      } catch (cause) {
        return problem("bad-json", `${name}: ${(cause as Error).message}`);
      }
      if (!isObject(value)) return problem("bad-shape", `${name} is not an object`);
      json.push(value);
    }
    const [header, parent, metadata, content] = json as [Json, Json, Json, Json];
    for (const name of ["msg_id", "msg_type"] as const) {
      if (typeof header[name] !== "string") return problem("bad-shape", `header.${name} is not a string`);
    }
    return {
      ok: true,
      message: {
        identities: frames.slice(0, at),
        header: header as Header,
        parent_header: parent as Header,
        metadata,
        content,
        buffers: frames.slice(at + 6),
      },
    };
  }

  #sign(parts: readonly Uint8Array[]): string {
    if (!this.#key) return "";
    const hmac = createHmac(this.#hash, this.#key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  #remember(signature: string): void {
    this.#seen.add(signature);
    // A set keeps the order in which its members came: the first is the oldest.
    if (this.#seen.size > REMEMBERED_SIGNATURES) this.#seen.delete(this.#seen.values().next().value!);
  }
}

/**
 * JSON text in which every string is well-formed UTF-16.
 *
 * `JSON.stringify` writes a lone surrogate, and nothing else, as the escape `\ud8xx` to `\udfxx`; the pattern takes
 * every escape as a whole, so that a backslash of the text (`\\`) before "ud800" is not mistaken for one.
 */
export function toWellFormedJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  if (!text.includes("\\ud")) return text;
  return text.replace(/\\(?:ud[89a-f][0-9a-f]{2}|.)/g, (sequence) => (sequence.length > 2 ? "\ufffd" : sequence));
}

function toJsonFrame(value: object): Buffer {
  return Buffer.from(toWellFormedJson(value), "utf8");
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function problem(kind: DecodeProblem, detail: string): Decoded {
  return { ok: false, problem: kind, detail };
}
