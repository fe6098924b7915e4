import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdtempSync, readlinkSync, realpathSync, rmdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageRoot } from "../spec/package-root.ts";
import { QUIET } from "../spec/quiet.ts";
import { watch } from "./watchdog.ts";

/**
 * Runs a kernel isolated from the machine: `node sandbox.js OPTIONS COMMAND ...`.
 *
 * It uses Linux namespaces, the building blocks of containers, through util-linux's own programs, so it needs no container
 * runtime, no privileges and no installation. Inside there is no network, there are no processes but its own, and the only
 * files are the system's programs and this package (without the lesson and its solutions), all read-only, a copy of the
 * notebook's folder, and an empty home. bubblewrap would do the same, but is one more thing to install.
 */

/** The first argument, as JSON. */
export interface SandboxOptions {
  /** Memory limit in MB, for all processes together. */
  memory: number;
  /** Time limit in seconds, after which all processes are killed. */
  seconds: number;
  /** The processors to run on, in `taskset`'s notation: "0,2-3"; empty for all. */
  cores?: string;
  /** Folders to make visible in addition to those that every kernel needs. */
  readable?: readonly string[];
  /** Folders shared with the machine: where the kernel's sockets are. */
  writable?: readonly string[];
  /** The process that starts the sandbox, which ends with it; default: the one that is its parent as it begins to run. */
  parent?: number;
}

/** Size in MB of the folders that a kernel may write to. They are kept in memory, and vanish with it. */
const SCRATCH = 512;

const QUOTE = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

/** The programs that make a sandbox. */
const TOOLS = ["unshare", "setpriv", "prlimit", "mount", "umount", "pivot_root"];

/**
 * Whether this machine can isolate a kernel.
 *
 * @returns the reason why not; undefined if it can
 */
export function whyNoSandbox(): string | undefined {
  if (process.platform !== "linux") return `${process.platform} has no namespaces; a Linux container has them`;
  const missing = TOOLS.filter((tool) => findTool(tool) === undefined);
  if (missing.length > 0)
    return `missing ${missing.length === 1 ? "program" : "programs"}: ${missing.join(", ")} (on Debian or Ubuntu: sudo apt install util-linux)`;
  const [program, ...args] = [...APART, "mount", "-t", "tmpfs", "tmpfs", tmpdir()];
  const made = spawnSync(program!, args, { encoding: "utf8" });
  const reason = (text: string) => /^.*Error: .*$/m.exec(text)?.[0] ?? text.trim().split("\n").at(-1);
  if (made.status !== 0) return `this system does not let users create namespaces: ${reason(made.stderr)}`;
  // Does the kernel's program load in a complete sandbox?
  const [sandbox, kernel] = ["class/sandbox.js", "main.js"].map((name) => join(packageRoot(), "dist", "kernel", name));
  const options = JSON.stringify({ memory: 1024, seconds: 60 } satisfies SandboxOptions);
  const command = [sandbox!, options, process.execPath, "--check", kernel!];
  const cwd = mkdtempSync(join(tmpdir(), "difflab-empty-"));
  const ran = spawnSync(process.execPath, command, { encoding: "utf8", cwd });
  rmdirSync(cwd);
  return ran.status === 0 ? undefined : `the kernel does not start in a sandbox: ${reason(ran.stderr)}`;
}

/** Creates the namespaces; everything in them ends with their first process. */
const APART = "unshare --user --map-root-user --mount --net --ipc --uts --pid --fork --kill-child=KILL".split(" ");

function findTool(name: string): string | undefined {
  return ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map((folder) => join(folder, name)).find(existsSync);
}

/**
 * The script, run as root of the new namespaces, that sets up the files and then becomes the command.
 *
 * @param folder - the notebook's
 * @param base - an empty folder, where the root that the command will see is mounted
 */
