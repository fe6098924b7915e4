import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { parseArgs, stripVTControlCharacters } from "node:util";
import { withoutSolutions } from "./exercises.ts";
import { NotebookError, readNotebook } from "./notebook.ts";
import { type NotebookResult, type Progress, type RunOptions, runNotebooks, writePage } from "./run.ts";

const USAGE = `npm run lesson [-- FILES] [options]

Runs notebooks from top to bottom through the kernel, without a browser. Exits with 1 if a cell fails.

  FILES          notebooks or folders of them; default: notebooks/
  --out DIR      write the run notebooks here; default: out/
  --in-place     write the outputs into the notebooks themselves
  --html         also write each notebook as a web page
  --no-run       only write the pages (--html), from the outputs stored in the notebooks
  --student      leave out the solutions, and the outputs of exercises and their checks
  --timeout S    time limit for a cell in seconds; default: 600
  --keep-going   run the remaining cells of a notebook after one has failed
`;

/** The command line of the headless client. @returns the exit code */
export async function main(args: readonly string[]): Promise<number> {
  let parsed: ReturnType<typeof parse>;
  try {
    parsed = parse(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (parsed.values.help) {
    console.log(USAGE);
    return 0;
  }
  const { values, positionals } = parsed;
  const timeout = Number(values.timeout ?? 600);
  if (!(timeout > 0)) {
    console.error(`lesson: --timeout is ${values.timeout}; expected a number of seconds above 0.`);
    return 2;
  }
  const paths = findNotebooks(positionals.length > 0 ? positionals : ["notebooks"]);
  if (paths.length === 0) {
    console.error(`lesson: no notebooks found in ${positionals.join(", ") || "notebooks"}.`);
    return 2;
  }
  const { run = true, student = false } = values;
  if (values["in-place"] && student) {
    console.error(
      "lesson: --student with --in-place would delete the solutions from your notebooks. Use --out DIR instead.",
    );
    return 2;
  }
  if (!run) {
    if (values["in-place"]) {
      console.error("lesson: --no-run writes only pages, so --in-place does not apply. Use --out DIR instead.");
      return 2;
    }
    return makePages(paths, values.out ?? "out", student);
  }
  const options: RunOptions = {
    ...(values["in-place"] ? { inPlace: true } : { outDir: values.out ?? "out" }),
    html: values.html ?? false,
    student,
    collectErrors: values["keep-going"] ?? false,
    cellTimeout: timeout * 1000,
    onProgress: report,
  };
  const results = await runNotebooks(paths, options);
  const failed = results.filter((result) => !result.ok);
  for (const result of failed) explain(result);
  if (results.length > 1) {
    const seconds = results.reduce((sum, result) => sum + result.seconds, 0);
    console.log(
      `${results.length - failed.length} of ${results.length} notebooks ran without errors, ${seconds.toFixed(1)} s`,
    );
  }
  return failed.length > 0 ? 1 : 0;
}

function parse(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    allowNegative: true,
    options: {
      out: { type: "string" },
      "in-place": { type: "boolean" },
      html: { type: "boolean" },
      run: { type: "boolean" },
      student: { type: "boolean" },
      timeout: { type: "string" },
      "keep-going": { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}

/** Writes pages of notebooks as they are, without running them. @returns the exit code */
async function makePages(paths: readonly string[], folder: string, student: boolean): Promise<number> {
  mkdirSync(folder, { recursive: true });
  let code = 0;
  for (const path of paths) {
    try {
      const notebook = readNotebook(path);
      const page = await writePage(join(folder, basename(path)), student ? withoutSolutions(notebook) : notebook, path);
      console.log(`${relative("", path)}\n  -> ${relative("", page)}`);
    } catch (error) {
      if (!(error instanceof NotebookError)) throw error;
      console.error(error.message);
      code = 1;
    }
  }
  return code;
}

/** The given notebooks, and those in the given folders, sorted by name. */
function findNotebooks(names: readonly string[]): string[] {
  return names.flatMap((name) => {
    if (!existsSync(name) || !statSync(name).isDirectory()) return [name];
    return readdirSync(name)
      .filter((file) => file.endsWith(".ipynb"))
      .sort()
      .map((file) => join(name, file));
  });
}

function report({ path, done, cells, seconds, result }: Progress): void {
  const name = relative("", path);
  const line = `${name}  ${done}/${cells} cells  ${seconds.toFixed(1)} s`;
  if (!result) {
    // A terminal gets a line that is redrawn; a log gets one line per notebook.
    if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
    return;
  }
  if (process.stdout.isTTY) process.stdout.write("\r\x1b[K");
  console.log(`${line}  ${verdict(result)}`);
  for (const file of result.written) console.log(`  -> ${relative("", file)}`);
}

function verdict(result: NotebookResult): string {
  if (result.ok) return "ok";
  if (result.error) return "FAILED";
  return `FAILED at cell ${result.failures.map((failure) => failure.cell).join(", ")}`;
}

function explain(result: NotebookResult): void {
  const name = relative("", result.path);
  for (const { cell, source, ename, evalue, traceback } of result.failures) {
    const code = source.replace(/^/gm, "    ");
    console.error(`\n${name}, cell ${cell}:\n\n${code}\n`);
    const trace = traceback.length > 0 ? traceback.join("\n") : `${ename}: ${evalue}`;
    console.error(process.stderr.isTTY && !process.env.NO_COLOR ? trace : stripVTControlCharacters(trace));
  }
  if (result.error) console.error(`\n${result.error.message}`);
}
