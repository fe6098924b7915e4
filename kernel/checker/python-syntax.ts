/** Python's syntax in TypeScript's, from texts that are known to be Python. */

/** A condition with TypeScript's words. */
export function condition(text: string): string {
  return (
    text
      .replace(/:\s*$/, "")
      .replace(/\bis\s+not\s+None\b|!=\s*None\b/g, "!== undefined")
      .replace(/\bis\s+None\b|==\s*None\b/g, "=== undefined")
      .replace(/\bis\s+not\b/g, "!==")
      .replace(/\bis\b/g, "===")
      .replace(/([\w$."'\]]+)\s+not\s+in\s+([\w$.]+)/g, "!$2.includes($1)")
      .replace(/([\w$."'\]]+)\s+in\s+([\w$.]+)/g, "$2.includes($1)")
      .replace(/(?<![=!<>])==(?!=)/g, "===")
      .replace(/!=(?!=)/g, "!==")
      .replace(/\s+and\s+/g, " && ")
      .replace(/\s+or\s+/g, " || ")
      .replace(/\bnot\s+/g, "!")
      .replace(/\bTrue\b/g, "true")
      .replace(/\bFalse\b/g, "false")
      .replace(/\bNone\b/g, "undefined")
      .replace(/\blen\(([^()]+)\)/g, "$1.length")
      // Two lists are never the same one.
      .replace(/([\w$.]+\.shape)\s*(===|!==)\s*(\[[^\]]*\]|\([^)]*\)|[\w$.]+\.shape)/g, (_, shape, equals, other) => {
        return `${shape}.join() ${equals} ${other.replace(/^\((.*)\)$/, "[$1]")}.join()`;
      })
  );
}

/** The text of an f-string as a template. */
export function fString(text: string): string {
  const values = text.replace(/\{([^{}:!=]*)=?(?:![rs])?(?::([^{}]*))?\}/g, (_, value: string, format = "") => {
    const digits = /\.(\d+)f$/.exec(format)?.[1];
    const needsAwait = /\.(?:item|tolist|data)\(\)$/.test(value);
    const awaited = needsAwait ? (digits ? `(await ${value})` : `await ${value}`) : value;
    return `\${${awaited}${digits ? `.toFixed(${digits})` : ""}}`;
  });
  return `\`${values}\``;
}

/** What a lambda returns, without what follows it in a call. */
export function lambdaBody(text: string): string {
  let depth = 0;
  for (const [at, each] of [...text].entries()) {
    if ("([{".includes(each)) depth++;
    else if (")]}".includes(each)) depth--;
    if (depth < 0 || (depth === 0 && each === ",")) return text.slice(0, at).trim();
  }
  return text;
}

/** What stands above a function in Python. */
export function decorator(name: string): string {
  if (/no_grad$|inference_mode$/.test(name)) return "noGrad(() => ...) around what the function computes";
  if (name === "property") return "get name() { ... } in a class";
  if (/^(static|class)method$/.test(name)) return "static name() { ... } in a class";
  if (name === "dataclass") return "interface Point { x: number; y: number }";
  return "Functions have no decorators here. Write below it: const g = decorate(f).";
}

export function parameters(text: string): string {
  return text
    .split(",")
    .map((each) => each.trim().replace(/^\*{1,2}/, "..."))
    .filter((each) => each !== "" && each !== "self")
    .join(", ");
}

/** A loop over what Python's `for x in ...` goes through. */
export function loop(names: string, items: string): string {
  const zipped = /^zip\(\s*(.+?)\s*,\s*(.+?)\s*\)$/.exec(items);
  if (!zipped) return `${forHead(names, items)} { ... }`;
  const [first = "a", second = "b"] = names
    .replace(/[()]/g, "")
    .split(",")
    .map((each) => each.trim());
  return `for (const [i, ${first}] of ${zipped[1]}.entries()) { const ${second} = ${zipped[2]}[i]; ... }`;
}

/** What a loop binds: a name, or several of a list. */
function bound(names: string): string {
  return names.includes(",") ? `[${names.trim().replaceAll("(", "[").replaceAll(")", "]")}]` : names.trim();
}

function forHead(names: string, items: string): string {
  const name = bound(names);
  const range = /^range\((.*)\)$/.exec(items);
  if (range) {
    const [first = "", second, step = "1"] = range[1]!.split(",").map((each) => each.trim());
    const [from, to] = (second === undefined ? ["0", first] : [first, second]).map(condition) as [string, string];
    const next = step === "1" ? `${name}++` : `${name} += ${step}`;
    return `for (let ${name} = ${from}; ${name} ${step.startsWith("-") ? ">" : "<"} ${to}; ${next})`;
  }
  const enumerated = /^enumerate\((.*)\)$/.exec(items);
  if (enumerated) return `for (const ${name} of ${enumerated[1]}.entries())`;
  const entries = /^(.*)\.items\(\)$/.exec(items);
  if (entries) return `for (const ${name} of Object.entries(${entries[1]}))`;
  return `for (const ${name} of ${items})`;
}

export function comprehension(value: string, names: string, items: string, test: string | undefined): string {
  const name = bound(names);
  const range = /^range\(\s*([^,()]+)\s*\)$/.exec(items);
  const filter = test === undefined ? "" : `.filter((${name}) => ${condition(test)})`;
  if (range) {
    if (filter === "") return `Array.from({ length: ${range[1]} }, (_, ${name}) => ${value})`;
    return `Array.from({ length: ${range[1]} }, (_, ${name}) => ${name})${filter}.map((${name}) => ${value})`;
  }
  const map = value.trim() === name ? "" : `.map((${name}) => ${value})`;
  return `${items.replace(/^(.*)\.items\(\)$/, "Object.entries($1)")}${filter}${map || (filter ? "" : ".slice()")}`;
}

export function slice(object: string, from: string, to: string, step: string | undefined): string {
  if (step === "-1" && from === "" && to === "") return `${object}.toReversed()`;
  const args = to === "" ? from || "0" : `${from || "0"}, ${to}`;
  const every = step && step !== "1" ? `.filter((_, i) => i % ${step} === 0)` : "";
  const plain =
    every !== "" && args === "0"
      ? object + every
      : args === "0"
        ? `${object}.slice()`
        : `${object}.slice(${args})${every}`;
  return `${plain} for an array, ${object}.slice(0, ${args}${step ? `, ${step}` : ""}) for a tensor's first dimension`;
}

/** Several dimensions between brackets, as `x[:, 1:3]`. */
export function atIndices(object: string, parts: string): string {
  const all = parts.split(",").map((each) => each.trim());
  const isNew = (part: string) => /^(None|np\.newaxis)$/.test(part);
  // None adds a dimension, and a number takes one away.
  const added = all.flatMap((part, at) => {
    if (!isNew(part)) return [];
    const before = all.slice(0, at).filter((each) => isNew(each) || !/^-?\w+$/.test(each)).length;
    return all.slice(0, at).includes("...") ? at - all.length : before;
  });
  const kept = all.filter((part) => !isNew(part));
  const last = kept.at(-1)!;
  let indexed = object;
  if (kept[0] === "..." && kept.length === 2) {
    const [from = "", to] = last.split(":").map((each) => each.trim());
    if (to === undefined) indexed = `${object}.select(-1, ${from})`;
    else if (from !== "" || to !== "") indexed = `${object}.slice(-1, ${from || "0"}${to ? `, ${to}` : ""})`;
  } else {
    const indices = kept
      .filter((part, at) => part !== "..." || at < kept.length - 1)
      .map((part, dim) => {
        const [from = "", to, step] = part.split(":").map((each) => each.trim());
        if (to === undefined) return from === "..." ? "null" : from;
        if (from === "" && to === "" && !step) return "null";
        return `[${from || "0"}, ${to || `${object}.shape[${dim}]`}${step ? `, ${step}` : ""}]`;
      });
    if (indices.some((each) => each !== "null")) indexed = `${object}.at(${indices.join(", ")})`;
  }
  return indexed + added.map((dim) => `.unsqueeze(${dim})`).join("");
}

/** Several names that get their values at once. */
export function unpacked(names: string, values: string): string {
  return `const [${names}] = ${isList(values) ? `[${values}]` : values}`;
}

/** Whether a text has a comma outside of brackets. */
export function isList(text: string): boolean {
  let depth = 0;
  for (const each of text) {
    if ("([{".includes(each)) depth++;
    else if (")]}".includes(each)) depth--;
    else if (each === "," && depth === 0) return true;
  }
  return false;
}

/** A text in one line, and no long one. */
export function shorten(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}
