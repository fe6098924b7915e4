import { rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  bindHeartbeat,
  bindPublisher,
  bindRouter,
  Codec,
  connectDealer,
  connectHeartbeat,
  connectSubscriber,
  DELIMITER,
  endpoint,
  type Message,
  MessageFactory,
  makeConnection,
  parseConnection,
  readConnectionFile,
  toWellFormedJson,
  writeConnectionFile,
} from "../../../kernel/wire/index.ts";
import { temporaryFolder } from "../support/folder.ts";

const folder = temporaryFolder();
const valid = {
  transport: "tcp",
  ip: "127.0.0.1",
  shell_port: 1001,
  iopub_port: 1002,
  stdin_port: 1003,
  control_port: 1004,
  hb_port: 1005,
  key: "k",
  signature_scheme: "hmac-sha256",
};

describe("connection files", () => {
  it("are read back as they were written, and only their owner may read them", async () => {
    const connection = await makeConnection({ kernelName: "difflab" });
    const path = join(folder, "connection.json");
    writeConnectionFile(path, connection);
    expect(readConnectionFile(path)).toEqual(connection);
    expect(statSync(path).mode & 0o077).toBe(0);
    expect(new Set(Object.values(connection.ports)).size).toBe(5);
  });

  it.each([
    ["not JSON", "{", /^connection file: not JSON/],
    ["a list", "[]", /contains \[\], expected an object/],
    ["a missing port", JSON.stringify({ ...valid, hb_port: undefined }), /hb_port is missing, expected a port number/],
    ["a port that is a string", JSON.stringify({ ...valid, hb_port: "5" }), /hb_port is "5"/],
    ["a port out of range", JSON.stringify({ ...valid, shell_port: 65536 }), /shell_port is 65536/],
    ["one port twice", JSON.stringify({ ...valid, hb_port: 1001 }), /shell_port and hb_port are both 1001/],
    ["an unknown transport", JSON.stringify({ ...valid, transport: "udp" }), /"udp"; expected "tcp" or "ipc"/],
    [
      "an unknown scheme",
      JSON.stringify({ ...valid, signature_scheme: "md5" }),
      /unknown signature_scheme "md5"; expected "hmac-sha256" or/,
    ],
    ["a key that is a number", JSON.stringify({ ...valid, key: 7 }), /key is 7, expected a string/],
    ["an empty address", JSON.stringify({ ...valid, ip: "" }), /ip is empty/],
  ])("with %s are refused with the reason", (_, text, message) => {
    expect(() => parseConnection(text)).toThrow(message);
  });

  it("that are missing or a folder are refused with the path and what to do", () => {
    expect(() => readConnectionFile(join(folder, "none.json"))).toThrow(/none\.json: no such file\. Jupyter writes/);
    expect(() => readConnectionFile(folder)).toThrow(/cannot be read \(EISDIR\)/);
  });

  it("give tcp, IPv6 and ipc endpoints", () => {
    const tcp = parseConnection(JSON.stringify(valid));
    expect(endpoint(tcp, "iopub")).toBe("tcp://127.0.0.1:1002");
    expect(endpoint({ ...tcp, ip: "::1" }, "hb")).toBe("tcp://[::1]:1005");
    expect(endpoint({ ...tcp, transport: "ipc", ip: "/tmp/k" }, "hb")).toBe("ipc:///tmp/k-1005");
  });
});

