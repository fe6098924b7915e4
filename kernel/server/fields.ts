/** The text in a field of a message. Fields come from outside: one that holds something else counts as empty. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The entries of an object in a field of a message; none if it holds something else. */
export function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}