export function sandboxScript(
  command: readonly string[],
  folder: string,
  base: string,
  options: SandboxOptions,
): string {
  const root = packageRoot();
  const wanted = [
    "/usr",
    ...SYSTEM.filter((path) => existsSync(path) && !lstatSync(path).isSymbolicLink()),
    ...["ld.so.cache", "localtime", "fonts", "passwd", "group", "alternatives"].map((name) => join("/etc", name)),
    realpathSync(process.execPath),
    ...["package.json", "dist", "data", "node_modules"].map((name) => join(root, name)),
    ...(options.readable ?? []),
  ].filter(existsSync);
  // What lies in a folder that is shown already needs nothing of its own.
  const shown = wanted.filter((path, i) => !wanted.some((other, k) => k !== i && path.startsWith(`${other}/`)));
  const writable = options.writable ?? [];
  const isFolder = (path: string) => statSync(path).isDirectory();
  const files = shown.filter((path) => !isFolder(path));
  const folders = [...shown.filter(isFolder), ...writable, folder, ...files.map((path) => dirname(path))];
  const inside = (path: string) => QUOTE(`.${path}`);
  const lines = [
    "set -e",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    `mount -t tmpfs -o size=16m,mode=755 tmpfs ${QUOTE(base)}`,
    `cd ${QUOTE(base)}`,
    "mkdir old proc dev dev/shm tmp sys",
    "touch dev/null dev/zero dev/full dev/random dev/urandom",
    "mount --rbind /sys sys",
    "mount -t proc proc proc",
    "for name in null zero full random urandom; do mount --bind /dev/$name dev/$name; done",
    "mount -t tmpfs -o size=256m,mode=1777 tmpfs dev/shm",
    `mount -t tmpfs -o size=${SCRATCH}m,mode=1777 tmpfs tmp`,
    // The rest comes after these, as the package or the course may be in a temporary folder.
    `mkdir -p tmp/home ${folders.map(inside).join(" ")}`,
    ...(files.length > 0 ? [`touch ${files.map(inside).join(" ")}`] : []),
    ...SYSTEM.filter((path) => existsSync(path) && lstatSync(path).isSymbolicLink()).map(
      (path) => `ln -s ${QUOTE(readlinkSync(path))} ${inside(path)}`,
    ),
    // A mount that is nosuid or nodev cannot be made less so.
    'show() { mount -o bind,ro "$1" "$2" 2>/dev/null || { mount --bind "$1" "$2"; mount -o remount,bind,ro,nosuid,nodev "$2" 2>/dev/null || mount -o remount,bind,ro,nosuid,nodev,noexec "$2"; }; }',
    ...shown.map((path) => `show ${QUOTE(realpathSync(path))} ${inside(path)}`),
    ...writable.map((path) => `mount --bind ${QUOTE(path)} ${inside(path)}`),
    // The notebook's own files, as copies; links could lead anywhere, and the notebook itself is not needed.
    `mount -t tmpfs -o size=${SCRATCH}m,mode=755 tmpfs ${inside(folder)}`,
    `(cd ${QUOTE(folder)} && find . -type f ! -name '*.ipynb' -size -65536k -exec cp --parents -t ${QUOTE(base + folder)} {} +) || true`,
    "pivot_root . old",
    "cd /",
    "umount -l old",
    "mount -o remount,ro /",
    `cd ${QUOTE(folder)}`,
    // From here on without any right, also not those of root in these namespaces.
    `exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs prlimit --core=0 --fsize=${SCRATCH * 2 ** 20} --data=${options.memory * 2 ** 20} ${command.map(QUOTE).join(" ")}`,
  ];
  return lines.join("\n");
}

/** Folders of the system beside /usr: on today's systems links into it. */
const SYSTEM = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/** How many processors a list such as "0,2-3" names. */
function coreCount(cores: string): number {
  const ranges = cores.split(",").map((range) => range.split("-").map(Number));
  return ranges.reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}

/** The environment of a sandboxed kernel: none of the machine's own variables. */
function environment(options: SandboxOptions): NodeJS.ProcessEnv {
  const threads = options.cores ? { OMP_NUM_THREADS: String(coreCount(options.cores)) } : {};
  return {
    ...QUIET,
    ...threads,
    DIFFLAB_PRELOAD: "off", // a processor or two for all of it, and nobody who waits
    PATH: [dirname(process.execPath), "/usr/bin", "/bin"].join(":"),
    HOME: "/tmp/home",
    TMPDIR: "/tmp",
    LANG: "C.UTF-8",
    TZ: process.env.TZ,
  };
}

function start(command: readonly string[], base: string, options: SandboxOptions): ChildProcess {
  const script = sandboxScript(command, process.cwd(), base, options);
  const cores = options.cores ? ["taskset", "--cpu-list", options.cores] : [];
  // However this process ends, nothing of the sandbox outlives it.
  const argv = [...cores, "setpriv", "--pdeathsig", "KILL", ...APART, "sh", "-c", script];
  return spawn(argv[0]!, argv.slice(1), { env: environment(options), stdio: ["ignore", "inherit", "inherit"] });
}

function main([text, ...command]: readonly string[]): void {
  const options = JSON.parse(text ?? "{}") as SandboxOptions;
  const base = mkdtempSync(join(realpathSync(tmpdir()), "difflab-box-"));
  process.on("exit", () => rmdirSync(base)); // empty here, whatever is mounted there inside
  const child = start(command, base, options);
  const stop = watch(child.pid!, options);
  child.once("error", (error) => {
    console.error(`sandbox: ${error.message}`);
    process.exit(1);
  });
  child.once("exit", (code, signal) => {
    stop();
    process.exit(code ?? (signal === "SIGKILL" ? 137 : 1));
  });
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill("SIGKILL"));
  process.on("SIGINT", () => {}); // Ctrl-C is for who grades; that process ends this one
  // The process that started this may vanish without a word, perhaps before this one got to its first line.
  const parent = options.parent ?? process.ppid;
  setInterval(() => process.ppid !== parent && child.kill("SIGKILL"), 1000).unref();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2));
