/** What to do about a module that is not there: the checker says it before a cell runs, the evaluator for `import(name)`. */
export function missingModule(specifier: string): string {
  if (/^[./]|^file:/.test(specifier)) return `Cannot find the file '${specifier}', seen from the notebook's folder.`;
  const name = packageName(specifier);
  return `Cannot find the package '${specifier}'. Install it in a terminal: npm install ${name}`;
}

/** The package of a specifier: "@scope/name/sub" is of "@scope/name". */
export function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
