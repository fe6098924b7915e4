import { whoAmI } from "@huggingface/hub";
import { explain, HubError, HubRefusal } from "./errors.ts";
import { type HubOptions, hubUrlOf } from "./options.ts";
import { hubFetch } from "./request.ts";
import { readToken, removeToken, storeToken } from "./stored-tokens.ts";

/** Who a token belongs to. */
export interface Account {
  /** The account's name, as in `name/model`. */
  readonly name: string;
  /** The person's or organisation's full name, if it is public. */
  readonly fullname: string | undefined;
  /** Organisations that the account is in. */
  readonly organisations: readonly string[];
  /** What the token may do: "read", "write" or "fineGrained", where the hub says. */
  readonly role: string | undefined;
}

/** The token to send: the one given, `HF_TOKEN`, or the one that `login` stored; undefined for none. */
export async function tokenOf(options: Pick<HubOptions, "token">): Promise<string | undefined> {
  if (options.token === false) return undefined;
  const given = options.token || process.env.HF_TOKEN || process.env.HUGGING_FACE_HUB_TOKEN;
  const token = (given || (await readToken())).trim();
  // It goes into a header, whose own error would print it.
  if (/[^\x21-\x7e]/.test(token))
    throw new HubError("refused", "hub: the token contains spaces or invalid characters; copy it again");
  return token || undefined;
}

/**
 * Logs in to the Hugging Face hub: checks the token and stores it where every program of this user finds it, Python's
 * included. Needed for gated models, private ones and `pushToHub`.
 *
 * Without a token it asks for one where somebody can answer: in a notebook, in a box that hides what is typed.
 *
 * @param options.token - from https://huggingface.co/settings/tokens
 * @returns whose token it is
 * @throws HubError if the hub refuses the token or cannot be reached; nothing is stored then
 */
export async function login(options: { token?: string; hubUrl?: string } = {}): Promise<Account> {
  const token = (options.token ?? (await ask(hubUrlOf(options))))?.trim();
  if (!token) {
    throw new HubError(
      "refused",
      `login: no token given. Create one at ${hubUrlOf(options)}/settings/tokens, then login({ token }).`,
    );
  }
  const { account, tokenName } = await ownerOf({ ...options, token });
  // Python's name for a token that has none of its own.
  await storeToken(token, tokenName ?? `oauth-${account.name}`);
  return account;
}

/** Forgets the token that `login` stored, for Python's programs too. One in `HF_TOKEN` stays in force. */
export async function logout(): Promise<void> {
  await removeToken();
}

/**
 * Whose token is in use.
 *
 * @throws HubError if there is none, or the hub refuses it or cannot be reached
 */
export async function whoami(options: Pick<HubOptions, "token" | "hubUrl"> = {}): Promise<Account> {
  return (await ownerOf(options)).account;
}

async function ownerOf(
  options: Pick<HubOptions, "token" | "hubUrl">,
): Promise<{ account: Account; tokenName: string | undefined }> {
  const hubUrl = hubUrlOf(options);
  const token = await tokenOf(options);
  if (token === undefined) {
    throw new HubError("refused", "whoami: no token. Set HF_TOKEN, or store one with login({ token }).");
  }
  try {
    // The library insists on the prefix of tokens; ours goes into the header in `hubFetch`.
    const found = await whoAmI({ accessToken: "hf_", hubUrl, fetch: hubFetch(hubUrl, token) });
    const { name, fullname, orgs } = found as { name: string; fullname?: string; orgs?: { name: string }[] };
    const { displayName: tokenName, role } = found.auth?.accessToken ?? {};
    return { account: { name, fullname, organisations: (orgs ?? []).map((org) => org.name), role }, tokenName };
  } catch (error) {
    if (error instanceof HubRefusal && error.status === 401) {
      throw new HubError(
        "refused",
        `hub: the token is not valid (${hubUrl} answered 401). Create one at ${hubUrl}/settings/tokens.`,
        {
          status: 401,
        },
      );
    }
    throw explain(error, "hub: whoami", { hubUrl, repo: "settings/tokens", hasToken: true });
  }
}

/** The kernel's `prompt`, if there is one. */
async function ask(hubUrl: string): Promise<string | undefined> {
  const prompt: unknown = Reflect.get(globalThis, "prompt");
  if (typeof prompt !== "function") return undefined;
  return String((await prompt(`Token (from ${hubUrl}/settings/tokens):`, { password: true })) ?? "");
}
