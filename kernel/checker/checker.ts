import { relative } from "node:path";
import { pathToFileURL } from "node:url";
import type { RuntimeOptions } from "../cells/compile.ts";
import { isErased, type ParsedCell, parseCell } from "../cells/parse.ts";
import { LIBRARY } from "../resolution/common-packages.ts";
import { packageName } from "../resolution/missing-module.ts";
import {
  type Augmentation,
  Augmentations,
  augmentationsOf,
  isUnresolved,
  only,
  type Piece,
  piecesOf,
  without,
} from "./augmentations.ts";
import { type Completion, type Position, signatureText, toCompletion, wordStart } from "./completion.ts";
import { explain, type Surroundings } from "./explain.ts";
import { IN_BRACES, importing, importStatements } from "./exports.ts";
import { LanguageServer } from "./language-server.ts";
import { type Probe, probeLines, probeProblems, probesOf } from "./probes.ts";
import { fileProblems, isSyntaxProblem, type Problem, toProblems } from "./problems.ts";
import { CellProject } from "./project.ts";
import { propose } from "./proposals.ts";
import { guessCell, SessionNames } from "./session-names.ts";
import { readSource, SourceFiles } from "./source-files.ts";
import { COMMON_IMPORTS } from "./unknown-names.ts";

/** Names that every script has: `console`, `Math`, `setTimeout`. */
const JAVASCRIPT = Object.getOwnPropertyNames(globalThis).filter((name) => /^[A-Za-z]\w+$/.test(name));

/**
 * Checks cells against all that earlier cells declared, and knows what completes and explains them.
 *
 * Each cell that ran stays as a module `cell-N.ts`; the cell at hand imports from them the names that it mentions,
 * on a line of its own above the student's text. So types need not be printed as declarations, as tslab does it:
 * that loses unnameable ones and costs more than the check. What is not mentioned is not loaded, so the time for a
 * cell does not grow with the notebook.
 */
export class Checker {
  readonly #project: CellProject;
  readonly #globals: { module: string; names: readonly string[] };
  #names: SessionNames;
  #augmentations = new Augmentations();
  /** Statements of a cell that declare a module which is not there. */
  readonly #ambient = new WeakMap<ParsedCell, readonly Augmentation[]>();
  readonly #packages = new Set<string>();
  readonly #sources: SourceFiles;
  #server: LanguageServer | undefined;
  #version = 0;
  #cells = 0;

  /**
   * @param workingFolder - the notebook's folder
   * @param globals - names that cells see without an import, and the module that declares their types
   */
  constructor(workingFolder: string, globals: { module: string; names: readonly string[] }) {
    this.#project = new CellProject(workingFolder);
    this.#sources = new SourceFiles(this.#project.tsconfig.resolve);
    this.#globals = globals;
    this.#names = new SessionNames(globals);
    this.#start();
  }

  get project(): CellProject {
    return this.#project;
  }

  isSessionName(name: string): boolean {
    return this.#names.isValue(name);
  }

  /** Whether a source file of the user's, imported by a cell, changed since it was last asked. */
  get sourceVersion(): number {
    return this.#sources.version;
  }

  /** Loads the declarations of packages ahead of their first use. */
  async preload(packages: readonly string[]): Promise<void> {
    for (const name of packages) this.#packages.add(name);
    this.#keepSession();
    await this.#server?.request("textDocument/diagnostic", { textDocument: { uri: this.#project.uri("session.ts") } });
  }

  /** The user's compiler options that change what code does. */
  get runtimeOptions(): RuntimeOptions {
    return this.#project.runtimeOptions;
  }

  /** What is wrong with the user's tsconfig.json, if anything. */
  get configProblem(): string | undefined {
    return this.#project.tsconfig.problem;
  }

