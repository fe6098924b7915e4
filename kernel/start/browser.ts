import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Opens an address in the user's browser, if there is a desktop.
 *
 * @returns whether an attempt was made; the address is printed either way
 */
export function openBrowser(address: string): boolean {
  const command = browserCommand(address);
  if (!command) return false;
  const [file, ...args] = command;
  spawn(file!, args, { stdio: "ignore", detached: true })
    .on("error", () => {})
    .unref();
  return true;
}

function browserCommand(address: string): string[] | undefined {
  if (process.platform === "darwin") return ["open", address];
  // Not "cmd /c start", whose shell would read the address's characters.
  if (process.platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler", address];
  if (isWsl()) return ["rundll32.exe", "url.dll,FileProtocolHandler", address];
  // Without a screen, xdg-open would start a text browser in this terminal.
  return process.env.DISPLAY || process.env.WAYLAND_DISPLAY ? ["xdg-open", address] : undefined;
}

/** Linux inside Windows: its browser is Windows'. */
function isWsl(): boolean {
  if (process.platform !== "linux") return false;
  try {
    return /microsoft/i.test(readFileSync("/proc/sys/kernel/osrelease", "utf8"));
  } catch {
    return false;
  }
}
