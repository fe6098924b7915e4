import { byteSize, count, isObject, read } from "../safe.ts";

/**
 * One line for a value that a terminal, or a page, cannot show: what it is and how much of it there is.
 *
 * @param mime - its MIME type
 * @param content - as a MIME bundle holds it: text, base64, or data for JSON types
 */
export function describeContent(mime: string, content: unknown): string {
  const type = mime.toLowerCase().replace(/;.*$/, "");
  const size = typeof content === "string" ? `, ${byteSize(bytesOf(type, content))}` : "";
  if (/^application\/vnd\.vega(lite)?\.v/.test(type)) return vega(type, content);
  if (type === "application/geo+json") return geoJson(content);
  if (type === "application/pdf") return `PDF document${size}`;
  if (type.startsWith("audio/")) return `sound (${type.slice(6)})${size}`;
  if (type.startsWith("video/")) return `video (${type.slice(6)})${size}`;
  if (type.startsWith("image/")) return `picture (${type.slice(6)})${size}`;
  if (type === "application/vnd.plotly.v1+json") return `Plotly figure${traces(content)}`;
  if (type === "application/vnd.jupyter.widget-view+json") return "widget (interactive only in JupyterLab and VS Code)";
  return `${type}${size}`;
}

function bytesOf(type: string, content: string): number {
  const isText = type.startsWith("text/") || type.endsWith("+xml") || type === "application/javascript";
  return isText ? Buffer.byteLength(content) : Math.floor((content.replace(/[\s=]/g, "").length * 3) / 4);
}

function vega(type: string, content: unknown): string {
  const name = type.includes("vegalite") ? "Vega-Lite chart" : "Vega chart";
  const mark = read(content, "mark");
  const kind = typeof mark === "string" ? mark : read(mark, "type");
  const values = read(read(content, "data"), "values");
  const parts = [
    typeof kind === "string" ? kind : "",
    Array.isArray(values) ? `${count(values.length)} ${values.length === 1 ? "row" : "rows"}` : "",
  ].filter(Boolean);
  const title = read(content, "title") ?? read(content, "description");
  return `${name}${parts.length > 0 ? ` (${parts.join(", ")})` : ""}${typeof title === "string" ? `: ${title}` : ""}`;
}

function geoJson(content: unknown): string {
  const type = read(content, "type");
  const features = read(content, "features");
  const many = Array.isArray(features)
    ? `, ${count(features.length)} ${features.length === 1 ? "feature" : "features"}`
    : "";
  return `map (GeoJSON${typeof type === "string" ? ` ${type}` : ""}${many})`;
}

function traces(content: unknown): string {
  const data = isObject(content) ? read(content, "data") : undefined;
  return Array.isArray(data) ? ` (${count(data.length)} ${data.length === 1 ? "trace" : "traces"})` : "";
}
