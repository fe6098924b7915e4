import { join, relative } from "node:path";
import { runNotebooks } from "../client/run.ts";
import { DISPLAY_NAME, KERNEL_NAME, kernelArgv } from "../spec/kernelspec.ts";
import { lessonNotebooks, lessonSource, type StartOptions } from "./args.mjs";
import { openBrowser } from "./browser.ts";
import { runCellHeadless, runCellWithJupyter } from "./check.ts";
import { type JupyterLab, provideJupyter } from "./jupyter.ts";
import { type KernelPlace, placeKernel } from "./kernel-place.ts";
import { LabServer } from "./lab.ts";
import { StepError, type Steps } from "./steps.mjs";
import { copyLesson } from "./working-copy.ts";

/**
 * What `npm start` does once the packages are installed and built: JupyterLab, the kernel, the server, the browser.
 *
 * @param root - the package's folder
 * @param options - from the command line
 * @param steps - prints one line for each step
 * @returns the exit code
 */
export async function start(root: string, options: StartOptions, steps: Steps): Promise<number> {
  const { home } = options;
  try {
    let jupyter: JupyterLab | undefined;
    await steps.run("JupyterLab", async (report) => {
      report("looking for one on this computer");
      jupyter = await provideJupyter(root, report, home);
      return jupyter
        ? `${jupyter.version} in ${short(jupyter.prefix ?? jupyter.bin, home)}`
        : "not found, and no Python to install it with";
    });
    let place!: KernelPlace;
    await steps.run("kernel", () => {
      place = placeKernel(root, jupyter, home);
      return `${DISPLAY_NAME} in ${short(place.folder, home)}`;
    });
    if (place.leftAlone) console.log(`      not touched: ${place.leftAlone}`);
    if (options.notebook.folder === options.copy) await steps.run("lesson", () => prepareLesson(root, options));
    return jupyter
      ? await withJupyter(jupyter, place, options, steps)
      : await withoutPython(root, place, options, steps);
  } catch (error) {
    // Already reported by its step.
    if (error instanceof StepError) return 1;
    throw error;
  }
}

/** Makes the student's copy of the lesson, or brings it up to date. @returns what to tell of it */
function prepareLesson(root: string, { copy, home }: StartOptions): string {
  const { behind } = copyLesson(lessonSource(root), copy);
  const kept =
    behind.length > 0
      ? `; you have changed ${behind.join(", ")}, so ${behind.length === 1 ? "it was" : "they were"} not updated`
      : "";
  return `your copy in ${copy === home ? copy : short(copy, home)}${kept}`;
}

async function withJupyter(
  jupyter: JupyterLab,
  place: KernelPlace,
  options: StartOptions,
  steps: Steps,
): Promise<number> {
  const { notebook, port } = options;
  let server: LabServer | undefined;
  const stop = askedToStop();
  try {
    await steps.run("server", async (report) => {
      report("starting JupyterLab");
      server = await LabServer.start({
        jupyter,
        notebook,
        port,
        dataDir: place.dataDir,
        logFile: join(options.home, ".cache", "jupyter-lab.log"),
      });
      await expectOurKernel(server);
      const moved = server.port === port ? "" : ` (${port} is in use)`;
      return `http://localhost:${server.port}${moved}`;
    });
    if (options.check) {
      await server!.ask(`contents/${encodeURI(notebook.file)}?content=0`);
      await steps.run("cell", async () => `gave ${await runCellWithJupyter(jupyter, place)}`);
      return 0;
    }
    if (stop.asked) return 130;
    const opened = options.browser && openBrowser(server!.address);
    console.log(
      `\n  ${opened ? "Opened in your browser:" : "Open in your browser:"}\n  ${server!.address}\n\n  Press Ctrl-C here to stop it.`,
    );
    await Promise.race([stop.done, server!.exited]);
    if (!stop.asked) console.log("\n  JupyterLab has stopped (File > Shut Down, or see .cache/jupyter-lab.log).");
    return 0;
  } finally {
    await server?.stop();
  }
}

/**
 * Waits until the user wants to stop: Ctrl-C, a closed terminal, or npm being killed, which does not always tell
 * its children. The second time, the process exits at once.
 */
function askedToStop(): { asked: boolean; done: Promise<void> } {
  let tell = () => {};
  const stop = { asked: false, done: new Promise<void>((resolve) => (tell = resolve)) };
  const ask = () => {
    stop.asked = true;
    tell();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => (stop.asked ? process.exit(130) : ask()));
  }
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && ask(), 1000).unref();
  return stop;
}

/** Makes sure that the server starts this clone's kernel under our name, whatever else is installed on the machine. */
async function expectOurKernel(server: LabServer): Promise<void> {
  const { spec } = (await server.ask(`kernelspecs/${KERNEL_NAME}`)) as { spec: { argv: string[] } };
  if (spec.argv.join("\n") === kernelArgv().join("\n")) return;
  const next = "Check the output of jupyter kernelspec list, and the JUPYTER_PATH variable.";
  throw new StepError("JupyterLab finds a different kernel with this name", { next, detail: spec.argv.join(" ") });
}

async function withoutPython(root: string, place: KernelPlace, options: StartOptions, steps: Steps): Promise<number> {
  if (options.check) {
    await steps.run("cell", async () => `gave ${await runCellHeadless(place)}`);
    return 0;
  }
  const { folder } = options.notebook;
  const lesson = lessonSource(root);
  console.log(`
  JupyterLab needs Python, and none was found. You can continue in two ways:

  VS Code     Install the extension "Jupyter", open this folder, open ${short(join(folder, options.notebook.file), options.home)},
              then Select Kernel > Jupyter Kernel... > "${DISPLAY_NAME}".
  JupyterLab  Install Python 3.9 or later (https://www.python.org/downloads), then run npm start again.

  Meanwhile, the lesson is being run, solutions included, and written to pages that you can read:
`);
  const outDir = join(options.home, "out", "lesson");
  let failed = false;
  for (const name of lessonNotebooks(lesson)) {
    await steps.run(name.slice(0, 2), async (report) => {
      const [result] = await runNotebooks([join(lesson, name)], {
        outDir,
        html: true,
        collectErrors: true,
        onProgress: ({ done, cells }) => report(`${name}: ${done} of ${cells} cells`),
      });
      failed ||= !result!.ok;
      const page = result!.written.find((file) => file.endsWith(".html"));
      if (!page)
        throw new StepError(`${name} could not be run`, {
          next: "The remaining notebooks were not tried.",
          detail: String(result!.error),
        });
      return short(page, options.home);
    });
  }
  return failed ? 1 : 0;
}

function short(path: string, home: string): string {
  const inside = relative(home, path);
  return inside.startsWith("..") ? path : inside || ".";
}
