/**
 * What a notebook shows: the MIME bundle of any value, `display` with handles that update, progress bars, and a document for the
 * libraries that draw. The kernel's evaluator imports this at its start, so nothing here loads more than Node's own modules before it is
 * needed.
 */

export { DISPLAY, type Displayable, type MimeBundle } from "./bundle.ts";
export {
  createDisplay,
  type Display,
  type DisplayHandle,
  type DisplayMessage,
  type DisplayOptions,
  type Publish,
} from "./display.ts";
export { type DomOptions, installDom, isDrawingLibrary, loadDocument } from "./dom/dom.ts";
export { mimeBundle, toMimeBundle } from "./mime.ts";
export type { ProgressBar } from "./progress/bars.ts";
export {
  createProgress,
  type Progress,
  type ProgressControl,
  type ProgressItems,
  type ProgressOptions,
} from "./progress/progress.ts";
export { html, image, json, markdown, svg } from "./rich.ts";
export { withoutTraces } from "./text/text.ts";
