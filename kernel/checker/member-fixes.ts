import type { Fix } from "./fix.ts";
import { type Path, short, textOf } from "./tree.ts";

/** `x.mean.item()` with the call that a method needs: `x.mean().item()`. */
export function methodFixes({ node, parents }: Path, message: string, source: string): Fix[] {
  if (!/type '\(.*\) => /.test(message)) return [];
  const member = [node, ...parents].find((each) => each.type === "MemberExpression");
  if (member?.type !== "MemberExpression") return [];
  const call = parents.find((each) => each.type === "CallExpression" && each.callee === member);
  const { start, object } = member;
  const { end } = call ?? member;
  const [name, rest] = [textOf(object, source), source.slice(object.end!, end!)];
  const why = `${short(name)} is a method: call it.`;
  return [`${name}()${rest}`, `(await ${name}())${rest}`].map((text) => ({ start: start!, end: end!, text, why }));
}
