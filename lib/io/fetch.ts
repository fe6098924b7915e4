import type { Dispatcher } from "undici";

let agent: { readonly settings: string; readonly dispatcher: Dispatcher } | undefined;

/**
 * `fetch` through the proxy that the environment names: `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in capitals or not.
 * Python's programs follow them, Node's own `fetch` does not unless told to. Where none is named it is Node's own.
 *
 * @throws TypeError if a proxy's address is none
 */
export const webFetch: typeof fetch = async (input, init) => {
  const settings = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"].map((name) => read(name) ?? "");
  const proxies = settings.slice(0, 2).filter((address) => address !== "");
  if (proxies.length === 0) return fetch(input, init);
  for (const address of proxies) {
    if (!URL.canParse(address) || !/^https?:/i.test(address)) {
      throw new TypeError(
        `the environment's proxy is ${JSON.stringify(address)}; expected an address such as "http://proxy:8080"`,
      );
    }
  }
  const { EnvHttpProxyAgent, fetch: through } = await import("undici");
  const key = settings.join("\n");
  if (agent?.settings !== key) {
    const [httpsProxy, httpProxy, noProxy] = settings;
    agent = { settings: key, dispatcher: new EnvHttpProxyAgent({ httpsProxy, httpProxy, noProxy }) };
  }
  // The package's types and Node's differ in name only.
  const options = { ...init, dispatcher: agent.dispatcher } as Parameters<typeof through>[1];
  return (await through(input as string, options)) as unknown as Response;
};

function read(name: string): string | undefined {
  return process.env[name] || process.env[name.toLowerCase()] || undefined;
}
