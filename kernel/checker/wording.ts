/** TypeScript's messages, without the parts that do not help a student. */
export function reword(message: string): string {
  const plain = message.replace(MODULE, (_, path: string) => `module ${moduleName(path)}`).replace(IN_MODULE, "");
  const again = declaredAgain(message);
  if (again !== undefined) {
    return `'${again}' has been declared again since this value was created, and the old and the new one are different. Run the cell that creates the value again.`;
  }
  const single = /^Type '(-?[\d.]+|".*"|true|false|number|string|boolean)' has no properties in common/.exec(plain);
  if (single) {
    const names = [...plain.matchAll(/[{;] (\w+)\??:/g)].map(([, name]) => `${name}: ...`);
    return `Options are passed by name, in an object${names.length > 0 ? `: { ${names.slice(0, 4).join(", ")} }` : ` such as { name: ${single[1]} }`}`;
  }
  // The first line says what is wrong, the last one why; those between lead from one to the other.
  const lines = plain.split("\n");
  const property = lines.findLast((line) =>
    /Types of property '.*' are incompatible|The types of '.*' are incompat/.test(line),
  );
  const mismatch = /Type ('.*') is not assignable to type ('.*')/.exec(lines.at(-1)!);
  if (property && mismatch) {
    return `${/'.*?'/.exec(property)![0]} has the wrong type: ${mismatch[1]} is not assignable to ${mismatch[2]}.`;
  }
  return lines.length > 2 ? `${lines[0]}\n  ${lines.at(-1)!.trim()}` : plain;
}

const IN_MODULE = /(?:typeof )?import\("[^"]*"\)\./g;
/** How TypeScript says that one type is not the other. */
const DIFFERENT =
  /(?:missing in type )?'(?<from>[^']*)' (?:is not assignable to (?:type|parameter of type)|but required in type|is missing the following properties from type|has no properties in common with type) '(?<to>[^']*)'/;
const MODULE = /typeof import\("([^"]*)"\)(?!\.)/g;

/** The name of a class, an enum or a type that is not assignable to another one of its name. */
function declaredAgain(message: string): string | undefined {
  for (const line of message.split("\n")) {
    const types = DIFFERENT.exec(line);
    if (!types) continue;
    const { from = "", to = "" } = types.groups!;
    if (from.replace(IN_MODULE, "") !== to.replace(IN_MODULE, "")) continue;
    const name = /import\("[^"]*\/cell-\d+"\)\.([\p{L}\p{N}_$]+)/u.exec(`${from} ${to}`)?.[1];
    if (name !== undefined) return name;
    // Here TypeScript leaves out where a type is from.
    if (from === to && line.includes("no properties in common")) return from;
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
