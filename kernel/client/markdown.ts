import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import json from "highlight.js/lib/languages/json";
import python from "highlight.js/lib/languages/python";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";
import katex from "katex";
import { Marked, type Token } from "marked";
import sanitizeHtml from "sanitize-html";
import { joinText, type MimeBundle, type MultilineText } from "./notebook.ts";

for (const [name, language] of Object.entries({ bash, json, python, typescript, xml })) {
  hljs.registerLanguage(name, language);
}

const IMAGE_TYPES: Record<string, string> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
  ".svg": "image/svg+xml",
};

/** What a markdown text can refer to. */
export interface MarkdownContext {
  /** Pictures in the cell itself, named `attachment:NAME`. */
  attachments?: Record<string, MimeBundle> | undefined;
  /** Folder from which pictures with relative paths are embedded; without it they stay links. */
  folder?: string | undefined;
}

/** Code as HTML with syntax-highlighting classes. Unknown languages are only escaped. */
export function highlight(code: string, language: string): string {
  const known = hljs.getLanguage(language) ? language : undefined;
  return known ? hljs.highlight(code, { language: known, ignoreIllegals: true }).value : escapeHtml(code);
}

/**
 * Markdown as HTML without scripts, with formulas (`$...$`, `$$...$$`) as MathML, which browsers can display without
 * further files.
 */
export function renderMarkdown(text: string, context: MarkdownContext = {}): string {
  const formulas: string[] = [];
  // A formula passes the sanitiser as a pair of private-use characters around its number.
  const formula = (source: string, display: boolean) =>
    `\ue000${formulas.push(renderFormula(source, display)) - 1}\ue001`;
  const marked = new Marked({
    gfm: true,
    renderer: {
      heading({ tokens, depth, text: title }) {
        const id = escapeHtml(title.replaceAll(" ", "-")); // as JupyterLab names them, so that links work in both
        return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
      code({ text: code, lang }) {
        return `<pre class="code"><code>${highlight(code, lang?.split(/\s/)[0] ?? "")}</code></pre>\n`;
      },
    },
    extensions: [
      {
        name: "displayFormula",
        level: "block",
        start: (source: string) => source.match(/\$\$/)?.index,
        tokenizer: (source: string) => {
          const match = /^\$\$([\s\S]+?)\$\$(?:\n|$)/.exec(source);
          return match ? { type: "displayFormula", raw: match[0], formula: match[1]! } : undefined;
        },
        renderer: (token) => `<p>${formula(token.formula, true)}</p>\n`,
      },
      {
        name: "formula",
        level: "inline",
        start: (source: string) => source.match(/\$/)?.index,
        tokenizer: (source: string) => {
          // "$5 and $6" is money: a formula neither begins nor ends with a space, and no digit follows it.
          const match = /^(\$\$?)(?!\s)((?:\\.|[^$\\])+?)(?<!\s)\1(?!\d)/.exec(source);
          return match ? { type: "formula", raw: match[0], formula: match[2]!, display: match[1] === "$$" } : undefined;
        },
        renderer: (token) => formula(token.formula, token.display),
      },
    ],
    walkTokens: (token) => resolveLinks(token, context),
  });
  const html = sanitizeHtml(marked.parse(text, { async: false }), SAFE);
  return html.replace(/\ue000(\d+)\ue001/g, (_, n) => formulas[Number(n)] ?? "");
}

/** LaTeX as MathML; invalid LaTeX is shown as written. */
export function renderFormula(source: string, display: boolean): string {
  return katex.renderToString(source, { output: "mathml", displayMode: display, throwOnError: false });
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[sign]!);
}

const SAFE: sanitizeHtml.IOptions = {
  allowedTags: [...sanitizeHtml.defaults.allowedTags, "img", "details", "summary", "del", "ins", "input", "figure"],
  allowedAttributes: {
    "*": ["id", "class", "title", "align", "lang"],
    a: ["href", "name"],
    img: ["src", "alt", "width", "height"],
    th: ["colspan", "rowspan", "align"],
    td: ["colspan", "rowspan", "align"],
    input: [{ name: "type", values: ["checkbox"] }, "checked", "disabled"],
    details: ["open"],
  },
  allowedSchemesByTag: { img: ["http", "https", "data"] },
};

function resolveLinks(token: Token, { attachments, folder }: MarkdownContext): void {
  if (token.type === "link" && !/^[a-z]+:|^\//i.test(token.href)) {
    // The next step of a lesson is a page too.
    token.href = token.href.replace(/\.ipynb(?=#|$)/, ".html");
  }
  if (token.type !== "image") return;
  const attached = /^attachment:(.+)$/.exec(token.href)?.[1];
  if (attached !== undefined) {
    const [type, data] = Object.entries(attachments?.[decodeURIComponent(attached)] ?? {})[0] ?? [];
    if (type && data) token.href = `data:${type};base64,${joinText(data as MultilineText).replace(/\s/g, "")}`;
    return;
  }
  const type = IMAGE_TYPES[extname(token.href).toLowerCase()];
  if (folder === undefined || !type || /^[a-z]+:|^\//i.test(token.href)) return;
  try {
    const bytes = readFileSync(join(folder, decodeURIComponent(token.href)));
    token.href = `data:${type};base64,${bytes.toString("base64")}`;
  } catch {
    // A picture that is not there stays a link, and shows its alternative text.
  }
}
