/** What a `data:` address holds. */
export interface DataUrl {
  mime: string;
  bytes: Buffer;
}

/**
 * Reads an address such as `data:image/png;base64,iVBOR...`, as `canvas.toDataURL()` gives it.
 *
 * @returns `undefined` for any other text
 * @see RFC 2397
 */
export function readDataUrl(text: string): DataUrl | undefined {
  const [prefix, mime = "", parameters = ""] = /^\s*data:([\w.+-]+\/[\w.+-]+)?((?:;[^,;]*)*),/i.exec(text) ?? [];
  if (prefix === undefined) return undefined;
  const rest = text.slice(prefix.length);
  try {
    const content = rest.includes("%") ? decodeURIComponent(rest) : rest;
    const isBase64 = /;\s*base64\s*$/i.test(parameters);
    return { mime: (mime || "text/plain").toLowerCase(), bytes: Buffer.from(content, isBase64 ? "base64" : "utf8") };
  } catch {
    return undefined; // a percent sign that begins no byte
  }
}
