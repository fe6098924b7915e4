/** What went wrong between us and the hub. `kind` is for code that wants to react, the message for people. */
export class HubError extends Error {
  /** Always "HubError". */
  override readonly name = "HubError";
  /** What went wrong, in one word, for code that wants to react. */
  readonly kind: HubErrorKind;
  /** The hub's answer, if there was one. */
  readonly status: number | undefined;

  constructor(kind: HubErrorKind, message: string, options: { status?: number; cause?: unknown } = {}) {
    super(redact(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.status = options.status;
  }
}

/** offline: no answer came. refused: 401 or 403. missing: 404, or not in the cache. busy: 429 or 5xx. */
export type HubErrorKind = "offline" | "refused" | "missing" | "busy" | "status" | "damaged" | "disk" | "weights";

/** Tokens never reach a message: `hf_abc...` becomes `hf_***`. */
export function redact(text: string): string {
  return text.replace(/\bhf_\w{3,}/g, "hf_***").replace(/(Bearer\s+)\S+/gi, "$1***");
}

/** The hub's refusal of a request, as its headers and body describe it. Made by the request layer; `explain` words it. */
export class HubRefusal extends Error {
  readonly status: number;
  /** The hub's own word for it, such as "GatedRepo". */
  readonly code: string;
  /** The hub's own sentence. */
  readonly detail: string;

  constructor(status: number, code: string, detail: string) {
    super(`${status}${code && ` ${code}`}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

/**
 * Words an error for people: where, what came, what to do.
 *
 * @param what - repository, file and revision, such as `hub: stabilityai/x/unet/config.json@main`
 */
export function explain(
  error: unknown,
  what: string,
  at: { hubUrl: string; repo: string; hasToken: boolean },
): HubError {
  if (error instanceof HubError) return error;
  if (error instanceof HubRefusal) return explainRefusal(error, what, at);
  const { code, message, cause } = error as NodeJS.ErrnoException & { cause?: NodeJS.ErrnoException };
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new HubError("disk", `${what}: the disk is full. Free space or choose another { cacheDir }.`, {
      cause: error,
    });
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new HubError("disk", `${what}: cannot write to the cache (${message}). Choose another { cacheDir }.`, {
      cause: error,
    });
  }
  if (isOffline(error)) {
    const reason = cause?.code ?? cause?.message ?? message;
    return new HubError("offline", `${what}: no answer from ${unreached(error) ?? at.hubUrl} (${reason})`, {
      cause: error,
    });
  }
  return new HubError("status", `${what}: ${message}`, { cause: error });
}

function explainRefusal(
  { status, code, detail }: HubRefusal,
  what: string,
  { hubUrl, repo, hasToken }: { hubUrl: string; repo: string; hasToken: boolean },
): HubError {
  // The hub's own sentence says most: which licence, how long to wait.
  const said = detail.trim() === "" ? "" : ` It says: ${detail.trim()}`;
  const answer = `${what}: the hub at ${hubUrl} answered ${status}`;
  const page = `${hubUrl}/${repo}`;
  const token = hasToken ? "use a token of an account that has access" : "set HF_TOKEN";
  if (status === 401 && hasToken && /invalid|expired/i.test(detail)) {
    return new HubError(
      "refused",
      `${answer}. The token is not valid. Create one at ${hubUrl}/settings/tokens.${said}`,
      {
        status,
      },
    );
  }
  if (code === "RepoNotFound" || (status === 404 && /repository not found/i.test(detail))) {
    const advice = `No repository ${repo}, or it is private: check its name, or ${token} (login({ token }) stores one).`;
    return new HubError("missing", `${answer}. ${advice}${said}`, { status });
  }
  if (status === 401 || status === 403) {
    const advice = `Accept the licence on its page, then ${token}. (The page is ${page}; login({ token }) stores a token.)`;
    return new HubError("refused", `${answer}. ${advice}${said}`, { status });
  }
  if (status === 404) {
    const advice =
      code === "RevisionNotFound" ? "There is no such revision." : "Check the repository, the file and the revision.";
    return new HubError("missing", `${answer}. ${advice}${said}`, { status });
  }
  if (status === 429 || status >= 500) return new HubError("busy", `${answer}. Try again later.${said}`, { status });
  return new HubError("status", `${answer}${detail && `: ${detail}`}`, { status });
}

/** A host that the hub sent us on to, and that is not there: the hub itself did answer. */
function unreached(error: unknown): string | undefined {
  const { cause } = error as { cause?: { hostname?: string; host?: string; address?: string; port?: number } };
  const name = cause?.hostname ?? cause?.host ?? cause?.address;
  if (name === undefined) return undefined;
  return cause?.port === undefined ? name : `${name}:${cause.port}`;
}

/**
 * Whether no answer came at all: fetch throws a TypeError whose cause is the connection's, or a time limit of ours passed.
 * Other TypeErrors, such as an address that is none, are faults and stay what they are.
 */
export function isOffline(error: unknown): boolean {
  if ((error as Error)?.name === "TimeoutError") return true;
  if (!(error instanceof TypeError)) return false;
  const { code } = (error.cause ?? {}) as { code?: unknown };
  if (typeof code === "string" && /^(ERR_INVALID|ERR_UNKNOWN|UND_ERR_INVALID|UND_ERR_NOT_SUPPORTED)/.test(code))
    return false;
  return (
    error instanceof ConnectionLost ||
    (typeof code === "string" && /^(E[A-Z]|UND_ERR|CERT|DEPTH|SELF|UNABLE|HPE_)/.test(code)) ||
    /^(fetch failed|terminated|network error)/i.test(error.message)
  );
}

/** A connection that gave less than it promised. */
export class ConnectionLost extends TypeError {}

/** A byte count for people: `1.72 GB`. */
export function bytes(n: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let unit = 0;
  let value = n;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}
