import { randomBytes } from "node:crypto";
import { existsSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, parse, relative, resolve } from "node:path";
import { ownMark } from "../files/leftovers.ts";
import type { MappedFile } from "../files/mapped.ts";
import { byteWidth, type TypedArray } from "../graph/dtype.ts";
import { EightBitWeights, sourceWidth } from "../lower/eight-bit/weights.ts";
import { COARSENESS, type Target } from "../lower/emitter.ts";
import { isMostlyFrozen, readsBackwards } from "../lower/frozen.ts";
import { lower } from "../lower/lower.ts";
import type { Structure } from "../lower/structure.ts";
import { notice } from "../page/notice.ts";
import { aside, engine } from "./engine.ts";
import type { EightBitFile, Feed, Fetch, SessionOptions } from "./protocol.ts";
import { settings } from "./settings.ts";
import { type DeviceBuffer, FileArray, HostArray, upload } from "./storage.ts";

let count = 0;

/** What a session is opened with. */
interface Written {
  readonly model: Uint8Array;
  /** A file of weights in 8 bits to write for it. */
  readonly weights?: EightBitFile;
  /** Numbers of the inputs of layers that are rounded to 8 bits. */
  readonly rounded?: readonly number[];
}

// Above it, rounding loses too much: most numbers of a layer's input become 0, or scores of attention are too far off.
const coarsest = 1;

/** Writes a graph as a model, with these inputs of layers in float32 that would otherwise be rounded to 8 bits. */
type Write = (graph: Structure, exact: ReadonlySet<number>) => Written;

/** A compiled graph in the engine's thread. */
export class Session {
  readonly #write: Write;
  readonly #options: SessionOptions;
  readonly #files: readonly MappedFile[];
  readonly #engine: typeof engine;
  readonly #generation: number;
  /** Inputs of layers that would be rounded to 8 bits, but hold numbers too far apart for it. */
  readonly #exact = new Set<number>();
  #rounded: readonly number[] = [];
  /** The graph, as long as it may have to be written anew: what is kept holds tensors, too. */
  #graph: Structure | null = null;
  #id = -1;
  #ready: Promise<unknown> = Promise.resolve();
  #closed = false;
  #failed = false;

  /** @param files - whose contents it maps */
  constructor(graph: Structure, write: Write, options: SessionOptions, files: readonly MappedFile[]) {
    this.#write = write;
    this.#options = options;
    this.#files = files;
    this.#engine = options.aside ? aside : engine;
    this.#generation = this.#engine.generation;
    this.#open(graph);
  }

