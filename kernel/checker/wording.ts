/** TypeScript's messages, without the parts that do not help a student. */
export function reword(message: string): string {
  const plain = message.replace(MODULE, (_, path: string) => `module ${moduleName(path)}`).replace(IN_MODULE, "");
  const again = declaredAgain(message);
  if (again !== undefined) {
    return `'${again}' has been declared again since this value was created, and the old and the new one are different. Run the cell that creates the value again.`;
  }
  // The first line says what is wrong, the last one why; those between lead from one to the other.
  const lines = plain.split("\n");
  return lines.length > 2 ? `${lines[0]}\n  ${lines.at(-1)!.trim()}` : plain;
}

const IN_MODULE = /(?:typeof )?import\("[^"]*"\)\./g;
const MODULE = /typeof import\("([^"]*)"\)(?!\.)/g;

/** The name of a class, an enum or a type that is not assignable to another one of its name. */
function declaredAgain(message: string): string | undefined {
  for (const line of message.split("\n")) {
    const types = /'([^']*)' is not assignable to (?:type|parameter of type) '([^']*)'/.exec(line);
    if (!types) continue;
    const [, from = "", to = ""] = types;
    if (from.replace(IN_MODULE, "") !== to.replace(IN_MODULE, "")) continue;
    const name = /import\("[^"]*\/cell-\d+"\)\.([\p{L}\p{N}_$]+)/u.exec(`${from} ${to}`)?.[1];
    if (name !== undefined) return name;
  }
  return undefined;
}

function moduleName(path: string): string {
  const inPackage = path.replace(/^.*\/node_modules\//, "");
  return (
    inPackage
      .replace(/(?:\/index)?(?:\.d)?(?:\.[cm]?[jt]s)?$/, "")
      .split("/")
      .at(-1) ?? path
  );
}
