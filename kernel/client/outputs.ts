import type { Json, Message } from "../wire/message.ts";
import type { CodeCell, Output } from "./notebook.ts";

/** Maximum length of one stream output; a little less than V8's longest string. */
const LONGEST_STREAM = 500_000_000;

/**
 * Turns a kernel's messages into the outputs of a notebook's cells, as a front end does: text of one stream is joined,
 * `clear_output` clears a cell (at once, or when its next output arrives), `update_display_data` changes every output
 * with that id.
 */
export class OutputCollector {
  readonly #displays = new Map<string, Extract<Output, { data: unknown }>[]>();
  readonly #clearing = new Set<CodeCell>();

  /** A new run of the cell: its old outputs are removed. */
  begin(cell: CodeCell): void {
    this.#clear(cell);
    cell.execution_count = null;
  }

  /** Handles one iopub message of a cell. Messages other than outputs are ignored. */
  take(cell: CodeCell, message: Message): void {
    const { content } = message;
    switch (message.header.msg_type) {
      case "execute_input":
        cell.execution_count = content.execution_count ?? null;
        break;
      case "stream":
        this.#add(cell, { output_type: "stream", name: content.name, text: String(content.text) });
        break;
      case "display_data":
        this.#show(cell, { output_type: "display_data", ...bundle(content) }, content);
        break;
      case "execute_result": {
        const count = content.execution_count ?? null;
        this.#show(cell, { output_type: "execute_result", ...bundle(content), execution_count: count }, content);
        break;
      }
      case "update_display_data":
        for (const shown of this.#displays.get(content.transient?.display_id) ?? []) {
          Object.assign(shown, bundle(content));
        }
        break;
      case "error": {
        const { ename, evalue, traceback } = content;
        this.#add(cell, { output_type: "error", ename, evalue, traceback });
        break;
      }
      case "clear_output":
        if (content.wait) this.#clearing.add(cell);
        else this.#clear(cell);
        break;
    }
  }

  #show(cell: CodeCell, output: Extract<Output, { data: unknown }>, content: Json): void {
    this.#add(cell, output);
    const id = content.transient?.display_id;
    if (typeof id !== "string") return;
    const shown = this.#displays.get(id);
    if (shown) shown.push(output);
    else this.#displays.set(id, [output]);
  }

  #add(cell: CodeCell, output: Output): void {
    if (this.#clearing.has(cell)) this.#clear(cell);
    const last = cell.outputs.at(-1);
    const joins = output.output_type === "stream" && last?.output_type === "stream" && last.name === output.name;
    if (joins && last.text.length + output.text.length <= LONGEST_STREAM) {
      last.text = (last.text as string) + output.text;
    } else {
      cell.outputs.push(output);
    }
  }

  #clear(cell: CodeCell): void {
    this.#clearing.delete(cell);
    cell.outputs = [];
  }
}

function bundle(content: Json): { data: Json; metadata: Json } {
  return { data: content.data ?? {}, metadata: content.metadata ?? {} };
}