  /**
   * Errors of a cell, in the student's positions; none: it may run.
   *
   * @param cell - the source as parsed; undefined if that failed, which is still worth TypeScript's own words
   */
  async check(source: string, cell: ParsedCell | undefined): Promise<Problem[]> {
    if (!cell) {
      const found = await this.#problems(`\n${source}\nexport {};\n`, source);
      return explain(found, source, cell, this.#surroundings(cell));
    }
    const { reached, changed } = this.#sources.follow(cell.modules, this.#project.workingFolder);
    const changes = changed.map((path) => ({ uri: pathToFileURL(path).href, type: 2 }));
    if (changes.length > 0) this.#server?.notify("workspace/didChangeWatchedFiles", { changes });
    const outside = augmentationsOf(cell);
    this.#keepSession(piecesOf(source, outside));
    const probes = probesOf(cell);
    let text = this.#names.surround(cell, cell.mentioned) + (probes.length > 0 ? probeLines(probes) : "");
    let problems = await this.#problems(text, source, probes);
    const ambient = outside.filter((statement) => isUnresolved(statement, problems));
    if (ambient.length > 0) {
      problems = await this.#declareModules(source, ambient);
      if (problems.length > 0) return problems;
      this.#ambient.set(cell, ambient);
      text = this.#names.surround({ ...cell, source: without(source, ambient) }, cell.mentioned);
      problems = await this.#problems(text, source);
    }
    const missing = problems.flatMap(({ missingModule }) => missingModule ?? []);
    if (missing.length > 0 && this.#lookAgain(missing)) problems = await this.#problems(text, source);
    if (problems.length > 0 && !problems.some(isSyntaxProblem)) {
      problems = await propose(problems, cell, (other) =>
        this.#problems(this.#names.surround({ ...cell, source: other }, cell.mentioned), other),
      );
    }
    problems = await explain(problems, source, cell, this.#surroundings(cell));
    if (problems.length > 0) return problems;
    return this.#checkFiles(this.#sources.unchecked(reached));
  }

  /** Errors in the user's own files: the cell that imports them must not run. */
  async #checkFiles(paths: readonly string[]): Promise<Problem[]> {
    for (const path of paths) {
      const textDocument = { uri: pathToFileURL(path).href };
      const report = await this.#server!.request("textDocument/diagnostic", { textDocument });
      const problems = fileProblems(
        report.items,
        relative(this.#project.workingFolder, path),
        readSource(path),
        this.#project,
      );
      if (problems.length > 0) return problems;
      this.#sources.markClean(path);
    }
    return [];
  }

  /**
   * Takes a cell that ran into the session.
   *
   * @param present - names that it left in the scope: fewer than it declares where it failed halfway
   */
  async commit(cell: ParsedCell, present: (name: string) => boolean): Promise<void> {
    const names = [...cell.declared].filter(([name, kind]) => isErased(kind) || present(name));
    for (const name of cell.modules) if (!/^[./]/.test(name)) this.#packages.add(name);
    const number = ++this.#cells;
    const outside = augmentationsOf(cell);
    if (names.length > 0) {
      const module = `cell-${number}`;
      const text = { ...cell, source: without(cell.source, outside) };
      this.#write(`${module}.ts`, this.#names.surround(text, cell.mentioned, names));
      this.#names.add(names, cell.types, `./${module}`);
    }
    const ambient = this.#ambient.get(cell) ?? [];
    const augmenting = outside.filter((statement) => !ambient.includes(statement));
    for (const [index, piece] of piecesOf(cell.source, augmenting).entries()) {
      const text = { source: piece.text, declared: new Map(), types: new Set<string>() };
      const file = `augment-${number}-${index}.ts`;
      this.#write(file, this.#names.surround(text, cell.mentioned));
      this.#augmentations.add(piece, file);
    }
    for (const [index, piece] of piecesOf(cell.source, ambient).entries()) {
      const file = `modules-${number}-${index}.d.ts`;
      this.#write(file, piece.text);
      this.#augmentations.add(piece, file);
    }
    this.#keepSession();
  }

  /** Remembers what a cell would have declared, had it not failed. */
  noteFailure(cell: ParsedCell): void {
    this.#names.noteFailure(cell);
  }

  /** `declare module "m"` of a module that is not there declares it, which must stand in a file that is no module. */
  async #declareModules(source: string, statements: readonly Augmentation[]): Promise<Problem[]> {
    const file = "modules.d.ts";
    const text = only(
      source,
      statements.map(({ start, end }) => [start!, end!]),
    );
    this.#write(file, `\n${text}`);
    this.#keepSession(piecesOf(source, statements), `/// <reference path="./${file}" />`);
    const { items } = await this.#server!.request("textDocument/diagnostic", {
      textDocument: { uri: this.#project.uri(file) },
    });
    return toProblems(items, source, this.#project);
  }

  /** Writes a file of the session, and tells the server; if the disk does not take it, the server keeps it. */
  #write(file: string, text: string): void {
    if (!this.#project.write(file, text)) return this.#openFile(file, text);
    this.#server?.notify("workspace/didChangeWatchedFiles", { changes: [{ uri: this.#project.uri(file), type: 1 }] });
  }

  /** Forgets all cells, as when the process that ran them is gone. */
  forget(): void {
    this.#names = new SessionNames(this.#globals);
    this.#augmentations = new Augmentations();
  }

  /** What may stand at a position of a cell, best first. */
  async complete(source: string, offset: number): Promise<Completion> {
    const position = this.#open(source, offset);
    const result = await this.#request("textDocument/completion", { position, context: { triggerKind: 1 } });
    const lines = source.split("\n");
    const lineStart = (line: number) => lines.slice(0, line).reduce((sum, each) => sum + each.length + 1, 0);
    const toOffset = ({ line, character }: Position) => lineStart(line - 1) + character;
    return toCompletion(result, source, offset, toOffset, (label) => this.#project.isOwnFile(label));
  }

  /** Signature and documentation of what stands at a position, as Markdown; undefined if there is nothing to tell. */
  async inspect(source: string, offset: number): Promise<string | undefined> {
    // On a word's last letter the cursor is behind it; within brackets it asks for the call.
    for (const at of [offset, offset - 1, wordStart(source, offset)]) {
      if (at < 0) continue;
      const hover = await this.#request("textDocument/hover", { position: this.#open(source, at) });
      const text = hover?.contents?.value?.trim();
      if (text && !/^```typescript\s+any\s+```$/.test(text)) return text;
    }
    const help = await this.#request("textDocument/signatureHelp", { position: this.#open(source, offset) });
    return signatureText(help);
  }

  /** Starts another language server, which knows the session as this one did but has remembered nothing else. */
  restart(): void {
    this.#server?.stop();
    this.#start();
  }

  dispose(): void {
    this.#server?.stop();
    this.#project.dispose();
  }

  /** The server ended, or was stopped: the next request starts another. */
  #start(): LanguageServer {
    const server = new LanguageServer(pathToFileURL(this.#project.folder).href);
    this.#server = server;
    this.#keepSession();
    this.#openFile("session.ts", this.#keptText);
    this.#openFile("cell.ts", "export {};");
    for (const [name, text] of this.#project.unwritten()) {
      if (/^(cell|augment|modules)-/.test(name)) this.#openFile(name, text);
    }
    return server;
  }

  /** Gives a file to the server, which from then on does not look on the disk for it. */
  #openFile(name: string, text: string): void {
    this.#server?.notify("textDocument/didOpen", {
      textDocument: { uri: this.#project.uri(name), languageId: "typescript", version: ++this.#version, text },
    });
  }

  #change(name: string, text: string): void {
    const server = this.#server && !this.#server.stopped ? this.#server : this.#start();
    server.notify("textDocument/didChange", {
      textDocument: { uri: this.#project.uri(name), version: ++this.#version },
      contentChanges: [{ text }],
    });
  }

  /** A request about the text of the cell at hand, which must have been set in the same turn. */
  // biome-ignore lint/suspicious/noExplicitAny: results differ by method
  #request(method: string, params: object): Promise<any> {
    return this.#server!.request(method, { textDocument: { uri: this.#project.uri("cell.ts") }, ...params });
  }

  /** Errors of a text that surrounds a source, and what the probes at its end find. */
  async #problems(text: string, source: string, probes: readonly Probe[] = []): Promise<Problem[]> {
    this.#change("cell.ts", text);
    const { items } = await this.#request("textDocument/diagnostic", {});
    const found = probes.length > 0 ? probeProblems(items, text, source, probes) : [];
    return [...toProblems(items, source, this.#project), ...found];
  }

  #surroundings(cell: ParsedCell | undefined): Surroundings {
    const isEarlier = (name: string) => !cell?.declared.has(name) && this.isSessionName(name);
    const places = async () => ({
      failed: this.#names.failed,
      session: [...this.#names.all(), ...(cell?.declared.keys() ?? []), ...JAVASCRIPT],
      imports: new Map([...COMMON_IMPORTS, ...(await this.#exports())]),
      browser: this.#project.browserNames,
    });
    const members = async (at: number) => (await this.complete(cell!.source, at)).candidates.map(({ text }) => text);
    return { isEarlier, places, members };
  }

  /** Statements that import what the library exports, by name. */
  async #exports(): Promise<ReadonlyMap<string, string>> {
    if (this.#exported.size > 0) return this.#exported;
    this.#change("cell.ts", importing(LIBRARY));
    const result = await this.#request("textDocument/completion", { position: IN_BRACES, context: { triggerKind: 1 } });
    this.#exported = importStatements(LIBRARY, result);
    return this.#exported;
  }
  #exported: ReadonlyMap<string, string> = new Map();

  /** Makes a source the cell at hand, with every name of the session visible; @returns the position of an offset. */
  #open(source: string, offset: number): Position {
    const cell = parseCell(source) ?? guessCell(source);
    this.#change("cell.ts", this.#names.surround(cell, this.#names.all()));
    const before = source.slice(0, offset).split("\n");
    return { line: before.length, character: before.at(-1)!.length };
  }

  /**
   * What stays loaded while no cell mentions it: packages, or each use would parse them again, and what cells said of
   * the world outside.
   *
   * @param except - what the cell at hand says anew
   * @param first - a line above the rest
   */
  #keepSession(except: readonly Piece[] = [], first = ""): void {
    const text = `${first}\n${this.#augmentations.lines(except)}\n${this.#sessionText()}`;
    if (text === this.#keptText) return;
    this.#keptText = text;
    this.#project.write("session.ts", text);
    if (this.#server && this.#version > 0) this.#change("session.ts", text);
  }
  #keptText = "";

  #sessionText(): string {
    const modules = [...this.#packages].map((name) => `import ${JSON.stringify(name)};`).join("\n");
    return `${modules}\nimport {} from ${JSON.stringify(this.#globals.module)};\nexport {};\n`;
  }

  /** The server remembers what was not there; if a package has been installed since, another takes its place. */
  #lookAgain(modules: string[]): boolean {
    const linked = this.#project.linkPackages();
    const found = modules.filter((name) => this.#project.hasPackage(packageName(name)) && !this.#lookedAgain.has(name));
    if (found.length === 0 && !linked) return false;
    for (const name of found) this.#lookedAgain.add(name);
    this.restart();
    return true;
  }
  readonly #lookedAgain = new Set<string>();
}
