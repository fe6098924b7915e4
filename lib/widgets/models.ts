/**
 * The state of each widget of ipywidgets 8, and what it holds at first. Generated from `@jupyter-widgets/schema` by
 * test/lib/widgets/generate-models.ts: `npx vitest run test/lib/widgets/models.test.ts -u` writes it anew.
 */

/** Another model, named in a state. */
export interface ModelReference {
  /** As the front end and the kernel both know it. */
  readonly modelId: string;
}

/** What each model's state holds, by the model's name. */
export interface ModelStates {
  /** State of ipywidgets' AccordionModel. */
  Accordion: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the box. */
    box_style: "success" | "info" | "warning" | "danger" | "";
    /** List of widget children. */
    children: readonly ModelReference[];
    layout: ModelReference;
    /** The index of the selected page. This is either an integer selecting a particular sub-widget, or None to have no widgets selected. */
    selected_index: number | null;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** Titles of the pages. */
    titles: readonly string[];
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' AudioModel. */
  Audio: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** When true, the audio starts when it's displayed. */
    autoplay: boolean;
    /** Specifies that audio controls should be displayed (such as a play/pause button etc). */
    controls: boolean;
    /** The format of the audio. */
    format: string;
    layout: ModelReference;
    /** When true, the audio will start from the beginning after finishing. */
    loop: boolean;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** The media data as a memory view of bytes. */
    value: Uint8Array;
  };
  /** State of ipywidgets' BoundedFloatTextModel. */
  BoundedFloatText: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Update the value as the user types. If False, update on submission, e.g., pressing Enter or navigating away. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Minimum step to increment the value. */
    step: number | null;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Float value. */
    value: number;
  };
  /** State of ipywidgets' BoundedIntTextModel. */
  BoundedIntText: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Update the value as the user types. If False, update on submission, e.g., pressing Enter or navigating away. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Minimum step to increment the value. */
    step: number;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Int value. */
    value: number;
  };
  /** State of ipywidgets' BoxModel. */
  Box: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the box. */
    box_style: "success" | "info" | "warning" | "danger" | "";
    /** List of widget children. */
    children: readonly ModelReference[];
    layout: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' ButtonModel. */
  Button: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the button. */
    button_style: "primary" | "success" | "info" | "warning" | "danger" | "";
    /** Button label. */
    description: string;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Font-awesome icon names, without the 'fa-' prefix. */
    icon: string;
    layout: ModelReference;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' ButtonStyleModel. */
  ButtonStyle: {
    /** Color of the button. */
    button_color: string | null;
    /** Button text font family. */
    font_family: string | null;
    /** Button text font size. */
    font_size: string | null;
    /** Button text font style. */
    font_style: string | null;
    /** Button text font variant. */
    font_variant: string | null;
    /** Button text font weight. */
    font_weight: string | null;
    /** Button text color. */
    text_color: string | null;
    /** Button text decoration. */
    text_decoration: string | null;
  };
  /** State of ipywidgets' CheckboxModel. */
  Checkbox: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Indent the control to align with other controls with a description. */
    indent: boolean;
    layout: ModelReference;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Bool value. */
    value: boolean;
  };
  /** State of ipywidgets' CheckboxStyleModel. */
  CheckboxStyle: {
    /** Background specifications. */
    background: string | null;
    /** Width of the description to the side of the control. */
    description_width: string;
  };
  /** State of ipywidgets' ColorPickerModel. */
  ColorPicker: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Display short version with just a color selector. */
    concise: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** The color value. */
    value: string;
  };
  /** State of ipywidgets' ColorsInputModel. */
  ColorsInput: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    allow_duplicates: boolean;
    allowed_tags: readonly unknown[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    layout: ModelReference;
    placeholder: string;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** List of string tags. */
    value: readonly unknown[];
  };
  /** State of ipywidgets' ComboboxModel. */
  Combobox: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Update the value as the user types. If False, update on submission, e.g., pressing Enter or navigating away. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** If set, ensure value is in options. Implies continuous_update=False. */
    ensure_option: boolean;
    layout: ModelReference;
    /** Dropdown options for the combobox. */
    options: readonly string[];
    /** Placeholder text to display when nothing has been typed. */
    placeholder: string;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** String value. */
    value: string;
  };
  /** State of ipywidgets' ControllerAxisModel. */
  ControllerAxis: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    layout: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** The value of the axis. */
    value: number;
  };
  /** State of ipywidgets' ControllerButtonModel. */
  ControllerButton: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    layout: ModelReference;
    /** Whether the button is pressed. */
    pressed: boolean;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** The value of the button. */
    value: number;
  };
  /** State of ipywidgets' ControllerModel. */
  Controller: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The axes on the gamepad. */
    axes: readonly ModelReference[];
    /** The buttons on the gamepad. */
    buttons: readonly ModelReference[];
    /** Whether the gamepad is connected. */
    connected: boolean;
    /** The id number of the controller. */
    index: number;
    layout: ModelReference;
    /** The name of the control mapping. */
    mapping: string;
    /** The name of the controller. */
    name: string;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** The last time the data from this gamepad was updated. */
    timestamp: number;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' DatePickerModel. */
  DatePicker: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    max: object | null;
    min: object | null;
    /** The date step to use for the picker, in days, or "any". */
    step: number | string;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    value: object | null;
  };
  /** State of ipywidgets' DatetimeModel. */
  Datetime: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    max: object | null;
    min: object | null;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    value: object | null;
  };
  /** State of ipywidgets' DescriptionStyleModel. */
  DescriptionStyle: {
    /** Width of the description to the side of the control. */
    description_width: string;
  };
  /** State of ipywidgets' DirectionalLinkModel. */
  DirectionalLink: {
    /** The source (widget, 'trait_name') pair. */
    source: readonly unknown[];
    /** The target (widget, 'trait_name') pair. */
    target: readonly unknown[];
  };
  /** State of ipywidgets' DropdownModel. */
  Dropdown: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The labels for the options. */
    _options_labels: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Selected index. */
    index: number | null;
    layout: ModelReference;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' FileUploadModel. */
  FileUpload: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** File types to accept, empty string for all. */
    accept: string;
    /** Use a predefined styling for the button. */
    button_style: "primary" | "success" | "info" | "warning" | "danger" | "";
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable button. */
    disabled: boolean;
    /** Error message. */
    error: string;
    /** Font-awesome icon name, without the 'fa-' prefix. */
    icon: string;
    layout: ModelReference;
    /** If True, allow for multiple files upload. */
    multiple: boolean;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** The file upload value. */
    value: readonly object[];
  };
  /** State of ipywidgets' FloatLogSliderModel. */
  FloatLogSlider: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Base for the logarithm. */
    base: number;
    /** Slider dragging behavior. */
    behavior: "drag-tap" | "drag-snap" | "tap" | "drag" | "snap";
    /** Update the value of the widget as the user is holding the slider. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Max value for the exponent. */
    max: number;
    /** Min value for the exponent. */
    min: number;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    /** Display the current value of the slider next to it. */
    readout: boolean;
    /** Format for the readout. */
    readout_format: string;
    /** Minimum step in the exponent to increment the value. */
    step: number | null;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Float value. */
    value: number;
  };
  /** State of ipywidgets' FloatProgressModel. */
  FloatProgress: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the progress bar. */
    bar_style: "success" | "info" | "warning" | "danger" | "" | null;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Float value. */
    value: number;
  };
  /** State of ipywidgets' FloatRangeSliderModel. */
  FloatRangeSlider: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Slider dragging behavior. */
    behavior: "drag-tap" | "drag-snap" | "tap" | "drag" | "snap";
    /** Update the value of the widget as the user is sliding the slider. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    /** Display the current value of the slider next to it. */
    readout: boolean;
    /** Format for the readout. */
    readout_format: string;
    /** Minimum step to increment the value. */
    step: number | null;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Tuple of (lower, upper) bounds. */
    value: readonly unknown[];
  };
  /** State of ipywidgets' FloatSliderModel. */
  FloatSlider: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Slider dragging behavior. */
    behavior: "drag-tap" | "drag-snap" | "tap" | "drag" | "snap";
    /** Update the value of the widget as the user is holding the slider. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    /** Display the current value of the slider next to it. */
    readout: boolean;
    /** Format for the readout. */
    readout_format: string;
    /** Minimum step to increment the value. */
    step: number | null;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Float value. */
    value: number;
  };
  /** State of ipywidgets' FloatTextModel. */
  FloatText: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Update the value as the user types. If False, update on submission, e.g., pressing Enter or navigating away. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Minimum step to increment the value. */
    step: number | null;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Float value. */
    value: number;
  };
  /** State of ipywidgets' FloatsInputModel. */
  FloatsInput: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    allow_duplicates: boolean;
    allowed_tags: readonly unknown[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    format: string;
    layout: ModelReference;
    max: number | null;
    min: number | null;
    placeholder: string;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** Use a predefined styling for the tags. */
    tag_style: "primary" | "success" | "info" | "warning" | "danger" | "";
    /** A tooltip caption. */
    tooltip: string | null;
    /** List of float tags. */
    value: readonly unknown[];
  };
  /** State of ipywidgets' GridBoxModel. */
  GridBox: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the box. */
    box_style: "success" | "info" | "warning" | "danger" | "";
    /** List of widget children. */
    children: readonly ModelReference[];
    layout: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' HBoxModel. */
  HBox: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the box. */
    box_style: "success" | "info" | "warning" | "danger" | "";
    /** List of widget children. */
    children: readonly ModelReference[];
    layout: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' HTMLMathModel. */
  HTMLMath: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    layout: ModelReference;
    /** Placeholder text to display when nothing has been typed. */
    placeholder: string;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** String value. */
    value: string;
  };
  /** State of ipywidgets' HTMLMathStyleModel. */
  HTMLMathStyle: {
    /** Background specifications. */
    background: string | null;
    /** Width of the description to the side of the control. */
    description_width: string;
    /** Text font size. */
    font_size: string | null;
    /** Text color. */
    text_color: string | null;
  };
  /** State of ipywidgets' HTMLModel. */
  HTML: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    layout: ModelReference;
    /** Placeholder text to display when nothing has been typed. */
    placeholder: string;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** String value. */
    value: string;
  };
  /** State of ipywidgets' HTMLStyleModel. */
  HTMLStyle: {
    /** Background specifications. */
    background: string | null;
    /** Width of the description to the side of the control. */
    description_width: string;
    /** Text font size. */
    font_size: string | null;
    /** Text color. */
    text_color: string | null;
  };
  /** State of ipywidgets' ImageModel. */
  Image: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The format of the image. */
    format: string;
    /** Height of the image in pixels. Use layout.height for styling the widget. */
    height: string;
    layout: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** The media data as a memory view of bytes. */
    value: Uint8Array;
    /** Width of the image in pixels. Use layout.width for styling the widget. */
    width: string;
  };
  /** State of ipywidgets' IntProgressModel. */
  IntProgress: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the progress bar. */
    bar_style: "success" | "info" | "warning" | "danger" | "";
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Int value. */
    value: number;
  };
  /** State of ipywidgets' IntRangeSliderModel. */
  IntRangeSlider: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Slider dragging behavior. */
    behavior: "drag-tap" | "drag-snap" | "tap" | "drag" | "snap";
    /** Update the value of the widget as the user is sliding the slider. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    /** Display the current value of the slider next to it. */
    readout: boolean;
    /** Format for the readout. */
    readout_format: string;
    /** Minimum step that the value can take. */
    step: number;
    /** Slider style customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Tuple of (lower, upper) bounds. */
    value: readonly unknown[];
  };
  /** State of ipywidgets' IntSliderModel. */
  IntSlider: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Slider dragging behavior. */
    behavior: "drag-tap" | "drag-snap" | "tap" | "drag" | "snap";
    /** Update the value of the widget as the user is holding the slider. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    /** Display the current value of the slider next to it. */
    readout: boolean;
    /** Format for the readout. */
    readout_format: string;
    /** Minimum step to increment the value. */
    step: number;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Int value. */
    value: number;
  };
  /** State of ipywidgets' IntTextModel. */
  IntText: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Update the value as the user types. If False, update on submission, e.g., pressing Enter or navigating away. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Minimum step to increment the value. */
    step: number;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Int value. */
    value: number;
  };
  /** State of ipywidgets' IntsInputModel. */
  IntsInput: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    allow_duplicates: boolean;
    allowed_tags: readonly unknown[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    format: string;
    layout: ModelReference;
    max: number | null;
    min: number | null;
    placeholder: string;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** Use a predefined styling for the tags. */
    tag_style: "primary" | "success" | "info" | "warning" | "danger" | "";
    /** A tooltip caption. */
    tooltip: string | null;
    /** List of int tags. */
    value: readonly unknown[];
  };
  /** State of ipywidgets' LabelModel. */
  Label: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    layout: ModelReference;
    /** Placeholder text to display when nothing has been typed. */
    placeholder: string;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** String value. */
    value: string;
  };
  /** State of ipywidgets' LabelStyleModel. */
  LabelStyle: {
    /** Background specifications. */
    background: string | null;
    /** Width of the description to the side of the control. */
    description_width: string;
    /** Label text font family. */
    font_family: string | null;
    /** Text font size. */
    font_size: string | null;
    /** Label text font style. */
    font_style: string | null;
    /** Label text font variant. */
    font_variant: string | null;
    /** Label text font weight. */
    font_weight: string | null;
    /** Text color. */
    text_color: string | null;
    /** Label text decoration. */
    text_decoration: string | null;
  };
  /** State of ipywidgets' LayoutModel. */
  Layout: {
    /** The align-content CSS attribute. */
    align_content: "flex-start" | "flex-end" | "center" | "space-between" | "space-around" | "space-evenly" | "stretch" | "inherit" | "initial" | "unset" | null;
    /** The align-items CSS attribute. */
    align_items: "flex-start" | "flex-end" | "center" | "baseline" | "stretch" | "inherit" | "initial" | "unset" | null;
    /** The align-self CSS attribute. */
    align_self: "auto" | "flex-start" | "flex-end" | "center" | "baseline" | "stretch" | "inherit" | "initial" | "unset" | null;
    /** The border bottom CSS attribute. */
    border_bottom: string | null;
    /** The border left CSS attribute. */
    border_left: string | null;
    /** The border right CSS attribute. */
    border_right: string | null;
    /** The border top CSS attribute. */
    border_top: string | null;
    /** The bottom CSS attribute. */
    bottom: string | null;
    /** The display CSS attribute. */
    display: string | null;
    /** The flex CSS attribute. */
    flex: string | null;
    /** The flex-flow CSS attribute. */
    flex_flow: string | null;
    /** The grid-area CSS attribute. */
    grid_area: string | null;
    /** The grid-auto-columns CSS attribute. */
    grid_auto_columns: string | null;
    /** The grid-auto-flow CSS attribute. */
    grid_auto_flow: "column" | "row" | "row dense" | "column dense" | "inherit" | "initial" | "unset" | null;
    /** The grid-auto-rows CSS attribute. */
    grid_auto_rows: string | null;
    /** The grid-column CSS attribute. */
    grid_column: string | null;
    /** The grid-gap CSS attribute. */
    grid_gap: string | null;
    /** The grid-row CSS attribute. */
    grid_row: string | null;
    /** The grid-template-areas CSS attribute. */
    grid_template_areas: string | null;
    /** The grid-template-columns CSS attribute. */
    grid_template_columns: string | null;
    /** The grid-template-rows CSS attribute. */
    grid_template_rows: string | null;
    /** The height CSS attribute. */
    height: string | null;
    /** The justify-content CSS attribute. */
    justify_content: "flex-start" | "flex-end" | "center" | "space-between" | "space-around" | "inherit" | "initial" | "unset" | null;
    /** The justify-items CSS attribute. */
    justify_items: "flex-start" | "flex-end" | "center" | "inherit" | "initial" | "unset" | null;
    /** The left CSS attribute. */
    left: string | null;
    /** The margin CSS attribute. */
    margin: string | null;
    /** The max-height CSS attribute. */
    max_height: string | null;
    /** The max-width CSS attribute. */
    max_width: string | null;
    /** The min-height CSS attribute. */
    min_height: string | null;
    /** The min-width CSS attribute. */
    min_width: string | null;
    /** The object-fit CSS attribute. */
    object_fit: "contain" | "cover" | "fill" | "scale-down" | "none" | null;
    /** The object-position CSS attribute. */
    object_position: string | null;
    /** The order CSS attribute. */
    order: string | null;
    /** The overflow CSS attribute. */
    overflow: string | null;
    /** The padding CSS attribute. */
    padding: string | null;
    /** The right CSS attribute. */
    right: string | null;
    /** The top CSS attribute. */
    top: string | null;
    /** The visibility CSS attribute. */
    visibility: "visible" | "hidden" | "inherit" | "initial" | "unset" | null;
    /** The width CSS attribute. */
    width: string | null;
  };
  /** State of ipywidgets' LinkModel. */
  Link: {
    /** The source (widget, 'trait_name') pair. */
    source: readonly unknown[];
    /** The target (widget, 'trait_name') pair. */
    target: readonly unknown[];
  };
  /** State of ipywidgets' NaiveDatetimeModel. */
  NaiveDatetime: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    max: object | null;
    min: object | null;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    value: object | null;
  };
  /** State of ipywidgets' OutputModel. */
  Output: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    layout: ModelReference;
    /** Parent message id of messages to capture. */
    msg_id: string;
    /** The output messages synced from the frontend. */
    outputs: readonly object[];
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' PasswordModel. */
  Password: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Update the value as the user types. If False, update on submission, e.g., pressing Enter or navigating away. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Placeholder text to display when nothing has been typed. */
    placeholder: string;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** String value. */
    value: string;
  };
  /** State of ipywidgets' PlayModel. */
  Play: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** The time between two animation steps (ms). */
    interval: number;
    layout: ModelReference;
    /** Max value. */
    max: number;
    /** Min value. */
    min: number;
    /** Whether the control is currently playing. */
    playing: boolean;
    /** Whether the control will repeat in a continuous loop. */
    repeat: boolean;
    /** Show the repeat toggle button in the widget. */
    show_repeat: boolean;
    /** Increment step. */
    step: number;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Int value. */
    value: number;
  };
  /** State of ipywidgets' ProgressStyleModel. */
  ProgressStyle: {
    /** Color of the progress bar. */
    bar_color: string | null;
    /** Width of the description to the side of the control. */
    description_width: string;
  };
  /** State of ipywidgets' RadioButtonsModel. */
  RadioButtons: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The labels for the options. */
    _options_labels: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Selected index. */
    index: number | null;
    layout: ModelReference;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' SelectModel. */
  Select: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The labels for the options. */
    _options_labels: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Selected index. */
    index: number | null;
    layout: ModelReference;
    /** The number of rows to display. */
    rows: number;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' SelectMultipleModel. */
  SelectMultiple: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The labels for the options. */
    _options_labels: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Selected indices. */
    index: readonly number[];
    layout: ModelReference;
    /** The number of rows to display. */
    rows: number;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' SelectionRangeSliderModel. */
  SelectionRangeSlider: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The labels for the options. */
    _options_labels: readonly string[];
    /** Slider dragging behavior. */
    behavior: "drag-tap" | "drag-snap" | "tap" | "drag" | "snap";
    /** Update the value of the widget as the user is holding the slider. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Min and max selected indices. */
    index: readonly unknown[];
    layout: ModelReference;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    /** Display the current selected label next to the slider. */
    readout: boolean;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' SelectionSliderModel. */
  SelectionSlider: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The labels for the options. */
    _options_labels: readonly string[];
    /** Slider dragging behavior. */
    behavior: "drag-tap" | "drag-snap" | "tap" | "drag" | "snap";
    /** Update the value of the widget as the user is holding the slider. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Selected index. */
    index: number;
    layout: ModelReference;
    /** Vertical or horizontal. */
    orientation: "horizontal" | "vertical";
    /** Display the current selected label next to the slider. */
    readout: boolean;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' SliderStyleModel. */
  SliderStyle: {
    /** Width of the description to the side of the control. */
    description_width: string;
    /** Color of the slider handle. */
    handle_color: string | null;
  };
  /** State of ipywidgets' StackModel. */
  Stack: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the box. */
    box_style: "success" | "info" | "warning" | "danger" | "";
    /** List of widget children. */
    children: readonly ModelReference[];
    layout: ModelReference;
    /** The index of the selected page. This is either an integer selecting a particular sub-widget, or None to have no widgets selected. */
    selected_index: number | null;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** Titles of the pages. */
    titles: readonly string[];
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' TabModel. */
  Tab: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the box. */
    box_style: "success" | "info" | "warning" | "danger" | "";
    /** List of widget children. */
    children: readonly ModelReference[];
    layout: ModelReference;
    /** The index of the selected page. This is either an integer selecting a particular sub-widget, or None to have no widgets selected. */
    selected_index: number | null;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** Titles of the pages. */
    titles: readonly string[];
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' TagsInputModel. */
  TagsInput: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    allow_duplicates: boolean;
    allowed_tags: readonly unknown[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    layout: ModelReference;
    placeholder: string;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** Use a predefined styling for the tags. */
    tag_style: "primary" | "success" | "info" | "warning" | "danger" | "";
    /** A tooltip caption. */
    tooltip: string | null;
    /** List of string tags. */
    value: readonly unknown[];
  };
  /** State of ipywidgets' TextModel. */
  Text: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Update the value as the user types. If False, update on submission, e.g., pressing Enter or navigating away. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Placeholder text to display when nothing has been typed. */
    placeholder: string;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** String value. */
    value: string;
  };
  /** State of ipywidgets' TextStyleModel. */
  TextStyle: {
    /** Background specifications. */
    background: string | null;
    /** Width of the description to the side of the control. */
    description_width: string;
    /** Text font size. */
    font_size: string | null;
    /** Text color. */
    text_color: string | null;
  };
  /** State of ipywidgets' TextareaModel. */
  Textarea: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Update the value as the user types. If False, update on submission, e.g., pressing Enter or navigating away. */
    continuous_update: boolean;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Placeholder text to display when nothing has been typed. */
    placeholder: string;
    /** The number of rows to display. */
    rows: number | null;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** String value. */
    value: string;
  };
  /** State of ipywidgets' TimeModel. */
  Time: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    max: object | null;
    min: object | null;
    /** The time step to use for the picker, in seconds, or "any". */
    step: number | string;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    value: object | null;
  };
  /** State of ipywidgets' ToggleButtonModel. */
  ToggleButton: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the button. */
    button_style: "primary" | "success" | "info" | "warning" | "danger" | "";
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Font-awesome icon. */
    icon: string;
    layout: ModelReference;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Bool value. */
    value: boolean;
  };
  /** State of ipywidgets' ToggleButtonStyleModel. */
  ToggleButtonStyle: {
    /** Width of the description to the side of the control. */
    description_width: string;
    /** Toggle button text font family. */
    font_family: string | null;
    /** Toggle button text font size. */
    font_size: string | null;
    /** Toggle button text font style. */
    font_style: string | null;
    /** Toggle button text font variant. */
    font_variant: string | null;
    /** Toggle button text font weight. */
    font_weight: string | null;
    /** Toggle button text color. */
    text_color: string | null;
    /** Toggle button text decoration. */
    text_decoration: string | null;
  };
  /** State of ipywidgets' ToggleButtonsModel. */
  ToggleButtons: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** The labels for the options. */
    _options_labels: readonly string[];
    /** Use a predefined styling for the buttons. */
    button_style: "primary" | "success" | "info" | "warning" | "danger" | "" | null;
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    /** Icons names for each button (FontAwesome names without the fa- prefix). */
    icons: readonly string[];
    /** Selected index. */
    index: number | null;
    layout: ModelReference;
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Tooltips for each button. */
    tooltips: readonly string[];
  };
  /** State of ipywidgets' ToggleButtonsStyleModel. */
  ToggleButtonsStyle: {
    /** The width of each button. */
    button_width: string;
    /** Width of the description to the side of the control. */
    description_width: string;
    /** Text font weight of each button. */
    font_weight: string;
  };
  /** State of ipywidgets' VBoxModel. */
  VBox: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Use a predefined styling for the box. */
    box_style: "success" | "info" | "warning" | "danger" | "";
    /** List of widget children. */
    children: readonly ModelReference[];
    layout: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
  };
  /** State of ipywidgets' ValidModel. */
  Valid: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** Description of the control. */
    description: string;
    /** Accept HTML in the description. */
    description_allow_html: boolean;
    /** Enable or disable user changes. */
    disabled: boolean;
    layout: ModelReference;
    /** Message displayed when the value is False. */
    readout: string;
    /** Styling customizations. */
    style: ModelReference;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** Bool value. */
    value: boolean;
  };
  /** State of ipywidgets' VideoModel. */
  Video: {
    /** CSS classes applied to widget DOM element. */
    _dom_classes: readonly string[];
    /** When true, the video starts when it's displayed. */
    autoplay: boolean;
    /** Specifies that video controls should be displayed (such as a play/pause button etc). */
    controls: boolean;
    /** The format of the video. */
    format: string;
    /** Height of the video in pixels. */
    height: string;
    layout: ModelReference;
    /** When true, the video will start from the beginning after finishing. */
    loop: boolean;
    /** Is widget tabbable? */
    tabbable: boolean | null;
    /** A tooltip caption. */
    tooltip: string | null;
    /** The media data as a memory view of bytes. */
    value: Uint8Array;
    /** Width of the video in pixels. */
    width: string;
  };
}