describe("signed messages", () => {
  const scheme = { key: "secret", signatureScheme: "hmac-sha256" } as const;
  const factory = new MessageFactory({ username: "test" });
  const frames = (message: Message, codec = new Codec(scheme)) => codec.encode(message).map((f) => Buffer.from(f));
  const problem = (f: Buffer[], codec = new Codec(scheme)) => {
    const decoded = codec.decode(f);
    return decoded.ok ? "none" : decoded.problem;
  };

  it("come back whole: identities, header, parent, metadata, content, buffers", () => {
    const parent = factory.message("execute_request", { code: "1" });
    const message = factory.message(
      "display_data",
      { data: { "text/plain": "äöü 😀" } },
      { parent, metadata: { a: 1 }, buffers: [Buffer.from([0, 255, 1])], identities: [Buffer.from("peer")] },
    );
    const decoded = new Codec(scheme).decode(frames(message));
    expect(decoded).toEqual({ ok: true, message: { ...message, buffers: [Buffer.from([0, 255, 1])] } });
    expect(message.header.version).toBe("5.5");
    expect(new Date(message.header.date).toISOString()).toBe(message.header.date);
  });

  it("have the signature that Jupyter's own session computes", () => {
    // Reference: hmac.new(b"secret", b'{"msg_id":"a","msg_type":"b"}' + b"{}" + b"{}" + b"{}", "sha256").hexdigest()
    const header = { msg_id: "a", msg_type: "b" } as Message["header"];
    const message = { identities: [], header, parent_header: {}, metadata: {}, content: {}, buffers: [] };
    expect(frames(message)[1]!.toString()).toBe("bcd0081e78d2b313200ca9459a8c2eeced98b94001c212c9607b3b09b38410f3");
  });

  it("with another key, a changed part or no signature are refused", () => {
    const good = frames(factory.message("x", { a: 1 }));
    expect(problem(good, new Codec({ ...scheme, key: "other" }))).toBe("bad-signature");
    expect(problem(good.with(5, Buffer.from('{"a":2}')))).toBe("bad-signature");
    expect(problem(good.with(1, Buffer.alloc(0)))).toBe("bad-signature");
    expect(problem(good)).toBe("none");
  });

  it("are refused the second time", () => {
    const codec = new Codec(scheme);
    const good = frames(factory.message("x", {}));
    expect(problem(good, codec)).toBe("none");
    expect(problem(good, codec)).toBe("duplicate-signature");
  });

  it("with an empty key are neither signed nor checked", () => {
    const codec = new Codec({ ...scheme, key: "" });
    const open = frames(factory.message("x", {}), codec);
    expect(open[1]!.length).toBe(0);
    expect(problem(open, codec)).toBe("none");
    expect(problem(open, codec)).toBe("none");
  });

  it("that are malformed give the reason and throw nothing", () => {
    const unsigned = new Codec({ ...scheme, key: "" });
    const parts = (...texts: string[]) => [DELIMITER, Buffer.alloc(0), ...texts.map((t) => Buffer.from(t))];
    const header = '{"msg_id":"a","msg_type":"b"}';
    expect(problem([], unsigned)).toBe("no-delimiter");
    expect(problem([Buffer.from("garbage"), Buffer.alloc(0)], unsigned)).toBe("no-delimiter");
    expect(problem(parts(header, "{}"), unsigned)).toBe("too-few-frames");
    expect(problem(parts(header, "{}", "{}", "{oops"), unsigned)).toBe("bad-json");
    expect(problem(parts(header, "{}", "{}", "[".repeat(1e6)), unsigned)).toBe("bad-json");
    expect(problem(parts(header, "{}", "{}", "[]"), unsigned)).toBe("bad-shape");
    expect(problem(parts(header, "null", "{}", "{}"), unsigned)).toBe("bad-shape");
    expect(problem(parts('{"msg_id":1,"msg_type":"b"}', "{}", "{}", "{}"), unsigned)).toBe("bad-shape");
    expect(problem(parts('{"msg_type":"b"}', "{}", "{}", "{}"), unsigned)).toBe("bad-shape");
    expect(problem(parts(header, "{}", "{}", "{}"), unsigned)).toBe("none");
  });

  it("replace lone surrogates and leave pairs, escapes and backslashes alone", () => {
    const through = (text: string) => JSON.parse(Buffer.from(toWellFormedJson({ text })).toString()).text;
    expect(through("a\ud800b")).toBe("a\ufffdb");
    expect(through("\udfff")).toBe("\ufffd");
    expect(through("\ud83d\ude00 \ud83d")).toBe("😀 \ufffd");
    expect(through('\\ud800 \n\t" \\')).toBe('\\ud800 \n\t" \\');
    expect(through("\\\ud800")).toBe("\\\ufffd");
    expect(JSON.parse(toWellFormedJson({ "\ud800": 1 }))).toEqual({ "\ufffd": 1 });
  });
});

