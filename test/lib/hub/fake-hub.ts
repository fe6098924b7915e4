import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Files of this size and more are kept apart from git, and come from another host, as at the real hub. */
export const LFS_FROM = 2000;

/** What goes wrong with an answer. */
export interface Fault {
  /** Answer with this status (and headers) instead. */
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Break the connection after this many bytes of the body. */
  breakAfter?: number;
  /** Fall silent after this many bytes of the body, without breaking the connection. */
  stallAfter?: number;
  /** Send these contents with the right headers otherwise. */
  contents?: Buffer;
  /** Take no notice of the range asked for. */
  noRange?: boolean;
  /** Wait before answering, in milliseconds. */
  delay?: number;
}

interface Repo {
  commit: string;
  files: Map<string, Buffer>;
}

const sha = (algorithm: string, ...parts: (string | Buffer)[]) => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
};

/** The name of a file's contents at the hub. */
export function hashOf(contents: Buffer): string {
  return contents.length >= LFS_FROM ? sha("sha256", contents) : sha("sha1", `blob ${contents.length}\0`, contents);
}

/**
 * A server that answers as the Hugging Face hub does, with a second one for large files, and can be told to fail.
 * It was written from what the hub's own Python and JavaScript clients send and expect.
 */
export class FakeHub {
  url = "";
  cdnUrl = "";
  /** Method, path and token of each request, in their order. */
  requests: string[] = [];
  /** Asked before each answer: what is to go wrong with it. */
  fault: (request: string, range: string | undefined) => Fault | undefined = () => undefined;
  /** Tokens that are known, with the account's name. */
  accounts = new Map<string, string>([["hf_good", "student"]]);
  /** Files uploaded to the large-file store, by hash. */
  stored = new Map<string, Buffer>();
  #repos = new Map<string, Repo>();
  #servers: Server[] = [];

  async start(): Promise<this> {
    this.url = await this.#listen((request, response) => this.#answer(request, response));
    this.cdnUrl = await this.#listen((request, response) => this.#answerCdn(request, response));
    return this;
  }

  async stop(): Promise<void> {
    for (const server of this.#servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    this.#servers = [];
  }

  /** Puts a repository's files at a new commit. Keys such as "models/org/name". */
  put(key: string, files: Record<string, string | Buffer>): string {
    const contents = new Map(Object.entries(files).map(([path, data]) => [path, Buffer.from(data)]));
    const commit = sha("sha1", key, ...[...contents].flat());
    this.#repos.set(key, { commit, files: contents });
    return commit;
  }

  filesOf(key: string): Map<string, Buffer> | undefined {
    return this.#repos.get(key)?.files;
  }

  #listen(answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>): Promise<string> {
    const server = createServer((request, response) => {
      answer(request, response).catch((error) => response.destroy(error));
    });
    this.#servers.push(server);
    return new Promise((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
    });
  }

  async #note(request: IncomingMessage, response: ServerResponse): Promise<Fault | undefined> {
    const line = `${request.method} ${request.url}`;
    this.requests.push(`${line} ${request.headers.authorization ?? ""}`.trim());
    const fault = this.fault(line, request.headers.range);
    if (fault?.delay) await new Promise((resolve) => setTimeout(resolve, fault.delay));
    if (fault?.status) {
      response.writeHead(fault.status, { "content-type": "application/json", ...fault.headers });
      response.end(fault.body ?? JSON.stringify({ error: "refused" }));
    }
    return fault;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = await this.#note(request, response);
    if (fault?.status) return;
    const url = new URL(request.url!, this.url);
    const path = decodeURIComponent(url.pathname);
    const json = (value: unknown, status = 200, headers: Record<string, string> = {}) =>
      void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
    const missing = (code: string, status = 404) => json({ error: code }, status, { "x-error-code": code });
    const account = this.accounts.get(request.headers.authorization?.replace("Bearer ", "") ?? "");

