import { isReference } from "./reference.ts";

/** A state as it goes over the wire: JSON, with the bytes beside it. */
export interface EncodedState {
  readonly state: Record<string, unknown>;
  /** Where in the state each buffer belongs. */
  readonly buffer_paths: (string | number)[][];
  readonly buffers: Uint8Array[];
}

/**
 * Takes a state apart: bytes go into buffers, and other models are named by their id.
 *
 * @see https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md
 */
export function encodeState(state: object): EncodedState {
  const buffer_paths: (string | number)[][] = [];
  const buffers: Uint8Array[] = [];
  const encode = (value: unknown, path: (string | number)[]): unknown => {
    if (value instanceof Uint8Array) {
      buffer_paths.push(path);
      buffers.push(value);
      return null;
    }
    if (ArrayBuffer.isView(value)) {
      return encode(new Uint8Array(value.buffer, value.byteOffset, value.byteLength), path);
    }
    if (isReference(value)) return `IPY_MODEL_${value.modelId}`;
    if (Array.isArray(value)) return value.map((each, index) => encode(each, [...path, index]));
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, encode(each, [...path, key])]));
    }
    // JSON has no such numbers, and a slider that is given null draws nothing.
    if (typeof value === "number" && !Number.isFinite(value)) return String(value);
    return value;
  };
  const encoded = encode(state, []) as Record<string, unknown>;
  // Bytes are left out of the state, as ipywidgets does; inside a list they leave a null behind.
  for (const [key] of buffer_paths.filter((path) => path.length === 1)) delete encoded[key as string];
  return { state: encoded, buffer_paths, buffers };
}

/** Puts the bytes that came beside a state back in their places. Nonsense is passed over: the state is a front end's. */
export function decodeState(message: unknown, buffers: readonly Uint8Array[]): Record<string, unknown> {
  const { state, buffer_paths: paths } = (message ?? {}) as { state?: unknown; buffer_paths?: unknown };
  if (typeof state !== "object" || state === null || Array.isArray(state)) return {};
  const decoded = structuredClone(state) as Record<string, unknown>;
  if (!Array.isArray(paths)) return decoded;
  paths.forEach((path, index) => {
    if (!Array.isArray(path) || path.length === 0 || !buffers[index]) return;
    let place: unknown = decoded;
    for (const key of path.slice(0, -1)) place = own(place, key);
    const last = path.at(-1);
    if (typeof place === "object" && place !== null && last !== "__proto__") {
      (place as Record<string, unknown>)[last as string] = buffers[index];
    }
  });
  return decoded;
}

function own(place: unknown, key: unknown): unknown {
  return typeof place === "object" && place !== null && Object.hasOwn(place, key as string)
    ? (place as Record<string, unknown>)[key as string]
    : undefined;
}
