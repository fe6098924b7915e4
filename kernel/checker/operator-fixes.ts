import type { Fix } from "./fix.ts";
import { isOperation, outerRange, type Path, receiver, textOf } from "./tree.ts";

/** `later - earlier` of two dates. */
export function dateFixes({ node, parents }: Path, source: string): Fix[] {
  const operation = [node, ...parents].find(isOperation);
  if (operation?.operator !== "-") return [];
  const { start, end, left, right } = operation;
  if (/StringLiteral/.test(left.type + right.type)) return [];
  const time = (text: string) => (/^Date\.now\(\)$|^\d+$/.test(text) ? text : `Number(${text})`);
  const text = `${time(textOf(left, source))} - ${time(textOf(right, source))}`;
  return [{ start: start!, end: end!, text, why: "Dates are subtracted as numbers of milliseconds." }];
}

/** What Python's operators do with texts and lists, and `in` with the elements of a list. */
export function operatorFixes({ node, parents }: Path, source: string): Fix[] {
  const chain = [node, ...parents];
  const fixes: Fix[] = [];
  const loop = chain.find((each) => each.type === "ForInStatement");
  if (loop) {
    const end = source.indexOf(")", outerRange(loop.right, source)[1]) + 1;
    const text = `for (${textOf(loop.left, source)} of ${textOf(loop.right, source)})`;
    fixes.push({ start: loop.start!, end, text, why: "`in` goes through the keys, `of` through the values." });
  }
  const operation = chain.find(isOperation);
  if (!operation) return fixes;
  const { start, end, left, right, operator } = operation;
  const [a, b] = [textOf(left, source), textOf(right, source)];
  const write = (text: string, why: string) => fixes.push({ start: start!, end: end!, text, why });
  const only = left.type === "ArrayExpression" && left.elements.length === 1 ? left.elements[0] : undefined;
  if (operator === "+") write(`${receiver(left, source)}.concat(${b})`, "+ works on numbers and texts only.");
  if (operator === "*") {
    const why = "* works on numbers only.";
    if (only) write(`Array.from({ length: ${b} }, () => ${textOf(only, source)})`, why);
    if (right.type !== "StringLiteral") write(`${receiver(left, source)}.repeat(${b})`, why);
    write(`${receiver(right, source)}.repeat(${a})`, why);
    if (left.type === "ArrayExpression") write(`Array.from({ length: ${b} }, () => ${a}).flat()`, why);
  }
  if (operator === "%" && left.type === "StringLiteral") {
    const values = right.type === "TSAsExpression" ? [] : [b];
    const text = left.value.replace(/%[-+ 0-9]*(?:\.(\d+))?[dfgsei]/g, (_, digits: string | undefined) => {
      const value = values.shift() ?? "value";
      return `\${${digits === undefined ? value : `${value}.toFixed(${digits})`}}`;
    });
    write(`\`${text.replaceAll("%%", "%")}\``, "% does not put values into a text.");
  }
  // 0 < x < 1
  if (isOperation(left) && /^[<>]=?$/.test(operator) && /^[<>]=?$/.test(left.operator)) {
    write(`${a} && ${textOf(left.right, source)} ${operator} ${b}`, "Comparisons do not chain.");
  }
  return fixes;
}