  #open(graph: Structure): void {
    const { model, weights, rounded = [] } = this.#write(graph, this.#exact);
    this.#id = count++;
    this.#rounded = rounded;
    this.#graph = rounded.length > 0 ? graph : null;
    const request = {
      type: "open",
      session: this.#id,
      model,
      options: this.#options,
      ...(weights && { weights }),
    } as const;
    this.#ready = this.#engine.request(request, [owned(model)]);
    // Reported by the run that follows; here only kept from ending the process.
    this.#ready.catch(() => {
      this.#failed = true;
    });
  }

  /** Settled when it is open, or cannot be opened. */
  get ready(): Promise<unknown> {
    return this.#ready;
  }

  /** Whether it can run: it is open, in the thread that is at work. */
  get usable(): boolean {
    return !this.#closed && !this.#failed && this.#generation === this.#engine.generation;
  }

  /** Takes an equal graph instead of its own, whose nodes have lost their inputs once they are computed. */
  follow(graph: Structure): void {
    if (this.#graph) this.#graph = graph;
  }

  async run(feeds: readonly Feed[], fetches: readonly Fetch[]): Promise<unknown[]> {
    if (this.#closed) throw new Error("the session has been closed");
    for (const file of this.#files) file.checkUnwritten();
    const all = [...fetches, ...this.#coarseness()];
    const asked = { id: this.#id, rounded: this.#rounded };
    const result = this.#engine === engine ? this.#request(feeds, all) : this.#runAside(feeds, all);
    result.catch(() => {});
    await this.#ready;
    const values = (await result) as unknown[];
    return this.#isTooCoarse(values, asked) ? this.run(feeds, fetches) : values;
  }

  #request(feeds: readonly Feed[], fetches: readonly Fetch[]): Promise<unknown> {
    return this.#engine.request({ type: "run", session: this.#id, feeds, fetches });
  }

  /** Carries the inputs over from the thread that holds the tensors, and the outputs back to it. */
  async #runAside(feeds: readonly Feed[], fetches: readonly Fetch[]): Promise<unknown[]> {
    // Asked for at once: what is requested later may free them.
    const carried = feeds.map(async ({ buffer, ...feed }) =>
      buffer === undefined
        ? feed
        : { ...feed, data: (await engine.request({ type: "read", buffer, device: "cpu" })) as TypedArray },
    );
    const wanted = fetches.map(({ buffer, ...fetch }) => ({ ...fetch, read: true }));
    const results = (await this.#request(await Promise.all(carried), wanted)) as TypedArray[];
    return results.filter((data, i) => {
      const { buffer, dtype, shape, read } = fetches[i]!;
      const moved = read ? [] : [data.buffer as ArrayBuffer];
      if (buffer !== undefined) engine.post({ type: "put", buffer, dtype, shape, data }, moved);
      return read;
    });
  }

  runNow(feeds: readonly Feed[], fetches: readonly Fetch[]): unknown[] {
    for (const file of this.#files) file.checkUnwritten();
    const all = [...fetches, ...this.#coarseness()];
    const asked = { id: this.#id, rounded: this.#rounded };
    const values = engine.requestNow({ type: "run", session: asked.id, feeds, fetches: all }) as unknown[];
    return this.#isTooCoarse(values, asked) ? this.runNow(feeds, fetches) : values;
  }

  #coarseness(): Fetch[] {
    const { length } = this.#rounded;
    return length === 0 ? [] : [{ name: COARSENESS, dtype: "float32", shape: [length], read: true }];
  }

  /**
   * Takes the coarseness of what is rounded off the results. Where one is too much, the session is opened anew with it in
   * float32, and what it gave is not to be used.
   *
   * @param asked - the session that ran, which may have been opened anew meanwhile, and what it rounds
   */
  #isTooCoarse(values: unknown[], asked: { readonly id: number; readonly rounded: readonly number[] }): boolean {
    const { rounded } = asked;
    if (rounded.length === 0) return false;
    const coarseness = values.pop() as Float32Array;
    const lost = rounded.filter((_, i) => Number.isFinite(coarseness[i]) && coarseness[i]! > coarsest);
    if (lost.length === 0) return false;
    if (this.#closed) throw new Error("the session was closed while it ran; run it again");
    if (asked.id !== this.#id) return true;
    notice(
      `8 bits: ${lost.length} of ${rounded.length} inputs of layers ${lost.length === 1 ? "holds" : "hold"} a few numbers so large that rounding would wipe out the others; these layers now compute in float32`,
    );
    for (const input of lost) this.#exact.add(input);
    this.#free();
    this.#open(this.#graph!);
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#free();
  }

  #free(): void {
    this.#engine.post({ type: "free", buffers: [], sessions: [this.#id] });
  }
}

function owned(model: Uint8Array): ArrayBuffer {
  return model.buffer as ArrayBuffer;
}

/** How this processor computes in 8 bits, and whether that is much faster than float32. */
export async function eightBitHere(): Promise<{ signed: boolean; fast: boolean }> {
  settings.eightBit ??= (await engine.request({ type: "eightBit" })) ? "signed" : "unsigned";
  const signed = settings.eightBit === "signed";
  // Other processors' have not been measured.
  return { signed, fast: signed && process.arch === "x64" };
}

/** The formulation that suits a device. */
export async function targetOf(device: string): Promise<Target> {
  if (device !== "cpu") return { tuned: false, block: 0 };
  settings.block ??= (await engine.request({ type: "block" })) as Target["block"];
  return { tuned: settings.tuned, block: settings.block };
}

/** `targetOf`, but the thread sleeps until it is known. */
export function targetNow(device: string): Target {
  if (device !== "cpu") return { tuned: false, block: 0 };
  settings.block ??= engine.requestNow({ type: "block" }) as Target["block"];
  return { tuned: settings.tuned, block: settings.block };
}

/** Writes the graph as ONNX and opens a session for it. */
export function open(
  structure: Structure,
  device: string,
  target: Target,
  extra: Partial<SessionOptions> = {},
): Session {
  const files = filesOf(structure);
  for (const file of files) file.checkThere();
  const temporary = isEightBit(structure, target) ? temporaryFile(files[0]) : null;
  const folder = folderOf([...files.map((file) => file.folder), ...(temporary ? [dirname(temporary)] : [])]);
  const signed = settings.eightBit === "signed";
  const inPlace = isInPlace(structure, target);
  const frozen = folder !== undefined && (temporary !== null || inPlace || isMostlyFrozen(structure));
  const block = frozen ? 0 : target.block;
  const write: Write = (graph, exact) => {
    if (folder === undefined) return { model: lower(graph, target) };
    const eightBit = temporary ? new EightBitWeights(signed, relative(folder, temporary), exact) : undefined;
    // A session that is to be ready at once makes nothing of its weights either, such as sums of neighbours in a kernel.
    const asTheyLie = inPlace || extra.prepacking === false;
    const model = lower(graph, { ...target, block, folder, frozen, eightBit, inPlace: asTheyLie });
    if (!eightBit) return { model };
    const rounded = eightBit.rounded.map(({ input }) => input);
    return eightBit.parts.length === 0
      ? { model, rounded }
      : { model, rounded, weights: eightBitFile(temporary!, eightBit) };
  };
  const options = {
    device,
    threads: isTiny(structure) ? 1 : settings.threads,
    spinning: settings.spinning,
    arena: isLarge(structure),
    // A plan of memory for all of a large model's values costs more than it saves.
    ...(folder === undefined ? {} : { folder, memPattern: false }),
    // Where few weights are constants, its passes over our tuned formulations find nothing, and take most of the time of opening.
    ...(!frozen && device === "cpu" && target.tuned ? { level: "disabled" as const } : {}),
    ...(inPlace ? quick : {}),
    // onnxruntime's blocked layout makes the convolutions left in float32 a seventh faster, but copies their weights.
    ...(temporary ? { level: "extended" as const } : {}),
    ...(device === "webgpu" ? { keep: structure.outputs.map((_, i) => `y${i}`) } : {}),
    ...(settings.profile === undefined ? {} : { profile: settings.profile }),
    ...extra,
  };
  return new Session(structure, write, options, files);
}

/** Whether weights of a computation are to be read in 8 bits, and can be. */
function isEightBit({ order }: Structure, target: Target): boolean {
  return target.tuned && settings.eightBit !== undefined && order.some(({ storage }) => storage?.eightBit);
}

/** Where weights in 8 bits can lie for a while: on the disk of the others, for a session that has to map both. */
function temporaryFile(beside: MappedFile | undefined): string {
  const name = `difflab-${ownMark()}-${randomBytes(6).toString("hex")}.weights`;
  const folder = resolve(tmpdir());
  const apart = beside && parse(folder).root !== parse(beside.path).root;
  // Where there is no such folder, writing says so.
  return join(apart ? beside.folder : existsSync(folder) ? realpathSync(folder) : folder, name);
}

/** What the thread has to know of them. */
function eightBitFile(path: string, { parts, signed }: EightBitWeights): EightBitFile {
  const sources = parts.map(({ storage, start, ...part }) => {
    const half = storage.dtype === "float16";
    const first = start * sourceWidth(part);
    const buffer = storage instanceof HostArray ? upload(storage) : (storage as DeviceBuffer);
    const from =
      storage instanceof FileArray
        ? { path: storage.file.file.path, offset: storage.file.offset + first * byteWidth[storage.dtype] }
        : { buffer: buffer.id, offset: first };
    return { from, half, ...part };
  });
  return { path, signed, parts: sources };
}

/** Whether a pool of memory for the session pays: if much is computed; small ones would only hoard. */
function isLarge(structure: Structure): boolean {
  return structure.order.length > 200;
}

/** Whether everything is too small to be shared out between threads: then none are started for it. */
function isTiny({ order }: Structure): boolean {
  return order.length < 50 && order.every(({ size }) => size <= 4096);
}

/** Whether gradients pass through more weights of files than may be in memory twice. */
function isInPlace(structure: Structure, target: Target): boolean {
  const bytes = structure.order.reduce((sum, { storage }) => sum + (storage?.file?.length ?? 0), 0);
  return target.tuned && bytes > settings.inPlaceFrom && readsBackwards(structure);
}

/** The files that hold weights of a computation. */
function filesOf({ order }: Structure): MappedFile[] {
  const files = new Set<MappedFile>();
  for (const { storage } of order) if (storage instanceof FileArray) files.add(storage.file.file);
  return [...files];
}

/** The folder that holds all of these, perhaps further down; undefined for none. */
function folderOf(folders: readonly string[]): string | undefined {
  let common = folders[0];
  for (const folder of folders) {
    while (relative(common!, folder).startsWith("..")) common = dirname(common!);
  }
  return common;
}

/**
 * Opens a session over weights in a file in a tenth of a second rather than ten: they stay where they are instead of
 * being laid out anew. Each call takes a sixth longer.
 */
export const quick: Partial<SessionOptions> = { level: "extended", prepacking: false };

const known = new Map<string, { session: Session; large: boolean }>();
const limits = { all: 256, large: 8 };

/**
 * The session of an equal graph computed before, or a new one. The least recently used beyond 256 are closed, and those
 * with a pool of memory of their own beyond 8.
 */
export function sessionFor(structure: Structure, device: string, target: Target): Session {
  const key = `${device} ${target.tuned} ${target.block}\n${structure.key}`;
  let entry = known.get(key);
  if (entry) known.delete(key);
  if (!entry?.session.usable) {
    const session = open(structure, device, target, filesOf(structure).length === 0 ? {} : quick);
    session.ready.catch(() => known.delete(key));
    entry = { session, large: isLarge(structure) };
  } else entry.session.follow(structure);
  known.set(key, entry);
  if (known.size > limits.all) closeFirst(known);
  if (entry.large) {
    const large = [...known].filter(([, other]) => other.large);
    if (large.length > limits.large) closeFirst(large);
  }
  return entry.session;
}

function closeFirst(entries: Iterable<[string, { session: Session }]>): void {
  for (const [key, { session }] of entries) {
    known.delete(key);
    return session.close();
  }
}

/** Closes the sessions for single operations, for tests that count them; the next computation opens its own. */
export function closeSessions(): void {
  for (const { session } of known.values()) session.close();
  known.clear();
}

/** How many sessions are open for single operations: for tests of the cache. */
export function openSessions(): number {
  return known.size;
}
