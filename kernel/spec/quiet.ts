/**
 * What the processes that we start find in their environment, unless the user has set it: libraries that report to
 * their makers (onnxruntime) do not. A kernelspec's `env` is no place for it, since that would win over the user's own.
 */
export const QUIET = { ORT_DISABLE_TELEMETRY: "1" };
