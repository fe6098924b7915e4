import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** One state key of a widget model, as `@jupyter-widgets/schema` describes it. */
interface Attribute {
  name: string;
  type: string | string[];
  help?: string;
  default?: unknown;
  enum?: string[];
  allow_none?: boolean;
  items?: { type: string };
  widget?: string;
}

interface Model {
  attributes: Attribute[];
  model: { module: string; name: string; version: string };
  view: { module: string; name: string | null; version: string };
}

/** Keys that every model has in common, and that say what it is rather than how it stands. */
const IDENTITY = /^_(model|view)_(module|module_version|name)$/;

const TYPES: Record<string, string> = {
  string: "string",
  bool: "boolean",
  int: "number",
  float: "number",
  bytes: "Uint8Array",
  object: "object",
  reference: "ModelReference",
  array: "readonly unknown[]",
  Date: "object",
  Time: "object",
  Datetime: "object",
};

/** The TypeScript source of `lib/widgets/models.ts`: each model's state as a type, and what it holds at first. */
export function generateModels(): string {
  const path = createRequire(import.meta.url).resolve("@jupyter-widgets/schema/jupyterwidgetmodels.latest.json");
  const models = (JSON.parse(readFileSync(path, "utf8")) as Model[])
    .filter(({ model }) => model.name !== "DOMWidgetModel")
    .sort((a, b) => (a.model.name < b.model.name ? -1 : 1));
  const lines = [
    "/**",
    " * The state of each widget of ipywidgets 8, and what it holds at first. Generated from `@jupyter-widgets/schema` by",
    " * test/lib/widgets/generate-models.ts: `npx vitest run test/lib/widgets/models.test.ts -u` writes it anew.",
    " */",
    "",
    "/** Another model, named in a state. */",
    "export interface ModelReference {",
    "  /** As the front end and the kernel both know it. */",
    "  readonly modelId: string;",
    "}",
    "",
    "/** What each model's state holds, by the model's name. */",
    "export interface ModelStates {",
  ];
  for (const { model, attributes } of models) {
    lines.push(`  /** State of ipywidgets' ${model.name}. */`, `  ${shortName(model.name)}: {`);
    for (const attribute of own(attributes)) {
      if (attribute.help) lines.push(`    /** ${sentence(attribute.help)} */`);
      lines.push(`    ${attribute.name}: ${typeOf(attribute)};`);
    }
    lines.push("  };");
  }
  lines.push(
    "}",
    "",
    "/** A model's names in the front end, its values at first, and the models that it cannot be without. */",
  );
  lines.push("export interface ModelSpec {");
  lines.push("  readonly identity: Readonly<Record<string, string | null>>;");
  lines.push("  readonly defaults: Readonly<Record<string, unknown>>;");
  lines.push("  readonly owned: Readonly<Record<string, keyof ModelStates>>;");
  lines.push("}", "", "export const MODELS: { readonly [name in keyof ModelStates]: ModelSpec } = {");
  for (const { model, view, attributes } of models) {
    lines.push(`  ${shortName(model.name)}: {`, "    identity: {");
    lines.push(`      _model_module: ${JSON.stringify(model.module)},`);
    lines.push(`      _model_module_version: ${JSON.stringify(model.version)},`);
    lines.push(`      _model_name: ${JSON.stringify(model.name)},`);
    lines.push(`      _view_module: ${JSON.stringify(view.module)},`);
    lines.push(`      _view_module_version: ${JSON.stringify(view.version)},`);
    lines.push(`      _view_name: ${JSON.stringify(view.name)},`, "    },", "    defaults: {");
    const references = attributes.filter((each) => each.type === "reference" && each.widget);
    for (const each of own(attributes)) {
      if (!references.includes(each)) lines.push(`      ${each.name}: ${initialOf(each)},`);
    }
    // What is made anew for each model, as its layout; a reference without a default is the caller's to give.
    const owned = references.filter((each) => String(each.default).startsWith("reference to new"));
    lines.push("    },", `    owned: { ${owned.map((each) => `${each.name}: "${each.widget}"`).join(", ")} },`, "  },");
  }
  lines.push("};", "");
  return lines.join("\n");
}

function own(attributes: readonly Attribute[]): Attribute[] {
  return attributes.filter(({ name }) => !IDENTITY.test(name));
}

function shortName(model: string): string {
  return model.replace(/Model$/, "");
}

function sentence(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").replaceAll("*/", "* /").trim();
  return /[.!?]$/.test(line) ? line : `${line}.`;
}

function typeOf({ type, items, enum: choices, allow_none: allowsNone }: Attribute): string {
  const types = [type].flat();
  let text = choices
    ? choices.map((each) => JSON.stringify(each)).join(" | ")
    : types.map((each) => (each === "array" && items ? `readonly ${TYPES[items.type]}[]` : TYPES[each])).join(" | ");
  if (allowsNone) text += " | null";
  return text;
}

function initialOf({ type, default: value }: Attribute): string {
  if (type === "bytes") return "new Uint8Array()";
  return JSON.stringify(value ?? null);
}
