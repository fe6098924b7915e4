import type { Segment } from "./edits.ts";
import { transform } from "./esbuild.ts";
import type { RewrittenCell } from "./rewrite.ts";

/** JavaScript of a cell with what its stack traces need. */
export interface CompiledCell {
  code: string;
  isAsync: boolean;
  /** Source map from `code` to the rewritten TypeScript. */
  map: string;
  /** From the rewritten TypeScript to the student's text: see {@link RewrittenCell}. */
  prefixLines: number;
  segments: Segment[];
}

/** TypeScript options that change what code does at run time; the rest is the checker's business. */
export interface RuntimeOptions {
  experimentalDecorators?: boolean;
  useDefineForClassFields?: boolean;
}

/**
 * Turns a rewritten cell into JavaScript of this Node version: types stripped, enums, namespaces, decorators and
 * `using` lowered. esbuild does it in its own process in under a millisecond; TypeScript 7 cannot emit through its
 * language server.
 *
 * @throws Error if the code is not valid; the checker has reported what students can do wrong before this runs
 */
export async function compileCell(cell: RewrittenCell, options: RuntimeOptions = {}): Promise<CompiledCell> {
  const { code, map } = await transform(cell.code, {
    loader: "ts",
    target: `node${process.versions.node}`,
    supported: { using: false },
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent",
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, target: "es2022", ...options } },
  });
  return { code, map, isAsync: cell.isAsync, prefixLines: cell.prefixLines, segments: cell.segments };
}
