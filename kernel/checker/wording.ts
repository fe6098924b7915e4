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
  for (const [pattern, write] of REWORDED) {
    const match = pattern.exec(plain);
    if (match) return write(match);
  }
  // The first line says what is wrong, the last one why; those between lead from one to the other.
  const lines = plain
    .replace(/^No overload matches this call\.\n\s*The last overload gave the following error\.\n\s*/, "")
    .split("\n");
  const property = lines.findLast((line) =>
    /Types of property '.*' are incompatible|The types of '.*' are incompat/.test(line),
  );
  const mismatch = /Type ('.*') is not assignable to type ('.*')/.exec(lines.at(-1)!);
  if (property && mismatch) {
    return `${/'.*?'/.exec(property)![0]} has the wrong type: ${mismatch[1]} is not assignable to ${mismatch[2]}.`;
  }
  return lines.length > 2 ? `${lines[0]}\n  ${lines.at(-1)!.trim()}` : lines.join("\n");
}

/** Messages that say what is wrong, but not what to write. */
const REWORDED: readonly [RegExp, (match: RegExpExecArray) => string][] = [
  [
    /^(?:Parameter|Binding element|Rest parameter) '(.*)' implicitly has an '.*' type\.$/,
    ([, name]) => `The parameter '${name}' needs a type. Write, for example: ${name}: number, or ${name}: Tensor`,
  ],
  [
    /^Cannot assign to '(.*)' because it is a constant\.$/,
    ([, name]) => `Cannot assign to '${name}' because it is a constant: declare it with let instead of const.`,
  ],
  [
    /^'const' declarations must be initialized\.$/,
    () => "A constant needs its value at once. Write: const x = ..., or let x",
  ],
  [
    /^Value of type 'typeof (.*)' is not callable\. Did you mean to include 'new'\?$/,
    ([, name]) => `${name} is a class: write \`new\` in front of it.`,
  ],
  [
    /^This expression is not callable\.\n\s*Type 'module (.*)' has no call signatures\.$/,
    () => 'This is a whole module, not a function. Import the function by its name: import { name } from "..."',
  ],
  [
    /^The (left|right)-hand side of an arithmetic operation must be of type /,
    ([, side]) => `Arithmetic needs numbers, and what is on the ${side} is not one.`,
  ],
  [/^';' expected\.$/, () => "Something is missing here: a ; between two statements, or an operator."],
  [
    /^Type '(.*)' is not assignable to type 'Nested'\./,
    ([, type]) => `A tensor is made of numbers, not of a value of type '${type}'.`,
  ],
  [/^Expected 1 arguments, (.*)$/, ([, rest]) => `Expected 1 argument, ${rest}`],
];

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
