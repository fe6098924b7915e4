/** The style of an exported notebook: light or dark like the reader's system, with nothing loaded from elsewhere. */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --ink: #1d2430; --faint: #6b7585; --line: #e3e7ee; --code: #f6f8fb; --accent: #2563eb;
  --error: #b42318; --error-paper: #fdf3f2; --warn-paper: #fdf8ec;
  --keyword: #8b3db8; --string: #17753c; --number: #9a5b00; --comment: #7b8494; --title: #1d5bbf;
  --black: #1d2430; --red: #b42318; --green: #17753c; --yellow: #8f5f00; --blue: #1d5bbf; --magenta: #8b3db8;
  --cyan: #0b7285; --white: #6b7585;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171c; --ink: #dde3ec; --faint: #8b95a5; --line: #2b313b; --code: #1c2129; --accent: #7cb0ff;
    --error: #ff9b90; --error-paper: #2c1b1b; --warn-paper: #2a2417;
    --keyword: #d3a3f5; --string: #8fd6a4; --number: #f0b871; --comment: #7f8a9b; --title: #8fbcff;
    --black: #8b95a5; --red: #ff9b90; --green: #8fd6a4; --yellow: #f0cf71; --blue: #8fbcff; --magenta: #d3a3f5;
    --cyan: #7fd8e6; --white: #dde3ec;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
}
main { max-width: 52rem; margin: 0 auto; padding: 2.5rem 1.25rem 6rem; }
h1, h2, h3, h4 { line-height: 1.25; margin: 2.2em 0 .6em; text-wrap: balance; }
h1 { font-size: 2rem; margin-top: .4em; } h2 { font-size: 1.45rem; } h3 { font-size: 1.15rem; }
p, ul, ol, blockquote, table { margin: .8em 0; }
a { color: var(--accent); text-underline-offset: .15em; }
hr { border: 0; border-top: 1px solid var(--line); margin: 2.5em 0; }
blockquote { margin-left: 0; padding-left: 1em; border-left: 3px solid var(--line); color: var(--faint); }
img, svg, video, canvas { max-width: 100%; height: auto; }
table { border-collapse: collapse; font-size: .94em; display: block; overflow-x: auto; }
th, td { padding: .3em .8em; border-bottom: 1px solid var(--line); text-align: left; }
code, pre, .prompt { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; }
:not(pre) > code { background: var(--code); padding: .1em .35em; border-radius: 4px; font-size: .88em; }
pre { margin: 0; font-size: .82rem; line-height: 1.55; overflow-x: auto; tab-size: 2; }
pre.code { background: var(--code); border: 1px solid var(--line); border-radius: 8px; padding: .8em 1em; margin: .8em 0; }
.cell { margin: 1.1em 0; position: relative; }
.cell > pre.code { margin: 0; }
.prompt { color: var(--faint); font-size: .72rem; position: absolute; right: 100%; margin: .95em .8em 0 0; user-select: none; }
.output { margin: .55em 0 0; padding: 0 1em; overflow-x: auto; }
.output pre { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 32rem; overflow-y: auto; }
.stderr { background: var(--warn-paper); border-radius: 8px; padding: .6em 1em; }
.error { background: var(--error-paper); border-left: 3px solid var(--error); border-radius: 0 8px 8px 0; padding: .6em 1em; }
.left-out { color: var(--faint); font-style: italic; }
.hljs-keyword, .hljs-built_in, .hljs-literal, .hljs-meta { color: var(--keyword); }
.hljs-string, .hljs-regexp, .hljs-attr { color: var(--string); }
.hljs-number { color: var(--number); }
.hljs-comment { color: var(--comment); font-style: italic; }
.hljs-title, .hljs-tag, .hljs-name { color: var(--title); }
.hljs-subst { color: inherit; }
${["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"]
  .flatMap((color) => [
    `.ansi-${color}-fg, .ansi-bright-${color}-fg { color: var(--${color}); }`,
    `.ansi-${color}-bg, .ansi-bright-${color}-bg { background: color-mix(in srgb, var(--${color}) 25%, transparent); }`,
  ])
  .join("\n")}
@media (max-width: 60rem) { .prompt { display: none; } }
/* On a phone a figure keeps its size, and scrolls: made as narrow as the screen, its text could not be read. */
@media screen and (max-width: 44rem) { .output svg[width], .output .difflab-figure svg { max-width: none !important; } }
@media print {
  :root { color-scheme: light; }
  main { max-width: none; padding: 0; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; }
  .output, .output pre, table { max-height: none; overflow: visible; }
  h1, h2, h3, summary { break-after: avoid; }
  .output, tr, img, svg { break-inside: avoid; }
}
`;