/** A model's names in the front end, its values at first, and the models that it cannot be without. */
export interface ModelSpec {
  readonly identity: Readonly<Record<string, string | null>>;
  readonly defaults: Readonly<Record<string, unknown>>;
  readonly owned: Readonly<Record<string, keyof ModelStates>>;
}

export const MODELS: { readonly [name in keyof ModelStates]: ModelSpec } = {
  Accordion: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "AccordionModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "AccordionView",
    },
    defaults: {
      _dom_classes: [],
      box_style: "",
      children: [],
      selected_index: null,
      tabbable: null,
      titles: [],
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  Audio: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "AudioModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "AudioView",
    },
    defaults: {
      _dom_classes: [],
      autoplay: true,
      controls: true,
      format: "mp3",
      loop: true,
      tabbable: null,
      tooltip: null,
      value: new Uint8Array(),
    },
    owned: { layout: "Layout" },
  },
  BoundedFloatText: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "BoundedFloatTextModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "FloatTextView",
    },
    defaults: {
      _dom_classes: [],
      continuous_update: false,
      description: "",
      description_allow_html: false,
      disabled: false,
      max: 100,
      min: 0,
      step: null,
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  BoundedIntText: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "BoundedIntTextModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "IntTextView",
    },
    defaults: {
      _dom_classes: [],
      continuous_update: false,
      description: "",
      description_allow_html: false,
      disabled: false,
      max: 100,
      min: 0,
      step: 1,
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  Box: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "BoxModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "BoxView",
    },
    defaults: {
      _dom_classes: [],
      box_style: "",
      children: [],
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  Button: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ButtonModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ButtonView",
    },
    defaults: {
      _dom_classes: [],
      button_style: "",
      description: "",
      disabled: false,
      icon: "",
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout", style: "ButtonStyle" },
  },
  ButtonStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ButtonStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      button_color: null,
      font_family: null,
      font_size: null,
      font_style: null,
      font_variant: null,
      font_weight: null,
      text_color: null,
      text_decoration: null,
    },
    owned: {  },
  },
  Checkbox: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "CheckboxModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "CheckboxView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      indent: true,
      tabbable: null,
      tooltip: null,
      value: false,
    },
    owned: { layout: "Layout", style: "CheckboxStyle" },
  },
  CheckboxStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "CheckboxStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      background: null,
      description_width: "",
    },
    owned: {  },
  },
  ColorPicker: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ColorPickerModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ColorPickerView",
    },
    defaults: {
      _dom_classes: [],
      concise: false,
      description: "",
      description_allow_html: false,
      disabled: false,
      tabbable: null,
      tooltip: null,
      value: "black",
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  ColorsInput: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ColorsInputModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ColorsInputView",
    },
    defaults: {
      _dom_classes: [],
      allow_duplicates: true,
      allowed_tags: [],
      description: "",
      description_allow_html: false,
      placeholder: "​",
      tabbable: null,
      tooltip: null,
      value: [],
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  Combobox: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ComboboxModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ComboboxView",
    },
    defaults: {
      _dom_classes: [],
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      ensure_option: false,
      options: [],
      placeholder: "​",
      tabbable: null,
      tooltip: null,
      value: "",
    },
    owned: { layout: "Layout", style: "TextStyle" },
  },
  ControllerAxis: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ControllerAxisModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ControllerAxisView",
    },
    defaults: {
      _dom_classes: [],
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout" },
  },
  ControllerButton: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ControllerButtonModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ControllerButtonView",
    },
    defaults: {
      _dom_classes: [],
      pressed: false,
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout" },
  },
  Controller: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ControllerModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ControllerView",
    },
    defaults: {
      _dom_classes: [],
      axes: [],
      buttons: [],
      connected: false,
      index: 0,
      mapping: "",
      name: "",
      tabbable: null,
      timestamp: 0,
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  DatePicker: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "DatePickerModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "DatePickerView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      max: null,
      min: null,
      step: 1,
      tabbable: null,
      tooltip: null,
      value: null,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  Datetime: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "DatetimeModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "DatetimeView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      max: null,
      min: null,
      tabbable: null,
      tooltip: null,
      value: null,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  DescriptionStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "DescriptionStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      description_width: "",
    },
    owned: {  },
  },
  DirectionalLink: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "DirectionalLinkModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: null,
    },
    defaults: {
      source: [],
      target: [],
    },
    owned: {  },
  },
  Dropdown: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "DropdownModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "DropdownView",
    },
    defaults: {
      _dom_classes: [],
      _options_labels: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      index: null,
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  FileUpload: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "FileUploadModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "FileUploadView",
    },
    defaults: {
      _dom_classes: [],
      accept: "",
      button_style: "",
      description: "",
      description_allow_html: false,
      disabled: false,
      error: "",
      icon: "upload",
      multiple: false,
      tabbable: null,
      tooltip: null,
      value: [],
    },
    owned: { layout: "Layout", style: "ButtonStyle" },
  },
  FloatLogSlider: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "FloatLogSliderModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "FloatLogSliderView",
    },
    defaults: {
      _dom_classes: [],
      base: 10,
      behavior: "drag-tap",
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      max: 4,
      min: 0,
      orientation: "horizontal",
      readout: true,
      readout_format: ".3g",
      step: 0.1,
      tabbable: null,
      tooltip: null,
      value: 1,
    },
    owned: { layout: "Layout", style: "SliderStyle" },
  },
  FloatProgress: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "FloatProgressModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ProgressView",
    },
    defaults: {
      _dom_classes: [],
      bar_style: "",
      description: "",
      description_allow_html: false,
      max: 100,
      min: 0,
      orientation: "horizontal",
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "ProgressStyle" },
  },
  FloatRangeSlider: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "FloatRangeSliderModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "FloatRangeSliderView",
    },
    defaults: {
      _dom_classes: [],
      behavior: "drag-tap",
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      max: 100,
      min: 0,
      orientation: "horizontal",
      readout: true,
      readout_format: ".2f",
      step: 0.1,
      tabbable: null,
      tooltip: null,
      value: [0,1],
    },
    owned: { layout: "Layout", style: "SliderStyle" },
  },
  FloatSlider: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "FloatSliderModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "FloatSliderView",
    },
    defaults: {
      _dom_classes: [],
      behavior: "drag-tap",
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      max: 100,
      min: 0,
      orientation: "horizontal",
      readout: true,
      readout_format: ".2f",
      step: 0.1,
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "SliderStyle" },
  },
  FloatText: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "FloatTextModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "FloatTextView",
    },
    defaults: {
      _dom_classes: [],
      continuous_update: false,
      description: "",
      description_allow_html: false,
      disabled: false,
      step: null,
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  FloatsInput: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "FloatsInputModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "FloatsInputView",
    },
    defaults: {
      _dom_classes: [],
      allow_duplicates: true,
      allowed_tags: [],
      description: "",
      description_allow_html: false,
      format: ".1f",
      max: null,
      min: null,
      placeholder: "​",
      tabbable: null,
      tag_style: "",
      tooltip: null,
      value: [],
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  GridBox: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "GridBoxModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "GridBoxView",
    },
    defaults: {
      _dom_classes: [],
      box_style: "",
      children: [],
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  HBox: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "HBoxModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "HBoxView",
    },
    defaults: {
      _dom_classes: [],
      box_style: "",
      children: [],
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  HTMLMath: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "HTMLMathModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "HTMLMathView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      placeholder: "​",
      tabbable: null,
      tooltip: null,
      value: "",
    },
    owned: { layout: "Layout", style: "HTMLMathStyle" },
  },
  HTMLMathStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "HTMLMathStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      background: null,
      description_width: "",
      font_size: null,
      text_color: null,
    },
    owned: {  },
  },
  HTML: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "HTMLModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "HTMLView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      placeholder: "​",
      tabbable: null,
      tooltip: null,
      value: "",
    },
    owned: { layout: "Layout", style: "HTMLStyle" },
  },
  HTMLStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "HTMLStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      background: null,
      description_width: "",
      font_size: null,
      text_color: null,
    },
    owned: {  },
  },
  Image: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ImageModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ImageView",
    },
    defaults: {
      _dom_classes: [],
      format: "png",
      height: "",
      tabbable: null,
      tooltip: null,
      value: new Uint8Array(),
      width: "",
    },
    owned: { layout: "Layout" },
  },
  IntProgress: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "IntProgressModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ProgressView",
    },
    defaults: {
      _dom_classes: [],
      bar_style: "",
      description: "",
      description_allow_html: false,
      max: 100,
      min: 0,
      orientation: "horizontal",
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "ProgressStyle" },
  },
  IntRangeSlider: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "IntRangeSliderModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "IntRangeSliderView",
    },
    defaults: {
      _dom_classes: [],
      behavior: "drag-tap",
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      max: 100,
      min: 0,
      orientation: "horizontal",
      readout: true,
      readout_format: "d",
      step: 1,
      tabbable: null,
      tooltip: null,
      value: [0,1],
    },
    owned: { layout: "Layout", style: "SliderStyle" },
  },
  IntSlider: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "IntSliderModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "IntSliderView",
    },
    defaults: {
      _dom_classes: [],
      behavior: "drag-tap",
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      max: 100,
      min: 0,
      orientation: "horizontal",
      readout: true,
      readout_format: "d",
      step: 1,
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "SliderStyle" },
  },
  IntText: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "IntTextModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "IntTextView",
    },
    defaults: {
      _dom_classes: [],
      continuous_update: false,
      description: "",
      description_allow_html: false,
      disabled: false,
      step: 1,
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  IntsInput: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "IntsInputModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "IntsInputView",
    },
    defaults: {
      _dom_classes: [],
      allow_duplicates: true,
      allowed_tags: [],
      description: "",
      description_allow_html: false,
      format: "d",
      max: null,
      min: null,
      placeholder: "​",
      tabbable: null,
      tag_style: "",
      tooltip: null,
      value: [],
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  Label: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "LabelModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "LabelView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      placeholder: "​",
      tabbable: null,
      tooltip: null,
      value: "",
    },
    owned: { layout: "Layout", style: "LabelStyle" },
  },
  LabelStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "LabelStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      background: null,
      description_width: "",
      font_family: null,
      font_size: null,
      font_style: null,
      font_variant: null,
      font_weight: null,
      text_color: null,
      text_decoration: null,
    },
    owned: {  },
  },
  Layout: {
    identity: {
      _model_module: "@jupyter-widgets/base",
      _model_module_version: "2.0.0",
      _model_name: "LayoutModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "LayoutView",
    },
    defaults: {
      align_content: null,
      align_items: null,
      align_self: null,
      border_bottom: null,
      border_left: null,
      border_right: null,
      border_top: null,
      bottom: null,
      display: null,
      flex: null,
      flex_flow: null,
      grid_area: null,
      grid_auto_columns: null,
      grid_auto_flow: null,
      grid_auto_rows: null,
      grid_column: null,
      grid_gap: null,
      grid_row: null,
      grid_template_areas: null,
      grid_template_columns: null,
      grid_template_rows: null,
      height: null,
      justify_content: null,
      justify_items: null,
      left: null,
      margin: null,
      max_height: null,
      max_width: null,
      min_height: null,
      min_width: null,
      object_fit: null,
      object_position: null,
      order: null,
      overflow: null,
      padding: null,
      right: null,
      top: null,
      visibility: null,
      width: null,
    },
    owned: {  },
  },
  Link: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "LinkModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: null,
    },
    defaults: {
      source: [],
      target: [],
    },
    owned: {  },
  },
  NaiveDatetime: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "NaiveDatetimeModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "DatetimeView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      max: null,
      min: null,
      tabbable: null,
      tooltip: null,
      value: null,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  Output: {
    identity: {
      _model_module: "@jupyter-widgets/output",
      _model_module_version: "1.0.0",
      _model_name: "OutputModel",
      _view_module: "@jupyter-widgets/output",
      _view_module_version: "1.0.0",
      _view_name: "OutputView",
    },
    defaults: {
      _dom_classes: [],
      msg_id: "",
      outputs: [],
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  Password: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "PasswordModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "PasswordView",
    },
    defaults: {
      _dom_classes: [],
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      placeholder: "​",
      tabbable: null,
      tooltip: null,
      value: "",
    },
    owned: { layout: "Layout", style: "TextStyle" },
  },
  Play: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "PlayModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "PlayView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      interval: 100,
      max: 100,
      min: 0,
      playing: false,
      repeat: false,
      show_repeat: true,
      step: 1,
      tabbable: null,
      tooltip: null,
      value: 0,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  ProgressStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ProgressStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      bar_color: null,
      description_width: "",
    },
    owned: {  },
  },
  RadioButtons: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "RadioButtonsModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "RadioButtonsView",
    },
    defaults: {
      _dom_classes: [],
      _options_labels: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      index: null,
      orientation: "vertical",
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  Select: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "SelectModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "SelectView",
    },
    defaults: {
      _dom_classes: [],
      _options_labels: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      index: null,
      rows: 5,
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  SelectMultiple: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "SelectMultipleModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "SelectMultipleView",
    },
    defaults: {
      _dom_classes: [],
      _options_labels: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      index: [],
      rows: 5,
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  SelectionRangeSlider: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "SelectionRangeSliderModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "SelectionRangeSliderView",
    },
    defaults: {
      _dom_classes: [],
      _options_labels: [],
      behavior: "drag-tap",
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      index: [0,0],
      orientation: "horizontal",
      readout: true,
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout", style: "SliderStyle" },
  },
  SelectionSlider: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "SelectionSliderModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "SelectionSliderView",
    },
    defaults: {
      _dom_classes: [],
      _options_labels: [],
      behavior: "drag-tap",
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      index: 0,
      orientation: "horizontal",
      readout: true,
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout", style: "SliderStyle" },
  },
  SliderStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "SliderStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      description_width: "",
      handle_color: null,
    },
    owned: {  },
  },
  Stack: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "StackModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "StackView",
    },
    defaults: {
      _dom_classes: [],
      box_style: "",
      children: [],
      selected_index: null,
      tabbable: null,
      titles: [],
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  Tab: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "TabModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "TabView",
    },
    defaults: {
      _dom_classes: [],
      box_style: "",
      children: [],
      selected_index: null,
      tabbable: null,
      titles: [],
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  TagsInput: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "TagsInputModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "TagsInputView",
    },
    defaults: {
      _dom_classes: [],
      allow_duplicates: true,
      allowed_tags: [],
      description: "",
      description_allow_html: false,
      placeholder: "​",
      tabbable: null,
      tag_style: "",
      tooltip: null,
      value: [],
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  Text: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "TextModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "TextView",
    },
    defaults: {
      _dom_classes: [],
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      placeholder: "​",
      tabbable: null,
      tooltip: null,
      value: "",
    },
    owned: { layout: "Layout", style: "TextStyle" },
  },
  TextStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "TextStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      background: null,
      description_width: "",
      font_size: null,
      text_color: null,
    },
    owned: {  },
  },
  Textarea: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "TextareaModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "TextareaView",
    },
    defaults: {
      _dom_classes: [],
      continuous_update: true,
      description: "",
      description_allow_html: false,
      disabled: false,
      placeholder: "​",
      rows: null,
      tabbable: null,
      tooltip: null,
      value: "",
    },
    owned: { layout: "Layout", style: "TextStyle" },
  },
  Time: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "TimeModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "TimeView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      max: null,
      min: null,
      step: 60,
      tabbable: null,
      tooltip: null,
      value: null,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  ToggleButton: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ToggleButtonModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ToggleButtonView",
    },
    defaults: {
      _dom_classes: [],
      button_style: "",
      description: "",
      description_allow_html: false,
      disabled: false,
      icon: "",
      tabbable: null,
      tooltip: null,
      value: false,
    },
    owned: { layout: "Layout", style: "ToggleButtonStyle" },
  },
  ToggleButtonStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ToggleButtonStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      description_width: "",
      font_family: null,
      font_size: null,
      font_style: null,
      font_variant: null,
      font_weight: null,
      text_color: null,
      text_decoration: null,
    },
    owned: {  },
  },
  ToggleButtons: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ToggleButtonsModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ToggleButtonsView",
    },
    defaults: {
      _dom_classes: [],
      _options_labels: [],
      button_style: "",
      description: "",
      description_allow_html: false,
      disabled: false,
      icons: [],
      index: null,
      tabbable: null,
      tooltip: null,
      tooltips: [],
    },
    owned: { layout: "Layout", style: "ToggleButtonsStyle" },
  },
  ToggleButtonsStyle: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ToggleButtonsStyleModel",
      _view_module: "@jupyter-widgets/base",
      _view_module_version: "2.0.0",
      _view_name: "StyleView",
    },
    defaults: {
      button_width: "",
      description_width: "",
      font_weight: "",
    },
    owned: {  },
  },
  VBox: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "VBoxModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "VBoxView",
    },
    defaults: {
      _dom_classes: [],
      box_style: "",
      children: [],
      tabbable: null,
      tooltip: null,
    },
    owned: { layout: "Layout" },
  },
  Valid: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "ValidModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "ValidView",
    },
    defaults: {
      _dom_classes: [],
      description: "",
      description_allow_html: false,
      disabled: false,
      readout: "Invalid",
      tabbable: null,
      tooltip: null,
      value: false,
    },
    owned: { layout: "Layout", style: "DescriptionStyle" },
  },
  Video: {
    identity: {
      _model_module: "@jupyter-widgets/controls",
      _model_module_version: "2.0.0",
      _model_name: "VideoModel",
      _view_module: "@jupyter-widgets/controls",
      _view_module_version: "2.0.0",
      _view_name: "VideoView",
    },
    defaults: {
      _dom_classes: [],
      autoplay: true,
      controls: true,
      format: "mp4",
      height: "",
      loop: true,
      tabbable: null,
      tooltip: null,
      value: new Uint8Array(),
      width: "",
    },
    owned: { layout: "Layout" },
  },
};
