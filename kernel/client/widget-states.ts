import type { Json, Message } from "../wire/message.ts";
import type { CodeCell, Notebook } from "./notebook.ts";

/** The MIME type that refers to a widget. */
const VIEW = "application/vnd.jupyter.widget-view+json";
/** Where a notebook's metadata hold the widgets' states. */
const STATE = "application/vnd.jupyter.widget-state+json";
const REFERENCE = /^IPY_MODEL_(.+)$/;

interface Model {
  state: Json;
  /** Bytes of the state, by their place in it. */
  readonly buffers: Map<string, { path: (string | number)[]; bytes: Uint8Array }>;
}

/**
 * The states of a notebook's widgets, as a front end knows them from the kernel's comm messages, for the notebook's
 * metadata, so that pages made from it (by nbconvert or @jupyter-widgets/html-manager) show the controls without a kernel.
 *
 * @see https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md
 */
export class WidgetStates {
  readonly #models = new Map<string, Model>();

  /** Handles one iopub message. Messages that do not concern widgets are ignored. */
  take({ header, content, buffers }: Message): void {
    const id: unknown = content.comm_id;
    if (typeof id !== "string") return;
    if (header.msg_type === "comm_open" && content.target_name === "jupyter.widget") {
      this.#models.set(id, { state: {}, buffers: new Map() });
      this.#update(id, content.data, buffers);
    } else if (header.msg_type === "comm_msg" && content.data?.method === "update") {
      this.#update(id, content.data, buffers);
    } else if (header.msg_type === "comm_close") {
      this.#models.delete(id);
    }
  }

  #update(id: string, data: Json | undefined, bytes: readonly Uint8Array[]): void {
    const model = this.#models.get(id);
    if (!model || typeof data?.state !== "object" || data.state === null) return;
    for (const key of Object.keys(data.state)) {
      for (const [place, { path }] of model.buffers) if (path[0] === key) model.buffers.delete(place);
    }
    Object.assign(model.state, data.state);
    for (const [i, path] of (data.buffer_paths ?? []).entries()) {
      // Of bytes that have changed nothing of the old ones stays.
      for (const [place, old] of model.buffers) {
        if (path.length < old.path.length && path.every((part: unknown, at: number) => part === old.path[at])) {
          model.buffers.delete(place);
        }
      }
      model.buffers.set(JSON.stringify(path), { path, bytes: bytes[i] ?? new Uint8Array() });
    }
  }

  /**
   * Puts the states of the widgets that the outputs show, and of those inside them, into the metadata. They are numbered
   * in the order of appearance, so that running the same notebook again gives the same bytes.
   */
  writeInto(notebook: Notebook): void {
    const names = new Map<string, string>();
    const states: Json = {};
    const name = (id: string): string => {
      const known = names.get(id);
      if (known !== undefined) return known;
      const given = `widget-${names.size + 1}`;
      names.set(id, given);
      const model = this.#models.get(id)!;
      const { _model_name, _model_module, _model_module_version } = model.state;
      // In its place before those inside it.
      const entry: Json = {
        model_name: _model_name,
        model_module: _model_module,
        model_module_version: _model_module_version,
      };
      states[given] = entry;
      entry.state = renamed(model.state, (inner) => (this.#models.has(inner) ? name(inner) : inner));
      if (model.buffers.size > 0) {
        entry.buffers = [...model.buffers.values()].map(({ path, bytes }) => ({
          data: Buffer.from(bytes).toString("base64"),
          encoding: "base64",
          path,
        }));
      }
      return given;
    };
    for (const output of notebook.cells.flatMap((cell) => (cell.cell_type === "code" ? outputsOf(cell) : []))) {
      const view = output.data[VIEW] as Json | undefined;
      if (typeof view?.model_id !== "string") continue;
      // A widget that was closed, or is another kernel's: the other forms of the output stand for it.
      if (this.#models.has(view.model_id)) output.data[VIEW] = { ...view, model_id: name(view.model_id) };
      else delete output.data[VIEW];
    }
    const { widgets, ...rest } = notebook.metadata;
    const others = typeof widgets === "object" && widgets !== null ? { ...widgets } : {};
    delete others[STATE];
    if (names.size > 0) others[STATE] = { version_major: 2, version_minor: 0, state: states };
    notebook.metadata = Object.keys(others).length > 0 ? { ...rest, widgets: others } : rest;
  }
}

function outputsOf(cell: CodeCell): { data: Json }[] {
  return cell.outputs.flatMap((output) => ("data" in output ? [output] : []));
}

/** A state with the models that it refers to renamed. */
function renamed(value: unknown, rename: (id: string) => string): unknown {
  if (typeof value === "string") {
    const id = REFERENCE.exec(value)?.[1];
    return id === undefined ? value : `IPY_MODEL_${rename(id)}`;
  }
  if (Array.isArray(value)) return value.map((each) => renamed(each, rename));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      // A widget that is shown inside an Output.
      if (key === VIEW && typeof (each as Json)?.model_id === "string") {
        return [key, { ...(each as Json), model_id: rename((each as Json).model_id) }];
      }
      return [key, renamed(each, rename)];
    }),
  );
}
