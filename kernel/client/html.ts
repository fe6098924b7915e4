import { AnsiUp } from "ansi_up";
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

/** Characters of one text output that a page shows; what is more makes browsers crawl, and the notebook has it all. */
const LONGEST_TEXT = 200_000;

/** Forms of a value that a page can show, the best first: the order that JupyterLab has. */
const RENDERERS: [type: string, render: (value: unknown, metadata: MimeMetadata) => string][] = [
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
  ["application/json", (value) => `<pre>${highlight(JSON.stringify(value, null, 2), "json")}</pre>`],
  ["text/plain", (value) => `<pre>${terminalText(text(value))}</pre>`],
];

interface MimeMetadata {
  width?: unknown;
  height?: unknown;
}

/** What {@link notebookToHtml} may be told. */
export interface HtmlOptions {
  /** Title of the page; default the notebook's first heading. */
  title?: string;
  /** Folder of the notebook, from which its relative pictures are taken into the page. */
  folder?: string;
}

/**
 * A notebook as one page of HTML that needs nothing else: styles and pictures are inside.
 *
 * Markdown is sanitised. HTML and SVG outputs are shown as they are, scripts too, as Jupyter shows what the reader has
 * run: make pages of notebooks that you trust.
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
  for (const [type, render] of RENDERERS) {
    if (data[type] === undefined) continue;
    return `<div class="output">${render(data[type], (metadata[type] ?? metadata) as MimeMetadata)}</div>`;
  }
  const types = Object.keys(data).join(", ");
  return types ? `<div class="output left-out">${escapeHtml(types)}</div>` : "";
}

function picture(type: string, base64: string, { width, height }: MimeMetadata): string {
  const size = (name: string, value: unknown) => (typeof value === "number" ? ` ${name}="${value}"` : "");
  const source = base64.replace(/[^A-Za-z0-9+/=]/g, "");
  return `<img alt="" src="data:${type};base64,${source}"${size("width", width)}${size("height", height)}>`;
}

/** Text of a terminal as HTML: colours as classes, and what a carriage return overwrites gone. */
function terminalText(whole: string): string {
  let shown = whole;
  let note = "";
  if (whole.length > LONGEST_TEXT) {
    const half = LONGEST_TEXT / 2;
    const left = whole.length - LONGEST_TEXT;
    note = `<div class="left-out">... ${left.toLocaleString("en")} more characters, which the notebook holds ...</div>`;
    shown = whole.slice(0, half);
    return render(shown) + note + render(whole.slice(-half));
  }
  return render(shown) + note;

  function render(part: string): string {
    const ansi = new AnsiUp(); // one for each text: a colour that is never ended must not run into the next
    ansi.use_classes = true;
    return ansi.ansi_to_html(
      part
        .replace(/\r+\n/g, "\n")
        .replace(/^.*\r(?=[^\n])/gm, "")
        .replaceAll("\r", ""),
    );
  }
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
