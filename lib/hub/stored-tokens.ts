import { chmod, mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { writeWhole } from "../files/write-whole.ts";
import { expandPath, hubHome } from "./options.ts";

/*
 * Where Python's huggingface_hub keeps tokens, so that one login serves both: `token` holds the one in use, and
 * `stored_tokens` beside it all that the user has logged in with, by name, as an INI file:
 *
 *     [laptop]
 *     hf_token = hf_...
 */

/** The file of the token in use: `HF_TOKEN_PATH`, else `token` in the hub's home. */
export function tokenPath(): string {
  return expandPath(process.env.HF_TOKEN_PATH || join(hubHome(), "token"));
}

function storedTokensPath(): string {
  return join(dirname(tokenPath()), "stored_tokens");
}

/** The token in use; "" for none. */
export async function readToken(): Promise<string> {
  return (await readFile(tokenPath(), "utf8").catch(() => "")).trim();
}

/** Puts a token to use, and keeps it by its name beside those that are there. */
export async function storeToken(token: string, name: string): Promise<void> {
  const others = (await sections()).filter((section) => section.name !== name);
  await writeSections([...others, { name, lines: [`hf_token = ${token}`] }]);
  await writeSecret(tokenPath(), token);
}

/** Forgets the token in use. Others that are stored stay. */
export async function removeToken(): Promise<void> {
  const token = await readToken();
  const all = await sections();
  const others = all.filter(({ lines }) => !lines.some((line) => /^hf_token\s*[=:]\s*(.*)$/.exec(line)?.[1] === token));
  if (others.length === 0) await rm(storedTokensPath(), { force: true });
  else if (others.length < all.length) await writeSections(others);
  await rm(tokenPath(), { force: true });
}

interface Section {
  readonly name: string;
  readonly lines: readonly string[];
}

async function sections(): Promise<Section[]> {
  const text = await readFile(storedTokensPath(), "utf8").catch(() => "");
  const found: { name: string; lines: string[] }[] = [];
  for (const line of text.split(/\r?\n/)) {
    const header = /^\[(.+)\]\s*$/.exec(line)?.[1];
    if (header !== undefined) found.push({ name: header, lines: [] });
    else if (line.trim() !== "") found.at(-1)?.lines.push(line);
  }
  return found;
}

async function writeSections(list: readonly Section[]): Promise<void> {
  const sorted = list.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  await writeSecret(storedTokensPath(), sorted.map(({ name, lines }) => `[${name}]\n${lines.join("\n")}\n\n`).join(""));
}

/** Writes what nobody else on this machine may read. */
async function writeSecret(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeWhole(path, (write) => write(Buffer.from(text)), { mode: 0o600 });
  // Windows knows no modes.
  await chmod(path, 0o600).catch(() => {});
}
