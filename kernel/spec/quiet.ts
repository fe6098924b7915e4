/**
 * Variables for the environment of the processes that we start, unless the user has set them: they turn off the telemetry
 * of libraries (onnxruntime). They do not belong in a kernelspec's `env`, which would override the user's own.
 */
export const QUIET = { ORT_DISABLE_TELEMETRY: "1" };
