import { homedir } from "node:os";
import { posix, win32 } from "node:path";

/** The machine as {@link userDataDir} sees it. */
export interface Machine {
  platform?: NodeJS.Platform;
  env?: NodeJS.ProcessEnv;
  home?: string;
}

/**
 * The user's Jupyter data folder, as jupyter_core finds it.
 *
 * In order: `JUPYTER_DATA_DIR`; then, if `JUPYTER_PLATFORM_DIRS` is on, the platform's own place; else
 * `~/Library/Jupyter` on macOS, `%APPDATA%\jupyter` on Windows (without APPDATA, `data` in the configuration
 * folder), `$XDG_DATA_HOME/jupyter` or `~/.local/share/jupyter` elsewhere.
 *
 * @see jupyter_core/paths.py, `jupyter_data_dir`
 */
export function userDataDir(machine: Machine = {}): string {
  const { platform = process.platform, env = process.env, home = homedir() } = machine;
  const { join, resolve } = platform === "win32" ? win32 : posix;
  if (env.JUPYTER_DATA_DIR) return env.JUPYTER_DATA_DIR;
  const platformDirs = isOn(env.JUPYTER_PLATFORM_DIRS);
  if (platform === "darwin") return join(home, "Library", platformDirs ? "Application Support/Jupyter" : "Jupyter");
  if (platform === "win32") {
    if (platformDirs) return join(env.LOCALAPPDATA || join(home, "AppData", "Local"), "Jupyter");
    if (env.APPDATA) return resolve(env.APPDATA, "jupyter");
    return join(env.JUPYTER_CONFIG_DIR || join(home, ".jupyter"), "data");
  }
  const xdg = env.XDG_DATA_HOME || join(home, ".local", "share");
  return join(xdg, "jupyter");
}

/** The data folder of a Python installation or environment: what `--prefix` and `--sys-prefix` mean. */
export function prefixDataDir(prefix: string, platform = process.platform): string {
  return (platform === "win32" ? win32 : posix).join(prefix, "share", "jupyter");
}

/** As jupyter_core reads its on/off variables. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && !["no", "n", "false", "off", "0", "0.0"].includes(value.toLowerCase());
}
