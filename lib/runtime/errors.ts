import { gib } from "../graph/shape.ts";
import type { Structure } from "../lower/structure.ts";
import { plural } from "../printed.ts";

/** Says what onnxruntime's message means, if that is known, and keeps the message if not. */
export function explain(error: unknown, graph?: Structure): Error {
  const text = error instanceof Error ? error.message : String(error);
  const bounds = /(?:idx|index|indices)\s*=?\s*\[?(-?\d+).*?\[\s*(-?\d+)\s*,\s*(-?\d+)\s*\]/s.exec(text);
  if (bounds && /out of|bounds|range/i.test(text)) {
    const size = Number(bounds[3]) + 1;
    // Negative indices were moved below those that count from the end.
    const index = Number(bounds[1]) < -size ? Number(bounds[1]) + size : Number(bounds[1]);
    return new RangeError(
      `index ${index} is out of range; the indexed dimension has ${plural(size, "element")}, 0 to ${size - 1}`,
      { cause: error },
    );
  }
  if (
    /Failed to allocate|bad_alloc|out of memory|Invalid typed array length|Array buffer allocation failed/i.test(text)
  ) {
    const largest = graph?.order.reduce((a, b) => (a.size > b.size ? a : b));
    const hint = largest
      ? `; the largest tensor of this computation is ${largest.op} [${largest.shape}], ${gib(4 * largest.size)}`
      : "";
    return new Error(`not enough memory${hint}. Use a smaller batch.`, { cause: error });
  }
  if (/external data|External data|initializer\.cc.*SystemError/.test(text)) {
    const file = graph?.order.find((node) => node.storage?.file)?.storage?.file?.file;
    const path = file ? ` ${file.folder}/${file.location}` : "";
    return new Error(`the weights' file${path} cannot be read; has it been moved or deleted? ${text}`, {
      cause: error,
    });
  }
  // "Non-zero status code returned while running Mod node. Name:'t1' Status Message: file.cc:1 f() the reason"
  const failed = /while running (\w+) node\..*?Status Message: (?:\S+\.(?:cc|h):\d+ )?(?:\S+\(.*?\) )?(.*)/s.exec(text);
  return new Error(failed ? `${failed[1]}: ${failed[2]}` : text, { cause: error });
}
