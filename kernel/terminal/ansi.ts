/** Terminal colours of traces, which front ends turn into their own; legible on light and on dark ground. */

export function red(text: string): string {
  return `\u001b[31m${text}\u001b[39m`;
}

export function grey(text: string): string {
  return `\u001b[38;5;244m${text}\u001b[39m`;
}
