import { modelOf, type WidgetModel } from "./model.ts";
import type { ModelStates } from "./models.ts";
import { stillOf } from "./views.ts";
import { isWidget, type Still, Widget } from "./widget.ts";

/** Widgets side by side. */
export function row(...children: Widget[]): Box {
  return new Box("HBox", children);
}

/** Widgets one below the other. */
export function column(...children: Widget[]): Box {
  return new Box("VBox", children);
}

/** Made by `row` and `column`. */
export class Box extends Widget {
  readonly #children: readonly Widget[];

  constructor(kind: "HBox" | "VBox", children: readonly Widget[]) {
    super(modelOf(kind, { children: checked(kind === "HBox" ? "row" : "column", children) }));
    this.#children = children;
  }

  /** Its model, for a widget that is a box to the page, as `interact`'s is. */
  get boxModel(): WidgetModel<ModelStates["HBox"]> {
    return this.model;
  }

  async still(): Promise<Still> {
    return stillOf(this.#children);
  }
}

/** Widgets of which one is seen, by the title that is clicked: `tabs({ picture: a, latents: b })`. */
export function tabs(children: Readonly<Record<string, Widget>>): Pages {
  return new Pages("Tab", children);
}

/** Widgets below titles that fold: `accordion({ settings: a, picture: b })`. */
export function accordion(children: Readonly<Record<string, Widget>>): Pages {
  return new Pages("Accordion", children);
}

/** Made by `tabs` and `accordion`. */
export class Pages extends Widget {
  readonly #titles: readonly string[];
  readonly #children: readonly Widget[];

  constructor(kind: "Tab" | "Accordion", pages: Readonly<Record<string, Widget>>) {
    const [titles, children] = [Object.keys(pages), Object.values(pages)];
    super(
      modelOf(kind, { children: checked(kind === "Tab" ? "tabs" : "accordion", children), titles, selected_index: 0 }),
    );
    this.#titles = titles;
    this.#children = children;
  }

  async still(): Promise<Still> {
    return stillOf(this.#children, (index) => this.#titles[index]!);
  }
}

function checked(where: string, children: readonly unknown[]): readonly Widget[] {
  const wrong = children.findIndex((child) => !isWidget(child));
  if (wrong < 0) return children as readonly Widget[];
  throw new TypeError(
    `${where}: entry ${wrong} is ${typeof children[wrong]}, expected a widget. Wrap a figure or picture: output(figure)`,
  );
}
