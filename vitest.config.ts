import { defineConfig } from "vitest/config";

// Tests that load onnxruntime by itself send nothing to its maker either.
process.env.ORT_DISABLE_TELEMETRY ??= "1";

/** The folders of test/lib in which much is computed: every operation, models, their data, what trains them, samples and judges, and devices. */
const MODELS =
  "test/lib/{adapters,datasets,explore,finetune,judge,models,operations,optim,pipelines,recipes,runtime,schedulers,train}/**/*.test.ts";

/** Tests that put other modules in the place of Node's: each needs a process of its own. */
const HUB = "test/lib/hub/**/*.test.ts";

/** A part of the tests, by its name. What is in dist/ is brought up to date before they start. */
const part = (
  name: string,
  include: string[],
  more: { exclude?: string[]; isolate?: boolean; env?: Record<string, string> } = {},
) => ({
  extends: true as const,
  test: { name, include, globalSetup: ["test/build.ts"], ...more },
});

// What is tested is loaded once for all the files of a worker, which takes longer than most of them; each leaves it as it found it.
const together = { isolate: false };

// A hundred kernels are started for a cell or two, or whose cells follow each other at once. What is loaded ahead of its use has a test of its own.
const WITHOUT_PRELOAD = { DIFFLAB_PRELOAD: "off" };

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A machine that is busy answers late; the default is one second.
    expect: { poll: { timeout: 20_000 } },
    // For `npm run coverage`: what the tests load by themselves. Processes that they start run from dist/ and are not counted.
    coverage: { provider: "v8", exclude: ["dist/**", "test/**"], reporter: [["text", { skipFull: true }]] },
    // Two cores: more workers than that only make the kernels under test wait for each other.
    maxWorkers: 2,
    setupFiles: ["test/equal.ts"],
    // Files that have not changed since the last run are not compiled again.
    experimental: { fsModuleCache: true },
    projects: [
      part("unit", ["test/lib/**/*.test.ts", "test/docs/**/*.test.ts"], { exclude: [HUB, MODELS], ...together }),
      part("hub", [HUB]),
      part("models", [MODELS], together),
      part("kernel", ["test/kernel/**/*.test.ts", "test/class/**/*.test.ts"], { ...together, env: WITHOUT_PRELOAD }),
      part("notebooks", ["test/notebooks/**/*.test.ts"], { env: WITHOUT_PRELOAD }),
      part("e2e", ["test/e2e/**/*.test.ts", "test/*.test.ts"]),
    ],
  },
});