    if (path === "/api/whoami-v2") {
      if (!account) return json({ error: "Invalid user token." }, 401);
      const auth = { type: "access_token", accessToken: { displayName: "laptop", role: "write" } };
      return json({ type: "user", id: "1", name: account, fullname: "A Student", orgs: [{ name: "class" }], auth });
    }
    if (path === "/api/repos/create") {
      if (!account) return json({ error: "Invalid user token." }, 401);
      const { name, organization } = JSON.parse(String(await bodyOf(request)));
      const key = `models/${organization}/${name}`;
      if (this.#repos.has(key)) return json({ error: "You already created this model repo" }, 409);
      this.put(key, {});
      return json({ url: `${this.url}/${organization}/${name}`, id: "2" });
    }

    const api =
      /^\/api\/(models|datasets)\/([^/]+\/[^/]+)\/(revision|tree|paths-info|preupload|commit)\/([^/]+)\/?(.*)$/.exec(
        path,
      );
    if (api) {
      const [, type, name, call, revision, rest] = api as unknown as [string, string, string, string, string, string];
      const repo = this.#repos.get(`${type}/${name}`);
      if (!repo) return missing("RepoNotFound", account ? 404 : 401);
      if (revision !== "main" && revision !== repo.commit) return missing("RevisionNotFound");
      if (call === "revision") {
        return json({
          _id: "3",
          id: name,
          sha: repo.commit,
          private: false,
          gated: false,
          siblings: [...repo.files.keys()].map((rfilename) => ({ rfilename })),
        });
      }
      const entry = ([path, data]: [string, Buffer]) => {
        const large = data.length >= LFS_FROM;
        const lfs = { oid: hashOf(data), size: data.length, pointerSize: 134 };
        return {
          type: "file",
          path,
          size: data.length,
          oid: large ? "c".repeat(40) : hashOf(data),
          ...(large ? { lfs } : {}),
        };
      };
      const entries = [...repo.files];
      if (call === "tree") {
        // Two entries a page, so that the pages are followed.
        const from = Number(url.searchParams.get("cursor") ?? 0);
        const all = entries.filter(([p]) => rest === "" || p.startsWith(`${rest}/`));
        url.searchParams.set("cursor", String(from + 2));
        const next: Record<string, string> = from + 2 < all.length ? { link: `<${url}>; rel="next"` } : {};
        return json(all.slice(from, from + 2).map(entry), 200, next);
      }
      const body = await bodyOf(request);
      if (call === "paths-info") {
        const { paths } = JSON.parse(String(body)) as { paths: string[] };
        return json(entries.filter(([p]) => paths.includes(p)).map(entry));
      }
      if (!account) return json({ error: "Invalid user token." }, 401);
      if (call === "preupload") {
        const { files } = JSON.parse(String(body)) as { files: { path: string; size: number }[] };
        return json({
          files: files.map(({ path, size }) => ({ path, uploadMode: size >= LFS_FROM ? "lfs" : "regular" })),
        });
      }
      for (const line of String(body).trim().split("\n")) {
        const { key, value } = JSON.parse(line);
        if (key === "file") repo.files.set(value.path, Buffer.from(value.content, value.encoding));
        if (key === "lfsFile") repo.files.set(value.path, this.stored.get(value.oid)!);
      }
      repo.commit = sha("sha1", body);
      return json({
        success: true,
        commitOid: repo.commit,
        commitUrl: `${this.url}/${name}/commit/${repo.commit}`,
        hookOutput: "",
      });
    }

    const batch = /^\/([^/]+\/[^/]+)\.git\/info\/lfs\/objects\/batch$/.exec(path);
    if (batch) {
      const { objects } = JSON.parse(String(await bodyOf(request))) as { objects: { oid: string; size: number }[] };
      const actions = (oid: string) => ({ upload: { href: `${this.cdnUrl}/${oid}` } });
      return json({ transfer: "basic", objects: objects.map((o) => ({ ...o, actions: actions(o.oid) })) });
    }

    const file = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const repo = file && this.#repos.get(`${file[1] ? "datasets" : "models"}/${file[2]}`);
    if (!repo) return missing("RepoNotFound", account ? 404 : 401);
    if (file[3] !== "main" && file[3] !== repo.commit) return missing("RevisionNotFound");
    const data = repo.files.get(file[4]!);
    if (!data) return missing("EntryNotFound");
    const etag = `"${hashOf(data)}"`;
    if (data.length < LFS_FROM)
      return this.#send(request, response, data, { etag, "x-repo-commit": repo.commit }, fault);
    response.writeHead(302, {
      location: `${this.cdnUrl}/${hashOf(data)}?for=${encodeURIComponent(file[4]!)}`,
      "x-linked-etag": etag,
      "x-linked-size": data.length,
      "x-repo-commit": repo.commit,
    });
    response.end();
  }

  async #answerCdn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = await this.#note(request, response);
    if (fault?.status) return;
    const hash = new URL(request.url!, this.cdnUrl).pathname.slice(1);
    if (request.method === "PUT") {
      const body = await bodyOf(request);
      if (sha("sha256", body) !== hash) return void response.writeHead(400).end();
      this.stored.set(hash, body);
      return void response.writeHead(200).end();
    }
    const all = [...this.#repos.values()].flatMap((repo) => [...repo.files.values()]);
    const data = all.find((contents) => hashOf(contents) === hash);
    if (!data) return void response.writeHead(404).end();
    this.#send(request, response, data, { etag: '"of the other host"' }, fault);
  }

  #send(
    request: IncomingMessage,
    response: ServerResponse,
    whole: Buffer,
    headers: Record<string, string>,
    fault?: Fault,
  ): void {
    const data = fault?.contents ?? whole;
    const range = fault?.noRange ? null : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = range ? Number(range[1]) : 0;
    const part = data.subarray(start, range?.[2] ? Number(range[2]) + 1 : undefined);
    response.writeHead(range ? 206 : 200, {
      ...headers,
      "content-length": part.length,
      "accept-ranges": "bytes",
      ...(range ? { "content-range": `bytes ${start}-${start + part.length - 1}/${data.length}` } : {}),
    });
    if (request.method === "HEAD") response.end();
    else if (fault?.stallAfter !== undefined) response.write(part.subarray(0, fault.stallAfter));
    else if (fault?.breakAfter === undefined || fault.breakAfter >= part.length) response.end(part);
    else {
      // Ended, not reset: a reset would take back what is still on its way.
      response.write(part.subarray(0, fault.breakAfter), () => response.socket?.end());
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

/** Bytes that compress badly and repeat never, the same at every run. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
