// The entry of `npm start`. It must run on a fresh clone where nothing is installed or built yet, so this one file is
// plain JavaScript with nothing but Node: it installs the packages, builds, and hands over to dist/kernel/start/.
import { existsSync, readdirSync, readFileSync, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseStartArgs, USAGE } from "./args.mjs";
import { run } from "./run.mjs";
import { createSteps, StepError } from "./steps.mjs";

const OLDEST_NODE = [20, 19];

/**
 * Whether the installed packages are those of the lock file.
 *
 * The last thing npm does is to list what it installed in `node_modules/.package-lock.json`. Packages that
 * are missing there must be ones that can be missed: other systems' binaries, or the tools for developing difflab.
 *
 * @param {string} root - the package's folder
 */
export function packagesAreCurrent(root) {
  const installed = readJson(join(root, "node_modules", ".package-lock.json"));
  const wanted = readJson(join(root, "package-lock.json"));
  if (!installed || !wanted) return false;
  return Object.entries(wanted.packages).every(([path, { version, integrity, optional, dev, devOptional }]) => {
    if (path === "") return true;
    const found = installed.packages[path];
    if (!found) return Boolean(optional || dev || devOptional);
    return found.version === version && found.integrity === integrity;
  });
}

/**
 * Whether `dist/` was built from the sources as they are now.
 *
 * @param {string} root - the package's folder
 */
export function buildIsCurrent(root) {
  const built = join(root, "dist", ".tsbuildinfo");
  if (!existsSync(built)) return false;
  const { mtimeMs } = statSync(built);
  const settings = ["tsconfig.json", "tsconfig.build.json", "package-lock.json"].map((name) => join(root, name));
  return [...settings, ...sources(join(root, "kernel")), ...sources(join(root, "lib"))].every(
    (file) => statSync(file).mtimeMs <= mtimeMs,
  );
}

/**
 * @param {string} folder
 * @returns {string[]} the TypeScript files in it, and the folders: one that lost a file is newer too
 */
function sources(folder) {
  const inside = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sources(path) : entry.name.endsWith(".ts") ? [path] : [];
  });
  return [folder, ...inside];
}

/**
 * @param {string} file
 * @returns {any} undefined if it is missing or broken
 */
function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} root
 * @param {(text: string) => void} report
 */
async function installPackages(root, report) {
  if (packagesAreCurrent(root)) return "up to date";
  report("installing and building, usually under a minute");
  const { code, output } = await runNpm(root, [
    "ci",
    "--prefer-offline",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
  ]);
  if (code !== 0) {
    // npm ci builds as well, once it has installed (the script "prepare").
    if (/error TS\d+/.test(output)) throw notCompiling(output);
    const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|network/i.test(
      output,
    );
    const next = offline
      ? "Check your network connection (or proxy: npm config get proxy), then run npm start again."
      : "Run npm ci to see its full output. Once it succeeds, run npm start again.";
    throw new StepError("npm ci failed", { next, detail: output.replace(/^npm error( +at .*|)\n/gm, "") });
  }
  return "installed";
}

/**
 * Builds `dist/` if the sources have changed since.
 *
 * @param {string} root - the package's folder
 * @param {(text: string) => void} [report] - called with a progress message
 * @throws StepError if they do not compile
 */
export async function build(root, report) {
  if (buildIsCurrent(root)) return "up to date";
  report?.("compiling the sources");
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  const { code, output } = await run(process.execPath, [compiler, "-p", "tsconfig.build.json"], { cwd: root });
  if (code !== 0) throw notCompiling(output);
  // The compiler leaves the file alone where a touched source says the same as before.
  const now = new Date();
  utimesSync(join(root, "dist", ".tsbuildinfo"), now, now);
  return "built";
}

/** @param {string} output - the compiler's */
function notCompiling(output) {
  const next = "Fix the errors above, or undo your last changes to kernel/ or lib/ (git status lists them).";
  // npm wraps the compiler's lines in its own.
  const detail = output.match(/^.*error TS.*(\n +.*)*/gm)?.join("\n") ?? output;
  return new StepError("difflab's sources do not compile", { next, detail });
}

/**
 * Runs npm as `npm start` itself was run; found beside node where this file was started directly.
 *
 * @param {string} root
 * @param {string[]} args
 */
function runNpm(root, args) {
  const libFolder = join(dirname(process.execPath), process.platform === "win32" ? "" : "../lib");
  const found = [process.env.npm_execpath ?? "", join(libFolder, "node_modules", "npm", "bin", "npm-cli.js")].find(
    (file) => file.endsWith("npm-cli.js") && existsSync(file),
  );
  if (found) return run(process.execPath, [found, ...args], { cwd: root });
  // npm is a script of the shell on Windows; the arguments are fixed words, safe in any shell, and part of its line: Node 24
  // warns of those that are not.
  if (process.platform === "win32") return run(["npm", ...args].join(" "), [], { cwd: root, shell: true });
  return run("npm", args, { cwd: root });
}

/**
 * @param {string} root
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function main(root, args) {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const [wantMajor = 0, wantMinor = 0] = OLDEST_NODE;
  if (major < wantMajor || (major === wantMajor && minor < wantMinor)) {
    console.error(
      `Node ${process.versions.node} is too old: difflab needs ${OLDEST_NODE.join(".")} or later (https://nodejs.org).`,
    );
    return 1;
  }
  /** @type {import("./args.mjs").StartOptions} */
  let options;
  try {
    // npm runs scripts in the package's folder; INIT_CWD is where the user typed.
    options = parseStartArgs(args, root, process.env.INIT_CWD ?? process.cwd());
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n\n${USAGE}`);
    return 1;
  }
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const steps = createSteps(process.stdout);
  try {
    await steps.run("packages", (report) => installPackages(root, report));
    await steps.run("build", (report) => build(root, report));
  } catch (error) {
    if (error instanceof StepError) return 1;
    throw error;
  }
  const flow = pathToFileURL(join(root, "dist", "kernel", "start", "start.js")).href;
  /** @type {{ start(root: string, options: import("./args.mjs").StartOptions, steps: import("./steps.mjs").Steps): Promise<number> }} */
  const { start } = await import(flow);
  return start(root, options, steps);
}

const self = fileURLToPath(import.meta.url);
if (process.argv[1] && pathToFileURL(process.argv[1]).href === import.meta.url) {
  process.exitCode = await main(join(dirname(self), "..", ".."), process.argv.slice(2));
}
