import { defineConfig } from "vitest/config";

// Tests that load onnxruntime by itself send nothing to its maker either.
process.env.ORT_DISABLE_TELEMETRY ??= "1";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A machine that is busy answers late; the default is one second.
    expect: { poll: { timeout: 20_000 } },
    // Two cores: more workers than that only make the kernels under test wait for each other.
    maxWorkers: 2,
  },
});
