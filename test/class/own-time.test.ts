import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../root.ts";

/** Says what share of two seconds was a process's own: of one that sleeps, of one among six on a processor, and of the one that started the six. */
const PROGRAM = `
import json, subprocess, sys, time
from own_time import OwnTime
BUSY = [sys.executable, "-c", "while True: pass"]
on_first = lambda *command: subprocess.Popen(["taskset", "--cpu-list", "0", *command], start_new_session=True)
six = on_first("sh", "-c", 'for i in 1 2 3 4 5; do "$@" & done; exec "$@"', "sh", *BUSY)
alone = on_first(*BUSY)
asleep = on_first("sleep", "60")
time.sleep(0.5)
times = [OwnTime(asleep.pid), OwnTime(alone.pid), OwnTime(six.pid, cores=1)]
began = time.monotonic()
time.sleep(2)
print(json.dumps([own.seconds() / (time.monotonic() - began) for own in times]))
import os, signal
for process in [six, alone, asleep]: os.killpg(process.pid, signal.SIGKILL)
`;

test.skipIf(process.platform !== "linux")("time in which other programs have the processor is nobody's own", () => {
  const env = { ...process.env, PYTHONPATH: join(ROOT, "kernel/class/python") };
  const text = execFileSync("python3", ["-c", PROGRAM], { env, encoding: "utf8", timeout: 60_000 });
  const [asleep, alone, six] = JSON.parse(text) as [number, number, number];
  expect(asleep).toBeGreaterThan(0.9);
  expect(alone).toBeLessThan(0.75);
  // What has started too many processes itself has had them all: six shares, not one.
  expect(six).toBeGreaterThan(alone / 2);
});
