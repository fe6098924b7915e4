/** Controls on the page, by the protocol of ipywidgets' own front end; and `interact`, which paints anew as they move. */
export { type AfmOptions, AfmWidget, widget } from "./afm.ts";
export { Choice, type ChoiceOptions, type Choices, choice, radio, toggles } from "./choices.ts";
export { accordion, Box, column, Pages, row, tabs } from "./containers.ts";
export { DrawingPad, type DrawingPadOptions, drawingPad } from "./drawing-pad.ts";
export { EmbeddingMap, type EmbeddingMapOptions, embeddingMap } from "./embedding-map.ts";
export { FilmScrubber, type FilmScrubberOptions, filmScrubber } from "./film-scrubber.ts";
export {
  Button,
  type ButtonOptions,
  button,
  Checkbox,
  ColorPicker,
  checkbox,
  colorPicker,
  Text,
  type TextOptions,
  text,
  textArea,
} from "./inputs.ts";
export { type Control, type ControlValues, type InteractContext, Interactive, interact } from "./interact.ts";
export type { ControlOptions } from "./options.ts";
export { Output, output } from "./output.ts";
export {
  Play,
  type PlayOptions,
  play,
  RangeSlider,
  type RangeSliderOptions,
  rangeSlider,
  Slider,
  type SliderOptions,
  slider,
} from "./sliders.ts";
export { HtmlView, htmlView, ImageView, imageView, Label, label, ProgressBar, progressBar } from "./views.ts";
export { type Still, ValueWidget, Widget } from "./widget.ts";
