import type { Comms } from "./comms.ts";
import type { EncodedState } from "./state.ts";

/** Models whose comm is open, by its id: what a page that is loaded anew asks for. */
export const openModels = new Map<string, { encoded(): EncodedState }>();

const answering = new WeakSet<Comms>();

/**
 * Answers pages that ask for the states of all widgets at once, as one that is loaded anew does.
 *
 * @see https://github.com/jupyter-widgets/ipywidgets/blob/main/packages/schema/messages.md (Control Widget messaging protocol)
 */
export function answerStateRequests(comms: Comms): void {
  if (answering.has(comms)) return;
  answering.add(comms);
  comms.register("jupyter.widget.control", (comm) => {
    comm.onMessage = (data) => {
      if (data?.method !== "request_states") return;
      const states: Record<string, object> = {};
      const buffer_paths: (string | number)[][] = [];
      const buffers: Uint8Array[] = [];
      for (const [id, model] of openModels) {
        const encoded = model.encoded();
        const { _model_name, _model_module, _model_module_version } = encoded.state;
        states[id] = {
          model_name: _model_name,
          model_module: _model_module,
          model_module_version: _model_module_version,
          state: encoded.state,
        };
        for (const path of encoded.buffer_paths) buffer_paths.push([id, "state", ...path]);
        buffers.push(...encoded.buffers);
      }
      comm.send({ method: "update_states", states, buffer_paths }, { buffers });
    };
  });
}
