import { writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { packageName } from "../cells/missing-module.ts";
import { declareStatement, type NameKind, type ParsedCell, parseCell } from "../cells/parse.ts";
import { type Candidate, toCandidates, wordStart } from "./completion.ts";
import { LanguageServer } from "./language-server.ts";
import { findDeclarations, notebookPath } from "./notebook-names.ts";
import { explainUnknownNames, fileProblems, type Problem, toProblems } from "./problems.ts";
import { CellProject } from "./project.ts";
import { readSource, SourceFiles } from "./source-files.ts";

/** Where a name of the session is declared, for the checker. */
interface SessionName {
  kind: NameKind;
  /** Module specifier of its cell, or of the kernel's own globals. */
  module: string;
}

/** Completion of a cell at a position. */
export interface Completion {
  candidates: Candidate[];
  /** Range that a candidate replaces. */
  start: number;
  end: number;
}

/** A language-server position, from 0. */
interface Position {
  line: number;
  character: number;
}

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
  readonly #globalsModule: string;
  readonly #globals: readonly string[];
  readonly #names = new Map<string, SessionName>();
  readonly #packages = new Set<string>();
  readonly #sources = new SourceFiles();
  #server: LanguageServer | undefined;
  #version = 0;
  #cells = 0;

  /**
   * @param workingFolder - the notebook's folder
   * @param globals - names that cells see without an import, and the module that declares their types
   */
  constructor(workingFolder: string, globals: { module: string; names: readonly string[] }) {
    this.#project = new CellProject(workingFolder);
    this.#globalsModule = globals.module;
    this.#globals = globals.names;
    this.forget();
    this.#start();
  }

  get project(): CellProject {
    return this.#project;
  }

  isSessionName(name: string): boolean {
    const found = this.#names.get(name);
    return found !== undefined && found.kind !== "type" && found.module !== this.#globalsModule;
  }

  /** Whether a source file of the user's, imported by a cell, changed since it was last asked. */
  get sourceVersion(): number {
    return this.#sources.version;
  }

  /** Loads the declarations of packages ahead of their first use. */
  async preload(packages: readonly string[]): Promise<void> {
    for (const name of packages) this.#packages.add(name);
    this.#keepPackages();
    await this.#server?.request("textDocument/diagnostic", { textDocument: { uri: this.#project.uri("session.ts") } });
  }

  /** The user's compiler options, as far as their tsconfig.json gives any. */
  get compilerOptions() {
    return this.#project.tsconfig?.compilerOptions ?? {};
  }

  /**
   * Errors of a cell, in the student's positions; none: it may run.
   *
   * @param cell - the source as parsed; undefined where that failed, which is still worth TypeScript's own words
   */
  async check(source: string, cell: ParsedCell | undefined): Promise<Problem[]> {
    if (!cell) return await this.#problems(`\n${source}\nexport {};\n`, source);
    const { reached, changed } = this.#sources.follow(cell.modules, this.#project.workingFolder);
    const changes = changed.map((path) => ({ uri: pathToFileURL(path).href, type: 2 }));
    if (changes.length > 0) this.#server?.notify("workspace/didChangeWatchedFiles", { changes });
    const text = this.#withNames(cell, cell.mentioned);
    let problems = await this.#problems(text, source);
    const missing = problems.flatMap(({ missingModule }) => missingModule ?? []);
    if (missing.length > 0 && this.#lookAgain(missing)) problems = await this.#problems(text, source);
    if (problems.length > 0) return explain(problems, source);
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
    const names = [...cell.declared].filter(([name, kind]) => kind === "type" || present(name));
    for (const name of cell.modules) if (!name.startsWith(".")) this.#packages.add(name);
    if (names.length === 0) return;
    const module = `cell-${++this.#cells}`;
    const file = `${module}.ts`;
    await writeFile(join(this.#project.folder, file), this.#withNames(cell, cell.mentioned, names));
    this.#server?.notify("workspace/didChangeWatchedFiles", { changes: [{ uri: this.#project.uri(file), type: 1 }] });
    for (const [name, kind] of names) this.#names.set(name, { kind, module: `./${module}` });
    this.#keepPackages();
  }

  /** Forgets all cells, as when the process that ran them is gone. */
  forget(): void {
    this.#names.clear();
    for (const name of this.#globals) this.#names.set(name, { kind: "import", module: this.#globalsModule });
  }

  /** What may stand at a position of a cell, best first. */
  async complete(source: string, offset: number): Promise<Completion> {
    const start = wordStart(source, offset);
    const position = this.#open(source, offset);
    const result = await this.#request("textDocument/completion", { position, context: { triggerKind: 1 } });
    const typed = source.slice(start, offset);
    return { candidates: toCandidates(result, typed), start, end: offset };
  }

  /** Signature and documentation of what stands at a position, as Markdown; undefined where there is nothing to tell. */
  async inspect(source: string, offset: number): Promise<string | undefined> {
    // On a word's last letter the cursor is behind it; within brackets it asks for the call.
    for (const at of [offset, offset - 1, wordStart(source, offset)]) {
      if (at < 0) continue;
      const hover = await this.#request("textDocument/hover", { position: this.#open(source, at) });
      const text = hover?.contents?.value?.trim();
      if (text && !/^```typescript\s+any\s+```$/.test(text)) return text;
    }
    const help = await this.#request("textDocument/signatureHelp", { position: this.#open(source, offset) });
    const signature = help?.signatures?.[help.activeSignature ?? 0];
    if (!signature) return undefined;
    const documentation = signature.documentation?.value ?? signature.documentation ?? "";
    return `\`\`\`typescript\n${signature.label}\n\`\`\`\n${documentation}`.trim();
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
    this.#keepPackages();
    const open = (name: string, text: string) =>
      server.notify("textDocument/didOpen", {
        textDocument: { uri: this.#project.uri(name), languageId: "typescript", version: ++this.#version, text },
      });
    open("session.ts", this.#sessionText());
    open("cell.ts", "export {};");
    return server;
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

  async #problems(text: string, source: string): Promise<Problem[]> {
    this.#change("cell.ts", text);
    const { items } = await this.#request("textDocument/diagnostic", {});
    return toProblems(items, source, this.#project);
  }

  /** Makes a source the cell at hand, with every name of the session visible; @returns the position of an offset. */
  #open(source: string, offset: number): Position {
    const cell = parseCell(source) ?? guessCell(source);
    this.#change("cell.ts", this.#withNames(cell, new Set(this.#names.keys())));
    const before = source.slice(0, offset).split("\n");
    return { line: before.length, character: before.at(-1)!.length };
  }

  /** A cell's text between a line that imports the names it uses and one that exports those it declares. */
  #withNames(cell: CellText, mentioned: ReadonlySet<string>, exported = [...cell.declared]): string {
    const imports = new Map<string, string[]>();
    let line = "";
    for (const name of mentioned) {
      const found = cell.declared.has(name) ? undefined : this.#names.get(name);
      if (!found) continue;
      // An import could not be assigned to.
      if (found.kind === "let") line += `declare let ${name}: typeof import("${found.module}").${name};`;
      else imports.set(found.module, [...(imports.get(found.module) ?? []), name]);
    }
    for (const [module, names] of imports) line += `import { ${names.join(", ")} } from "${module}";`;
    const own = cell.program ? alreadyExported(cell.program) : new Set();
    const names = exported.map(([name]) => name).filter((name) => !own.has(name));
    return `${line}\n${cell.source}\nexport { ${names.join(", ")} };\n`;
  }

  /** Packages stay loaded while no cell mentions them, or each use would parse them again. */
  #keepPackages(): void {
    const text = this.#sessionText();
    if (text === this.#keptText) return;
    this.#keptText = text;
    writeFile(join(this.#project.folder, "session.ts"), text).catch(() => {});
    if (this.#server && this.#version > 0) this.#change("session.ts", text);
  }
  #keptText: string | undefined;

  #sessionText(): string {
    const modules = [...this.#packages].map((name) => `import ${JSON.stringify(name)};`).join("\n");
    return `${modules}\nimport {} from ${JSON.stringify(this.#globalsModule)};\nexport {};\n`;
  }

  /** The server remembers what was not there; where a package has been installed since, another takes its place. */
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

/** Says for unknown names which cell of the notebook declares them, where a front end says which notebook that is. */
function explain(problems: readonly Problem[], source: string): Problem[] {
  const path = notebookPath();
  const names = new Set(problems.flatMap(({ unknownName }) => unknownName ?? []));
  const declarations = path !== undefined && names.size > 0 ? findDeclarations(path, source, names) : new Map();
  return explainUnknownNames(problems, declarations);
}

/** As much of a cell as its surroundings need. */
type CellText = Pick<ParsedCell, "source" | "declared"> & { program?: ParsedCell["program"] };

/** A cell that cannot be parsed, as one often cannot while it is typed, with the names that it seems to declare. */
function guessCell(source: string): CellText {
  const declarations =
    /\b(?:const|let|var|class|function|enum|type|interface|namespace)\s+([\p{L}_$][\p{L}\p{N}_$]*)/gu;
  return { source, declared: new Map([...source.matchAll(declarations)].map(([, name]) => [name!, "const"])) };
}

/** Names that the student exports in the cell already. */
function alreadyExported(program: ParsedCell["program"]): Set<string> {
  const names = new Map<string, NameKind>();
  const listed = new Set<string>();
  for (const statement of program.body) {
    if (statement.type !== "ExportNamedDeclaration") continue;
    if (statement.declaration) declareStatement(statement, names);
    for (const specifier of statement.specifiers) {
      if (specifier.type === "ExportSpecifier" && !statement.source) listed.add(specifier.local.name);
    }
  }
  return new Set([...names.keys(), ...listed]);
}
