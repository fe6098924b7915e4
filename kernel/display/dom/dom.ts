import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { requestFrame } from "./animation-frames.ts";
import { createContext, toDataUrl } from "./canvas.ts";
import { textBox } from "./text-box.ts";

/*
 * Observable Plot and d3-selection draw into a document, and Node has none.
 *
 * Which DOM: linkedom. Nine kinds of plots came out equal, element by element and attribute by attribute, to those of jsdom 26; it
 * loads in 35 ms as one file where jsdom takes 230 and happy-dom 290, with 8 MB of packages against 17 and 24; and jsdom's current
 * version does not run on Node 20.
 *
 * How it is handed over: Plot takes `window.document` where no `document` option is given. A plain `globalThis.window` would make every
 * library that tests `typeof window` or `typeof document` believe that it runs in a browser (@huggingface/hub, onnxruntime-common, d3-timer).
 * So the globals are accessors that look at who reads them: Plot, d3-selection and htl get the page, everything else gets
 * `undefined`, as if there were none. This works however the module was loaded (import, require, a dependency of a dependency) and costs
 * nothing before. Dropped: a loader hook that passes Plot the option (Node 20 runs such hooks on a second thread, 30 ms more at
 * start), and a wrapper around Plot's exports (misses `mark.plot()`, and Plots that a library imports).
 */

/** What a library finds as `window`. */
interface Page {
  readonly document: Document;
  /** Plot puts lines on whole pixels for 2, and half a pixel beside for 1; it takes 2 where it finds no browser. */
  readonly devicePixelRatio: 2;
  readonly requestAnimationFrame: typeof requestFrame;
}

// Node's types have no DOM, and the rest of the kernel must not be able to use one by mistake.
// biome-ignore lint/suspicious/noExplicitAny: the shape is the library's; only the few members used here are named
type Document = any;

export interface DomOptions {
  /**
   * Whether code in this file (a path or a file: URL) sees the page. Default: Observable Plot, d3-selection and htl in any
   * node_modules folder. Give one that accepts the names of cells too, and cells can use `document`.
   */
  sees?: (file: string) => boolean;
}

const DRAWING_LIBRARIES = /[\\/]node_modules[\\/](?:@observablehq[\\/]plot|d3-selection|htl)[\\/]/;

/** The default of {@link DomOptions.sees}. */
export function isDrawingLibrary(file: string): boolean {
  return DRAWING_LIBRARIES.test(file);
}

/**
 * Gives drawing libraries, and them alone, the globals `window`, `document` and `requestAnimationFrame`. The DOM is loaded when the
 * document is first read. A program that assigns one of these globals replaces it.
 *
 * @returns takes the globals away again
 */
export function installDom({ sees = isDrawingLibrary }: DomOptions = {}): () => void {
  const page: Page = {
    get document() {
      return loadDocument();
    },
    devicePixelRatio: 2,
    requestAnimationFrame: requestFrame,
  };
  const globals: Record<string, () => unknown> = {
    window: () => page,
    document: () => page.document,
    requestAnimationFrame: () => requestFrame,
  };
  const installed: [string, PropertyDescriptor["get"]][] = [];
  for (const [name, value] of Object.entries(globals)) {
    if (name in globalThis) continue; // a page of the user's own comes first
    const get = function get(): unknown {
      const file = callerFile(get);
      return file !== undefined && sees(file) ? value() : undefined;
    };
    const set = (own: unknown): void => {
      Object.defineProperty(globalThis, name, { value: own, writable: true, configurable: true, enumerable: true });
    };
    Object.defineProperty(globalThis, name, { get, set, configurable: true, enumerable: false });
    installed.push([name, get]);
  }
  return () => {
    for (const [name, get] of installed) {
      if (Object.getOwnPropertyDescriptor(globalThis, name)?.get === get)
        delete (globalThis as Record<string, unknown>)[name];
    }
  };
}

/** The file that the caller of `below` is written in. */
function callerFile(below: () => unknown): string | undefined {
  const { stackTraceLimit, prepareStackTrace } = Error;
  try {
    Error.stackTraceLimit = 1;
    Error.prepareStackTrace = (_error, frames) => frames[0]?.getFileName() ?? undefined;
    const trace: { stack?: unknown } = {};
    Error.captureStackTrace(trace, below);
    return typeof trace.stack === "string" ? trace.stack : undefined;
  } catch {
    return undefined; // a frozen Error: then nobody sees the page
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

let loaded: Document;

/** The page's document, the same for all; loads the DOM when first called (35 ms). */
export function loadDocument(): Document {
  if (loaded) return loaded;
  const require = createRequire(import.meta.url);
  // The build for web workers is the whole library in one file, and loads three times as fast as the entry for Node.
  const { parseHTML } = require(join(dirname(require.resolve("linkedom/package.json")), "worker.js"));
  const { document, HTMLCanvasElement, SVGElement } = parseHTML(
    "<!doctype html><html><head></head><body></body></html>",
  );

  const contexts = new WeakMap<object, ReturnType<typeof createContext>>();
  const define = (type: { prototype: object }, name: string, value: unknown): void => {
    Object.defineProperty(type.prototype, name, { value, writable: true, configurable: true });
  };
  // linkedom's canvas has a size and no pixels; one without a context ends Plot's colour legends in a TypeError.
  define(HTMLCanvasElement, "getContext", function getContext(this: { width: number; height: number }, kind: string) {
    if (kind !== "2d") return null;
    const context = contexts.get(this) ?? createContext(this);
    contexts.set(this, context);
    return context;
  });
  define(HTMLCanvasElement, "toDataURL", function toDataURL(this: { width: number; height: number }) {
    return toDataUrl((contexts.get(this) ?? createContext(this)).image);
  });
  define(SVGElement, "getBBox", function getBBox(this: Document) {
    return textBox(this);
  });
  loaded = document;
  return loaded;
}
