import { AnsiUp } from "ansi_up";
import { describeContent } from "../display/text/stand-in.ts";
import { escapeHtml, highlight, renderFormula, renderMarkdown } from "./markdown.ts";
import {
  type Cell,
  type CodeCell,
  joinText,
  type MimeBundle,
  type MultilineText,
  type Notebook,
  type Output,
} from "./notebook.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** How many characters of one text output a page shows; more makes browsers crawl, and the notebook has all of it. */
const LONGEST_TEXT = 200_000;

/** Forms of a value that a page can show, best first, in JupyterLab's order. */
const RENDERERS: [type: string | RegExp, render: (value: unknown, metadata: MimeMetadata, type: string) => string][] = [
  ["text/html", (value) => text(value)],
  ["text/markdown", (value) => renderMarkdown(text(value))],
  ["image/svg+xml", (value) => text(value).replace(/^\s*<\?xml[^>]*\?>\s*(<!DOCTYPE[^>]*>)?/, "")],
  ["text/latex", (value) => renderFormula(text(value).replace(/^\s*\$+|\$+\s*$/g, ""), true)],
  ...["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp"].map(
    (type): [string, (value: unknown, metadata: MimeMetadata) => string] => [
      type,
      (value, metadata) => picture(type, text(value), metadata),
    ],
  ),
  [/^audio\//, (value, _, type) => `<audio controls src="${dataUrl(type, value)}"></audio>`],
  [/^video\//, (value, _, type) => `<video controls src="${dataUrl(type, value)}"></video>`],
  ["application/pdf", (value, _, type) => download(type, value, "document.pdf")],
  [/^application\/(vnd\.vega(lite)?\.v|vnd\.plotly\.v|geo\+json)/, (value, _, type) => folded(type, value)],
  ["application/json", (value) => `<pre>${highlight(JSON.stringify(value, null, 2), "json")}</pre>`],
  ["text/plain", (value) => `<pre>${terminalText(text(value))}</pre>`],
];

interface MimeMetadata {
  width?: unknown;
  height?: unknown;
}

/** Options of {@link notebookToHtml}. */
export interface HtmlOptions {
  /** Title of the page; default: the notebook's first heading. */
  title?: string;
  /** Folder of the notebook, from which pictures with relative paths are embedded in the page. */
  folder?: string;
}

/**
 * A notebook as one self-contained HTML page: styles and pictures are embedded.
 *
 * Markdown is sanitised. HTML and SVG outputs are included unchanged, scripts too, as Jupyter does for cells that the
 * reader has run, so make pages only of notebooks that you trust.
 */
export function notebookToHtml(notebook: Notebook, options: HtmlOptions = {}): string {
  const title = heading(notebook) ?? options.title ?? "Notebook";
  const language: string = notebook.metadata.language_info?.name ?? "typescript";
  const cells = notebook.cells.map((cell) => renderCell(cell, language, options.folder)).join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
${cells}
</main>
</body>
</html>
`;
}

function renderCell(cell: Cell, language: string, folder: string | undefined): string {
  const source = joinText(cell.source);
  if (cell.cell_type === "markdown") {
    return `<section>${renderMarkdown(source, { attachments: cell.attachments, folder })}</section>`;
  }
  if (cell.cell_type === "code") return renderCode(cell, source, language);
  return `<pre>${escapeHtml(source)}</pre>`;
}

function renderCode(cell: CodeCell, source: string, language: string): string {
  if (source.trim() === "" && cell.outputs.length === 0) return "";
  const prompt = cell.execution_count === null ? "" : `<div class="prompt">[${cell.execution_count}]</div>`;
  const code = `<pre class="code"><code>${highlight(source, language)}</code></pre>`;
  return `<section class="cell">${prompt}${code}${cell.outputs.map(renderOutput).join("")}</section>`;
}

function renderOutput(output: Output): string {
  switch (output.output_type) {
    case "stream":
      return `<div class="output ${output.name === "stderr" ? "stderr" : ""}"><pre>${terminalText(joinText(output.text))}</pre></div>`;
    case "error": {
      const traceback = output.traceback?.length ? output.traceback.join("\n") : `${output.ename}: ${output.evalue}`;
      return `<div class="output error"><pre>${terminalText(traceback)}</pre></div>`;
    }
    case "display_data":
    case "execute_result":
      return renderBundle(output.data, output.metadata);
    default:
      return "";
  }
}

function renderBundle(data: MimeBundle, metadata: Record<string, unknown> = {}): string {
  const types = Object.keys(data).filter((type) => data[type] !== undefined);
  for (const [wanted, render] of RENDERERS) {
    const type = types.find((each) => (typeof wanted === "string" ? each === wanted : wanted.test(each)));
    if (type === undefined) continue;
    return `<div class="output">${render(data[type], (metadata[type] ?? metadata) as MimeMetadata, type)}</div>`;
  }
  const described = types.map((type) => describeContent(type, data[type])).join(", ");
  return described ? `<div class="output left-out">${escapeHtml(described)}</div>` : "";
}

function dataUrl(type: string, value: unknown): string {
  return `data:${escapeHtml(type)};base64,${text(value).replace(/[^A-Za-z0-9+/=]/g, "")}`;
}

function download(type: string, value: unknown, name: string): string {
  const what = escapeHtml(describeContent(type, text(value)));
  return `<a download="${name}" href="${dataUrl(type, value)}">${what}</a>`;
}

/** A value that only a program could draw: what it is, and its data, folded away. */
function folded(type: string, value: unknown): string {
  const data = typeof value === "string" || Array.isArray(value) ? parsed(text(value)) : value;
  const json = highlight(shorten(JSON.stringify(data, null, 2)), "json");
  return `<details><summary>${escapeHtml(describeContent(type, data))}</summary><pre>${json}</pre></details>`;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

function shorten(json: string): string {
  return json.length > LONGEST_TEXT ? `${json.slice(0, LONGEST_TEXT)}\n... the rest is in the notebook` : json;
}

function picture(type: string, base64: string, { width, height }: MimeMetadata): string {
  const size = (name: string, value: unknown) => (typeof value === "number" ? ` ${name}="${value}"` : "");
  const source = base64.replace(/[^A-Za-z0-9+/=]/g, "");
  return `<img alt="" src="data:${type};base64,${source}"${size("width", width)}${size("height", height)}>`;
}

/** Terminal text as HTML: colours become classes, and text overwritten after a carriage return is dropped. */
function terminalText(text: string): string {
  let shown = text;
  let note = "";
  if (text.length > LONGEST_TEXT) {
    const half = LONGEST_TEXT / 2;
    const left = text.length - LONGEST_TEXT;
    note = `<div class="left-out">... ${left.toLocaleString("en")} more characters in the notebook ...</div>`;
    shown = text.slice(0, half);
    return render(shown) + note + render(text.slice(-half));
  }
  return render(shown) + note;

  function render(part: string): string {
    const ansi = new AnsiUp(); // one for each text: a colour that is never ended must not run into the next
    ansi.use_classes = true;
    return ansi.ansi_to_html(
      part
        .replace(/\r+\n/g, "\n")
        .replace(/^.*\r(?=[^\n])/gm, "")
        .replaceAll("\r", "")
        .replace(OTHER_SEQUENCES, "")
        .split("\n")
        .map(withoutControls)
        .join("\n"),
    );
  }
}

/** Sequences that move a terminal's cursor or set its title; only colours (ending in m) and links are kept. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are made of
const OTHER_SEQUENCES = /\x1b\[[0-9;?]*[A-LN-Za-ln-z]|\x1b\][0-79][^\x07\x1b]*(?:\x07|\x1b\\)/g;

/** A colour, a link, or a single character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what they are made of
const TERMINAL_PART = /\x1b\[[0-9;]*m|\x1b\]8;[^\x07\x1b]*(?:\x07|\x1b\\)|[\s\S]/gu;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are looked for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f]/;

/** A terminal line with its backspaces applied, and without other invisible characters. */
function withoutControls(line: string): string {
  if (!CONTROL.test(line)) return line;
  const parts: string[] = [];
  const letters: number[] = [];
  for (const [part] of line.matchAll(TERMINAL_PART)) {
    if (part === "\b") {
      const last = letters.pop();
      if (last !== undefined) parts[last] = "";
    } else if (part.length > 2) {
      parts.push(part.endsWith("\x07") ? `${part.slice(0, -1)}\x1b\\` : part);
    } else if (!CONTROL.test(part)) {
      letters.push(parts.push(part) - 1);
    }
  }
  return parts.join("");
}

function heading(notebook: Notebook): string | undefined {
  for (const cell of notebook.cells) {
    const match = cell.cell_type === "markdown" && /^#\s+(.+)$/m.exec(joinText(cell.source));
    if (match) return match[1]!.replace(/[*_`]/g, "");
  }
  return undefined;
}

function text(value: unknown): string {
  return typeof value === "string" || Array.isArray(value) ? joinText(value as MultilineText) : JSON.stringify(value);
}
