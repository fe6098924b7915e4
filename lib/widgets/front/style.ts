/** Styles of our own widgets, in the page's colours, light or dark. */
export const STYLE = `
.difflab-pad, .difflab-scrubber, .difflab-map { font: 13px var(--jp-ui-font-family, system-ui, sans-serif); color: var(--jp-ui-font-color1, currentColor); }
.difflab-pad-paper { touch-action: none; cursor: crosshair; image-rendering: pixelated; border: 1px solid var(--jp-border-color1, #8888); border-radius: 3px; display: block; max-width: 100%; }
.difflab-pad-tools { display: flex; gap: 6px; margin-top: 6px; padding: 4px 2px; align-items: center; flex-wrap: wrap; }
.difflab-pad button, .difflab-scrubber button { font: inherit; color: inherit; background: var(--jp-layout-color2, #8882); border: 1px solid var(--jp-border-color1, #8888); border-radius: 3px; padding: 2px 10px; cursor: pointer; }
.difflab-pad .difflab-pad-ink { width: 24px; height: 24px; padding: 0; border-radius: 50%; }
.difflab-pad .difflab-pad-ink[aria-pressed="true"] { outline: 2px solid var(--jp-brand-color1, #2f7fd6); outline-offset: 2px; }
.difflab-scrubber { display: flex; flex-direction: column; align-items: flex-start; gap: 10px; }
.difflab-scrubber figure { margin: 0; }
.difflab-scrubber img { image-rendering: pixelated; display: block; }
.difflab-scrubber figcaption { text-align: center; margin-top: 4px; }
.difflab-scrubber-bar { width: 100%; display: flex; gap: 10px; align-items: center; }
.difflab-scrubber-bar input { flex: 0 1 360px; }
.difflab-scrubber-bar button { min-width: 42px; }
.difflab-map canvas { display: block; box-sizing: border-box; border: 1px solid var(--jp-border-color1, #8888); border-radius: 3px; cursor: grab; touch-action: none; }
.difflab-map-note { margin-top: 4px; min-height: 1.4em; opacity: .85; }
`;
