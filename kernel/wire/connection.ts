import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The five sockets of a kernel, as Jupyter names them. */
export const CHANNELS = ["shell", "iopub", "stdin", "control", "hb"] as const;
export type Channel = (typeof CHANNELS)[number];

export const TRANSPORTS = ["tcp", "ipc"] as const;
export type Transport = (typeof TRANSPORTS)[number];

/** Jupyter itself writes only the first; the others are what its `Session` would accept too. */
export const SIGNATURE_SCHEMES = ["hmac-sha256", "hmac-sha384", "hmac-sha512"] as const;
export type SignatureScheme = (typeof SIGNATURE_SCHEMES)[number];

/** What a Jupyter connection file says: where a kernel's sockets are, and how its messages are signed. */
export interface ConnectionInfo {
  transport: Transport;
  /** An address for tcp; for ipc the common beginning of the five socket paths. */
  ip: string;
  /** Port of each channel; with ipc the number that ends its path. */
  ports: Record<Channel, number>;
  /** Shared secret of the HMAC; empty means that messages are not signed. */
  key: string;
  signatureScheme: SignatureScheme;
  kernelName?: string;
}

/** A connection file that cannot be used: missing, not JSON, or with wrong fields. */
export class ConnectionFileError extends Error {
  override name = "ConnectionFileError";
}

/**
 * Reads and validates a connection file.
 *
 * @param path - file that Jupyter wrote, the `{connection_file}` of a kernelspec
 * @throws ConnectionFileError if the file is missing or unreadable, is not JSON, or has wrong fields
 * @see https://jupyter-client.readthedocs.io/en/stable/kernels.html#connection-files
 */
export function readConnectionFile(path: string): ConnectionInfo {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const why = code === "ENOENT" ? "no such file" : `cannot be read (${code ?? String(cause)})`;
    const next = "Jupyter writes this file and passes its path. To run a notebook yourself, use npm run lesson.";
    throw new ConnectionFileError(`connection file ${path}: ${why}. ${next}`, { cause });
  }
  return parseConnection(text, `connection file ${path}`);
}

/**
 * Validates the text of a connection file.
 *
 * @param text - JSON
 * @param where - how errors name the source of the text
 * @throws ConnectionFileError naming the field, what it is and what it should be
 */
export function parseConnection(text: string, where = "connection file"): ConnectionInfo {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new ConnectionFileError(`${where}: not JSON (${(cause as Error).message}).`, { cause });
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ConnectionFileError(`${where}: contains ${describe(json)}, expected an object.`);
  }
  const fields = json as Record<string, unknown>;

  const string = (name: string, fallback?: string): string => {
    const value = fields[name] ?? fallback;
    if (typeof value !== "string") {
      throw new ConnectionFileError(`${where}: ${name} is ${describe(fields[name])}, expected a string.`);
    }
    return value;
  };
  const oneOf = <T extends string>(name: string, known: readonly T[], fallback: T): T => {
    const value = string(name, fallback);
    if (!(known as readonly string[]).includes(value)) {
      throw new ConnectionFileError(`${where}: unknown ${name} ${describe(value)}; expected ${options(known)}.`);
    }
    return value as T;
  };
  const port = (channel: Channel): number => {
    const value = fields[`${channel}_port`];
    if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > 65535) {
      throw new ConnectionFileError(
        `${where}: ${channel}_port is ${describe(value)}, expected a port number from 1 to 65535.`,
      );
    }
    return value;
  };

  const transport = oneOf("transport", TRANSPORTS, "tcp");
  const ports = Object.fromEntries(CHANNELS.map((channel) => [channel, port(channel)])) as Record<Channel, number>;
  const seen = new Map<number, Channel>();
  for (const channel of CHANNELS) {
    const other = seen.get(ports[channel]);
    if (other) {
      throw new ConnectionFileError(
        `${where}: ${other}_port and ${channel}_port are both ${ports[channel]}; expected five different ports.`,
      );
    }
    seen.set(ports[channel], channel);
  }
  const ip = string("ip", transport === "tcp" ? "127.0.0.1" : undefined);
  if (ip === "") throw new ConnectionFileError(`${where}: ip is empty; expected an address such as "127.0.0.1".`);

  return {
    transport,
    ip,
    ports,
    key: string("key", ""),
    signatureScheme: oneOf("signature_scheme", SIGNATURE_SCHEMES, "hmac-sha256"),
    ...(typeof fields.kernel_name === "string" && { kernelName: fields.kernel_name }),
  };
}

/** The zeromq endpoint of a channel. */
export function endpoint(connection: ConnectionInfo, channel: Channel): string {
  const { transport, ip, ports } = connection;
  if (transport === "ipc") return `ipc://${ip}-${ports[channel]}`;
  const host = ip.includes(":") && !ip.startsWith("[") ? `[${ip}]` : ip; // an IPv6 address needs brackets before a port
  return `tcp://${host}:${ports[channel]}`;
}

/**
 * Makes the connection of a kernel that is about to be started: free ports, a fresh key.
 *
 * Ports are asked of the system and let go again, so another program could take one before the kernel binds it;
 * every Jupyter client lives with that, and the kernel's error says so.
 *
 * @param options.transport - default "tcp"; "ipc" puts the sockets into a new private folder
 * @param options.ip - address to bind for tcp; default 127.0.0.1
 */
export async function makeConnection(
  options: { transport?: Transport; ip?: string; kernelName?: string } = {},
): Promise<ConnectionInfo> {
  const transport = options.transport ?? "tcp";
  const ip =
    options.ip ?? (transport === "tcp" ? "127.0.0.1" : join(mkdtempSync(join(tmpdir(), "difflab-")), "kernel"));
  const numbers = transport === "tcp" ? await freePorts(ip, CHANNELS.length) : CHANNELS.map((_, i) => i + 1);
  return {
    transport,
    ip,
    ports: Object.fromEntries(CHANNELS.map((channel, i) => [channel, numbers[i]!])) as Record<Channel, number>,
    key: randomUUID(),
    signatureScheme: "hmac-sha256",
    ...(options.kernelName !== undefined && { kernelName: options.kernelName }),
  };
}

/** Writes a connection file as Jupyter does, readable by its owner only: the key in it lets run any code. */
export function writeConnectionFile(path: string, connection: ConnectionInfo): void {
  const { transport, ip, ports, key, signatureScheme, kernelName } = connection;
  const json = {
    ...Object.fromEntries(CHANNELS.map((channel) => [`${channel}_port`, ports[channel]])),
    ip,
    key,
    transport,
    signature_scheme: signatureScheme,
    kernel_name: kernelName ?? "",
  };
  writeFileSync(path, `${JSON.stringify(json, null, 2)}\n`, { mode: 0o600 });
}

async function freePorts(ip: string, count: number): Promise<number[]> {
  // All are held open until the last is known, or the system would give the same one twice.
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", (cause) =>
            reject(
              new Error(`no free port on ${ip}: ${cause.message}. Check that the address belongs to this machine.`),
            ),
          );
          server.listen(0, ip, () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function describe(value: unknown): string {
  if (value === undefined) return "missing";
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function options(known: readonly string[]): string {
  return known.map((name) => JSON.stringify(name)).join(" or ");
}
