/** Something that has a model in the front end. */
export interface Reference {
  /** The id of its comm. Asking for it opens the comm. */
  readonly modelId: string;
}

export const REFERENCE = Symbol("difflab.widget-reference");

/** Whether a value has a model in the front end. Reading nothing of it opens nothing. */
export function isReference(value: unknown): value is Reference {
  return typeof value === "object" && value !== null && REFERENCE in value;
}
