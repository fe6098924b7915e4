import { checkBundle, DISPLAY, type MimeBundle } from "./bundle.ts";
import { mimeBundle } from "./mime.ts";
import { describeError } from "./safe.ts";

/** A message for the front end that `display` and `clearOutput` send. */
export interface DisplayMessage {
  type: "display_data" | "update_display_data" | "clear_output";
  content: Record<string, unknown>;
  buffers?: Uint8Array[];
}

/** Takes messages in the order in which they are to appear. */
export type Publish = (message: DisplayMessage) => void;

/** Options of `display`. */
export interface DisplayOptions {
  /** Name of this output, by which it can be updated later; default: a new one. */
  id?: string;
  /** The value is a MIME bundle already: `display({ "text/html": "<b>x</b>" }, { raw: true })`. Default false. */
  raw?: boolean;
}

/** An output on the page that can be changed. */
export interface DisplayHandle {
  readonly id: string;
  /** Settles as soon as the value is on the page: at once, unless its display is asynchronous. Never rejects. */
  readonly shown: Promise<void>;
  /** Shows another value in the place of this one, in every place where this output stands. */
  update(value: unknown, options?: Pick<DisplayOptions, "raw">): DisplayHandle;
}

export interface Display {
  /** Shows a value below the cell. Values come in the order of the calls, also where some take time to describe themselves. */
  display(value: unknown, options?: DisplayOptions): DisplayHandle;
  /** Takes away what the cell has shown so far; with `wait`, not before the next output comes (no flicker). */
  clearOutput(options?: { wait?: boolean }): void;
  /** Settles when everything asked for so far has been published. Never rejects. The kernel waits for it before a cell ends. */
  settled(): Promise<void>;
}

/** A value that takes longer than this to describe itself gets a place holder, so that it does not hold up what comes after it. */
const PATIENCE_MS = 3000;

type Pending = MimeBundle | undefined | Promise<MimeBundle | undefined>;

/**
 * Makes the `display` and `clearOutput` of a kernel.
 *
 * @param publish - sends a message to the front end; called at once for values that describe themselves at once
 * @param options.patience - milliseconds before a slow value gets a place holder; default 3000
 */
export function createDisplay(publish: Publish, { patience = PATIENCE_MS }: { patience?: number } = {}): Display {
  // The last of the jobs that wait for their turn; undefined while none waits, and then jobs run at once.
  let queue: Promise<void> | undefined;
  // Outputs that show a place holder, each with the value that it stands for.
  const waiting = new Map<string, Pending>();

  function inTurn(job: () => void | Promise<void>): Promise<void> {
    const turn = queue ? queue.then(job) : job();
    if (!(turn instanceof Promise)) return Promise.resolve();
    const done = (): void => {
      if (queue === last) queue = undefined;
    };
    // A job fails where the cell that asked for it was interrupted: its value is not published, and whoever comes next is.
    const last: Promise<void> = turn.then(done, done);
    queue = last;
    return last;
  }

  /** Publishes in turn; what is not ready in time gets a place holder and comes later, as an update. */
  function show(type: DisplayMessage["type"], id: string, pending: Pending): Promise<void> {
    const send = (kind: DisplayMessage["type"], bundle: MimeBundle | undefined): void => {
      // An empty display still makes a place that update() can fill.
      const { data, metadata } = bundle ?? { data: {}, metadata: {} };
      waiting.delete(id);
      publish({ type: kind, content: { data, metadata, transient: { display_id: id } } });
    };
    if (!(pending instanceof Promise)) return inTurn(() => send(type, pending));
    return inTurn(async () => {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<"late">((resolve) => {
        timer = setTimeout(resolve, patience, "late");
      });
      const first = await Promise.race([pending, late]);
      clearTimeout(timer);
      if (first !== "late") return send(type, first);
      send(type, textBundle("(this value is still preparing its display)"));
      waiting.set(id, pending);
      void pending
        .then((bundle) => {
          // Unless the output has been updated meanwhile: then this value is out of date.
          if (waiting.get(id) === pending) send("update_display_data", bundle ?? textBundle(""));
        })
        .catch(() => {}); // interrupted meanwhile
    });
  }

  function handle(id: string, shown: Promise<void>): DisplayHandle {
    const self: DisplayHandle = {
      id,
      shown,
      update: (value, options = {}) =>
        handle(id, show("update_display_data", id, toBundle(value, options.raw, "update"))),
    };
    // As the last expression of a cell the handle itself is nothing to look at.
    return Object.defineProperty(self, DISPLAY, { value: () => ({}) });
  }

  return {
    display(value, options = {}) {
      const id = options.id ?? process.getBuiltinModule("node:crypto").randomUUID();
      if (typeof id !== "string" || id === "")
        throw new TypeError(`display: got the id ${String(id)}, expected a non-empty string.`);
      return handle(id, show("display_data", id, toBundle(value, options.raw, "display")));
    },
    clearOutput({ wait = false } = {}) {
      void inTurn(() => publish({ type: "clear_output", content: { wait } }));
    },
    settled: () => queue ?? Promise.resolve(),
  };
}

function toBundle(value: unknown, raw: boolean | undefined, caller: string): Pending {
  // Unlike the last expression of a cell, an undefined that is displayed on purpose is worth seeing.
  if (!raw) return value === undefined ? textBundle("undefined") : mimeBundle(value);
  try {
    return checkBundle(value);
  } catch (error) {
    throw new TypeError(`${caller}: ${describeError(error).replace(/^TypeError: /, "")}.`);
  }
}

function textBundle(text: string): MimeBundle {
  return { data: { "text/plain": text }, metadata: {} };
}