describe("sockets", () => {
  it("deliver a burst of 50,000 published messages whole and in order, sent without waiting", async () => {
    const connection = await makeConnection();
    await using publisher = await bindPublisher(endpoint(connection, "iopub"), () => ["greeting", "-1"]);
    await using subscriber = connectSubscriber(endpoint(connection, "iopub"));
    const count = 50_000;
    let next = -1;
    for await (const frames of subscriber) {
      if (Number(frames[1]!.toString()) !== next) throw new Error(`message ${next}: got ${frames[1]}`);
      if (next === -1) for (let i = 0; i < count; i++) publisher.send(["stream", String(i)]);
      if (++next === count) break;
    }
    expect(next).toBe(count);
    expect(publisher.pending).toBe(0);
  });

  it("greet every client first, whatever is published meanwhile", async () => {
    const connection = await makeConnection();
    await using publisher = await bindPublisher(endpoint(connection, "iopub"), (topic) => [`hello ${topic}`]);
    const chatter = setInterval(() => publisher.send(["chatter"]), 0);
    for (let i = 0; i < 30; i++) {
      await using subscriber = connectSubscriber(endpoint(connection, "iopub"));
      for await (const frames of subscriber) {
        expect(String(frames[0])).toBe("hello ");
        break;
      }
    }
    clearInterval(chatter);
  });

  it("route replies to the client that asked, also to one that reconnects under its old identity", async () => {
    const connection = await makeConnection();
    await using router = await bindRouter(endpoint(connection, "shell"));
    void (async () => {
      for await (const frames of router) router.send([frames[0]!, `re: ${frames[1]}`]);
    })();
    const ask = async (identity: string, text: string) => {
      const dealer = connectDealer(endpoint(connection, "shell"), identity);
      dealer.send([text]);
      for await (const frames of dealer) return [dealer, String(frames[0])] as const;
      throw new Error("closed");
    };
    const [first, a] = await ask("a", "one");
    const [second, b] = await ask("b", "two");
    const [third, c] = await ask("a", "three");
    expect([a, b, c]).toEqual(["re: one", "re: two", "re: three"]);
    for (const dealer of [first, second, third]) await dealer.close();
  });

  it("answer heartbeats", async () => {
    const connection = await makeConnection();
    await using _heart = await bindHeartbeat(endpoint(connection, "hb"));
    await using client = connectHeartbeat(endpoint(connection, "hb"));
    client.send(["beat"]);
    for await (const frames of client) {
      expect(String(frames[0])).toBe("beat");
      break;
    }
  });

  it("bind ipc paths too", async () => {
    const connection = await makeConnection({ transport: "ipc" });
    onTestFinished(() => rmSync(dirname(connection.ip), { recursive: true }));
    await using _heart = await bindHeartbeat(endpoint(connection, "hb"));
    await using client = connectHeartbeat(endpoint(connection, "hb"));
    client.send(["beat"]);
    for await (const frames of client) {
      expect(String(frames[0])).toBe("beat");
      break;
    }
  });

  it("say which socket cannot be bound, and why", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    await expect(bindRouter(`tcp://127.0.0.1:${port}`, "shell")).rejects.toThrow(
      new RegExp(`^shell: cannot bind tcp://127.0.0.1:${port}: another program is using it`),
    );
    server.close();
    await expect(bindRouter("tcp://203.0.113.1:5555", "shell")).rejects.toThrow(/no such address/);
  });
});
