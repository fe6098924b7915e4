import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { prefixDataDir, userDataDir } from "./data-dirs.ts";
import { installKernelspec, uninstallKernelspec } from "./install.ts";
import { DISPLAY_NAME } from "./kernelspec.ts";
import { findPython } from "./python.ts";

const USAGE = `npm run kernel:install   -- [OPTIONS]    npx difflab kernel install   [OPTIONS]
npm run kernel:uninstall -- [OPTIONS]    npx difflab kernel uninstall [OPTIONS]

  --user        for you, in every Jupyter and in VS Code (default)
  --prefix DIR  into DIR/share/jupyter, where DIR is a Python installation or environment
  --sys-prefix  into the environment of the first Python on the PATH
  --force       replace (or remove) a kernelspec with this name even if it belongs to another copy of difflab`;

const HOW_TO_USE = `
In JupyterLab: reload the page, then choose "${DISPLAY_NAME}" in the launcher or in Kernel > Change Kernel.
In VS Code: install the Jupyter extension, open a notebook, then Select Kernel > Jupyter Kernel... > "${DISPLAY_NAME}".
VS Code reads the same folders as Jupyter, and does not need Python for this kernel.`;

/** Installs the kernelspec, or removes it. @param args - "install" or "uninstall", and options @returns the exit code */
export async function main(args: string[]): Promise<number> {
  try {
    const [action, ...rest] = args;
    const { values } = parseArgs({
      args: rest,
      options: {
        user: { type: "boolean" },
        prefix: { type: "string" },
        "sys-prefix": { type: "boolean" },
        force: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
    if (values.help) return say(USAGE);
    if ([values.user, values.prefix !== undefined, values["sys-prefix"]].filter(Boolean).length > 1) {
      throw new Error("more than one of --user, --prefix and --sys-prefix given; expected at most one.");
    }
    const dataDir = await chooseDataDir(values.prefix, values["sys-prefix"]);
    if (action === "install") {
      const { folder, outcome } = installKernelspec({ dataDir, force: values.force });
      const done = { installed: "Installed", unchanged: "Already installed, nothing to do:", replaced: "Replaced" }[
        outcome
      ];
      return say(`${done} ${folder}\n${HOW_TO_USE}`);
    }
    if (action !== "uninstall")
      throw new Error(`unknown action ${JSON.stringify(action)}; expected "install" or "uninstall".`);
    const removed = uninstallKernelspec({ dataDir, force: values.force });
    return say(
      removed ? `Removed ${removed}` : `difflab's kernelspec is not installed in ${dataDir}; nothing to remove.`,
    );
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    console.error(code?.startsWith("ERR_PARSE_ARGS") ? `${message}\n\n${USAGE}` : message);
    return 1;
  }
}

async function chooseDataDir(prefix: string | undefined, sysPrefix = false): Promise<string> {
  // npm runs scripts in the package's folder; a relative path means the folder in which the user typed it.
  if (prefix !== undefined) return prefixDataDir(resolve(process.env.INIT_CWD ?? ".", prefix));
  if (!sysPrefix) return userDataDir();
  const python = await findPython();
  if (!python)
    throw new Error("--sys-prefix: no Python on the PATH. Activate an environment, or use --prefix DIR or --user.");
  return prefixDataDir(python.prefix);
}

function say(text: string): 0 {
  console.log(text);
  return 0;
}
