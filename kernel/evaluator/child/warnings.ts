/**
 * What Node finds outdated (`DEP0060` and its like) differs from version to version and is mostly some package's: a student
 * can do nothing about it, and a graded cell would fail for it. Such notices are dropped; what programs warn of is shown.
 */
export function installWarnings(): void {
  const emit = process.emitWarning as (...args: unknown[]) => void;
  process.emitWarning = (...args: unknown[]): void => {
    if (!isDeprecationOfNode(args)) emit.apply(process, args);
  };
}

/** @param args - as `process.emitWarning` takes them: (error), (text, type, code) or (text, { type, code }) */
function isDeprecationOfNode([warning, type, code]: unknown[]): boolean {
  const [first, second] = [warning, type].map(
    (each) => (each ?? {}) as { name?: unknown; type?: unknown; code?: unknown },
  );
  const given = warning instanceof Error ? [first!.name, first!.code] : [second!.type ?? type, second!.code ?? code];
  return given[0] === "DeprecationWarning" && /^DEP\d+$/.test(String(given[1]));
}
