import { setTimeout as sleep } from "node:timers/promises";
import { webFetch } from "../io/fetch.ts";
import { HubRefusal, isOffline } from "./errors.ts";

/** Milliseconds before an unanswered request counts as lost. */
const ANSWER_MS = 20_000;
/** Waits before the second, third and fourth try of a request that the hub was too busy for. */
const WAITS_MS = [300, 1000, 3000];
/** The longest that a hub may ask us to wait. */
const LONGEST_WAIT_MS = 10_000;

const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);
/** A proxy answered, and not the hub: the cache may help, another try will not. */
const NOT_THE_HUB = 511;

const USER_AGENT = `difflab; node/${process.versions.node}`;

/**
 * `fetch` for the hub's library and for us: with the token for the hub and for nobody else, a time limit until the
 * answer begins, and a few more tries where the hub is busy. An answer other than 2xx is thrown as a `HubRefusal`.
 *
 * What uploads has no time limit and one try: its answer comes when all is sent, and its contents may be a stream.
 * Where no answer comes at all it does not try again: who works offline should not wait for it.
 */
export function hubFetch(
  hubUrl: string,
  token: string | undefined,
  options: { signal?: AbortSignal; waits?: readonly number[] } = {},
): typeof fetch {
  const { signal, waits = WAITS_MS } = options;
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const headers = new Headers(init?.headers);
    // The library's calls go through here without one. Undici drops it where the hub redirects to another host.
    headers.delete("authorization");
    headers.set("user-agent", USER_AGENT);
    if (token !== undefined && new URL(url).origin === new URL(hubUrl).origin) {
      headers.set("authorization", `Bearer ${token}`);
    }
    const uploads = init?.body != null && typeof init.body !== "string";
    for (let attempt = 0; ; attempt++) {
      const limit = new AbortController();
      const timer = uploads
        ? undefined
        : setTimeout(() => limit.abort(new DOMException("no answer in 20 s", "TimeoutError")), ANSWER_MS);
      const signals = [limit.signal, ...(signal ? [signal] : []), ...(init?.signal ? [init.signal] : [])];
      let response: Response;
      try {
        response = await webFetch(input, { ...init, headers, signal: AbortSignal.any(signals) });
      } finally {
        clearTimeout(timer);
      }
      if (response.ok) {
        await checkKind(response, init);
        return response;
      }
      if (BUSY.has(response.status) && attempt < waits.length && !uploads) {
        await response.body?.cancel();
        const asked = Number(response.headers.get("retry-after")) * 1000;
        await sleep(Math.min(Math.max(asked || 0, waits[attempt]!), LONGEST_WAIT_MS), undefined, { signal });
        continue;
      }
      throw await refusal(response);
    }
  };
}

/**
 * A page where an answer for programs is due, of a proxy that asks for a login, say. Files are told apart by their hash.
 *
 * @throws HubRefusal of status 511, "network authentication required", which is what it comes to
 */
async function checkKind(response: Response, init: RequestInit | undefined): Promise<void> {
  const wantsFile = new Headers(init?.headers).get("accept-encoding") === "identity";
  if (wantsFile || !/^text\/html/i.test(response.headers.get("content-type") ?? "")) return;
  const title = /<title[^>]*>([^<]*)/i.exec(await response.text().catch(() => ""))?.[1]?.trim();
  throw new HubRefusal(
    511,
    "",
    `got a web page instead of an answer${title ? `: "${title}"` : ""}; a proxy may be interfering`,
  );
}

async function refusal(response: Response): Promise<HubRefusal> {
  let detail = response.headers.get("x-error-message") ?? "";
  const body = await response.text().catch(() => "");
  try {
    const { error, message } = JSON.parse(body) as { error?: string; message?: string };
    detail ||= error ?? message ?? "";
  } catch {
    // A page for people, not an answer for programs: nothing worth showing.
  }
  return new HubRefusal(response.status, response.headers.get("x-error-code") ?? "", detail.slice(0, 300));
}

/** Whether another time or the cache may help: no answer, or a hub that is down or overloaded. */
export function isUnavailable(error: unknown): boolean {
  return isOffline(error) || (error instanceof HubRefusal && (BUSY.has(error.status) || error.status === NOT_THE_HUB));
}
