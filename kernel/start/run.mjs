// Running a program to its end. Plain JavaScript, because `npm start` needs it before anything is built.
import { spawn } from "node:child_process";

/**
 * @param {string} command
 * @param {string[]} args
 * @param {import("node:child_process").SpawnOptions & { onOutput?: (text: string) => void }} [options]
 * @returns {Promise<{ code: number | null, output: string }>} the exit code (null if the program could not be started or
 * was killed), and what it wrote to stdout and stderr
 */
export function run(command, args, { onOutput, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text) => {
        output += text;
        onOutput?.(text);
      });
    }
    child.once("error", (error) => resolve({ code: null, output: `${command}: ${error.message}` }));
    child.once("close", (code) => resolve({ code, output }));
  });
}
