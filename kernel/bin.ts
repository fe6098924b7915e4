#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { main as run } from "./client/cli.ts";
import { main as kernelspec } from "./spec/cli.ts";
import { packageRoot } from "./spec/package-root.ts";
import { parseStartArgs } from "./start/args.mjs";
import { start } from "./start/start.ts";
import { createSteps } from "./start/steps.mjs";

const USAGE = `difflab lesson [DIR] [NOTEBOOK] [--port N] [--no-browser] [--check]
difflab run FILES [OPTIONS]
difflab kernel install | uninstall [OPTIONS]

  lesson   copies the lesson to DIR (default: lesson), for you to work in, and opens it in JupyterLab.
           NOTEBOOK is the number of the notebook to open
  run      runs notebooks from top to bottom, without a browser (see difflab run --help)
  kernel   installs the kernel for JupyterLab and VS Code, or removes it (see difflab kernel install --help)`;

/** The command `difflab`, for those who installed the package. @returns the exit code */
async function main([command, ...args]: string[]): Promise<number> {
  const root = packageRoot();
  switch (command) {
    case "lesson":
      return lesson(root, args);
    case "run":
      return run(args);
    case "kernel":
      return kernelspec(args[0] === "--help" ? ["install", "--help"] : args);
    case "--version":
      console.log(JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version);
      return 0;
    case "--help":
      console.log(USAGE);
      return 0;
    default:
      console.error(
        `difflab: ${command === undefined ? "no command given" : `unknown command "${command}"`}.\n\n${USAGE}`,
      );
      return 2;
  }
}

/** Everything generated goes into the lesson's folder, because any npm command may replace the package's own folder. */
async function lesson(root: string, args: string[]): Promise<number> {
  const named = args[0] !== undefined && !/^(-|\d{1,2}$)/.test(args[0]);
  const folder = resolve(named ? args[0]! : "lesson");
  const rest = named ? args.slice(1) : args;
  if (rest.includes("--help") || rest.includes("-h")) {
    console.log(USAGE);
    return 0;
  }
  let options: ReturnType<typeof parseStartArgs>;
  try {
    options = parseStartArgs(rest, root, process.cwd(), { home: folder, copy: folder });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  return start(root, options, createSteps(process.stdout));
}

process.exitCode = await main(process.argv.slice(2));
