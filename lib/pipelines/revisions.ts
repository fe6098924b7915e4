/** How often a model's weights were changed by adapters: whoever has compiled it looks whether it still is what it was. */
const revisions = new WeakMap<object, number>();

/** Counts up with each change by `revise`. */
export function revisionOf(model: object): number {
  return revisions.get(model) ?? 0;
}

/** Says that a model's weights have changed, to all pipelines that share it. */
export function revise(model: object): void {
  revisions.set(model, revisionOf(model) + 1);
}
