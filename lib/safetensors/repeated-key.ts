const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;

/**
 * The first key that occurs twice in one object of `json`, or undefined. `JSON.parse` keeps the last of them silently,
 * so that two readers could see two different files in one.
 *
 * @param json - text that `JSON.parse` has accepted
 */
export function findRepeatedKey(json: string): string | undefined {
  const objects: (Set<string> | null)[] = [];
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === "{") objects.push(new Set());
    else if (char === "[") objects.push(null);
    else if (char === "}" || char === "]") objects.pop();
    else if (char === '"') {
      const end = endOfString(json, i);
      let after = end;
      while (after < json.length && json.charCodeAt(after) <= 0x20) after++;
      if (json.charCodeAt(after) === COLON) {
        // Decoded first: "a" and "\u0061" are the same key.
        const key = JSON.parse(json.slice(i, end)) as string;
        const keys = objects.at(-1);
        if (keys?.has(key)) return key;
        keys?.add(key);
      }
      i = end - 1;
    }
  }
  return undefined;
}

function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (json.charCodeAt(i) !== QUOTE) i += json.charCodeAt(i) === BACKSLASH ? 2 : 1;
  return i + 1;
}
