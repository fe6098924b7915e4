import { main } from "./cli.ts";

// Through process.exit, which ends the kernel and takes its connection file away.
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const) {
  process.once(signal, () => process.exit(code));
}

process.exitCode = await main(process.argv.slice(2));
