import type * as t from "@babel/types";
import type { Fix } from "./fix.ts";
import { enclosingCall, type Path, receiver, short, textOf } from "./tree.ts";

/** `layer(x)` as `layer.forward(x)`, `x.shape()` as `x.shape`, `nn.Linear(2, 3)` with `new`. */
export function callFixes({ node, parents }: Path, source: string): Fix[] {
  const call = [node, ...parents].find((each) => each.type === "CallExpression");
  if (call?.type !== "CallExpression") return [];
  const name = textOf(call.callee, source);
  const given = source.slice(call.callee.end!, call.end!);
  const write = (text: string, why: string): Fix => ({ start: call.start!, end: call.end!, text, why });
  if (call.arguments.length === 0) return [write(name, `${short(name)} is a value, not a function.`)];
  return [
    write(`new ${name}${given}`, "A new object of a class is made with `new`."),
    write(`${name}.forward${given}`, "A layer is not a function."),
  ];
}

/** Options that are often passed by place, by the type of their value. */
const USUAL_OPTIONS: Record<string, readonly string[]> = {
  StringLiteral: ["prompt", "title"],
  NumericLiteral: ["lr", "n", "numInferenceSteps", "size"],
};

/** Arguments as the function wants them: `randn([2, 3])`, `x.sqrt()` for `Math.sqrt(x)`, `{ lr: 0.1 }` for 0.1, `x.sum(0)` for `{ dim: 0 }`. */
export function argumentFixes({ node, parents }: Path, message: string, source: string): Fix[] {
  const text = (each: t.Node) => textOf(each, source);
  if (message.includes("type '() => ")) {
    const why = `${short(text(node))} is a function: call it.`;
    return [{ start: node.start!, end: node.end!, text: `${text(node)}()`, why }];
  }
  const call = enclosingCall([node, ...parents]);
  if (!call || call.arguments.length === 0) return [];
  const args = call.arguments.map(text);
  const [first, last] = [call.arguments[0]!, call.arguments.at(-1)!];
  const name = text(call.callee);
  const instead = (all: string, why: string, rest: Pick<Fix, "ends"> = {}): Fix => {
    const given = source.slice(call.start!, first.start!) + all + source.slice(last.end!, call.end!);
    return { start: call.start!, end: call.end!, text: given, why, ...rest };
  };
  const replaced = (argument: t.Node, by: string) =>
    args.with(call.arguments.indexOf(argument as never), by).join(", ");
  const given = call.arguments.find((each) => each === node || parents.includes(each));
  const fixes: Fix[] = [];
  const { callee } = call;
  if (callee.type === "MemberExpression" && text(callee.object) === "Math") {
    const method = text(callee.property);
    const tensorFirst = given === undefined ? args : [text(given), ...args.filter((each) => each !== text(given))];
    const object = given === undefined ? receiver(first, source) : receiver(given, source);
    const written = `${object}.${ELEMENTWISE[method] ?? method}(${tensorFirst.slice(1).join(", ")})`;
    fixes.push({ start: call.start!, end: call.end!, text: written, why: `${name} takes a number, not a tensor.` });
  }
  if (call.arguments.every((each) => !/^(Object|Array|String|Spread|Arrow|Function)/.test(each.type))) {
    fixes.push(instead(`[${args.join(", ")}]`, `${name} takes a list.`));
  }
  const options = call.arguments.find((each) => each.type === "ObjectExpression");
  if (options?.type === "ObjectExpression" && options.properties.length > 0) {
    const values = options.properties.map((each) => (each.type === "ObjectProperty" ? text(each.value) : ""));
    if (!values.includes("")) {
      const why = `${name} takes ${values.length === 1 ? "this value" : "these values"} without a name.`;
      fixes.push(instead(replaced(options, values.join(", ")), why));
    }
  }
  if (given) {
    for (const option of USUAL_OPTIONS[given.type] ?? []) {
      const why = "Options are passed by name, in an object.";
      fixes.push(instead(replaced(given, `{ ${option}: ${text(given)} }`), why));
    }
    if (/^(Type 'Tensor|A tensor is made of .*'Tensor')/.test(message) && given.type === "ArrayExpression") {
      fixes.push({
        ...instead(args.join(", "), `${name} takes numbers; tensors are joined by stack.`, { ends: /made of numbers/ }),
        text: `stack(${text(given)})`,
      });
    } else if (/Nested'/.test(message)) {
      const why = `${short(text(given))} is a tensor already.`;
      fixes.push({ ...instead("", why), text: `${receiver(given, source)}.clone()` });
    }
    if (
      /type '(number\[\]|boolean\[\]|number\[\]\[\])' is not assignable to parameter of type '.*\bTensor\b/.test(
        message,
      )
    ) {
      const ends = /\[\]' is not assignable/;
      fixes.push(instead(replaced(given, `tensor(${text(given)})`), `${name} takes a tensor, not a list.`, { ends }));
    }
  }
  return fixes;
}

/** Methods of tensors that are functions of `Math` under another name. */
const ELEMENTWISE: Record<string, string> = { max: "maximum", min: "minimum" };
