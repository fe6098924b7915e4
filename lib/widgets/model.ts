import { type Comm, type CommMessage, findComms } from "./comms.ts";
import { complaintsTo } from "./complaint.ts";
import { MODELS, type ModelSpec, type ModelStates } from "./models.ts";
import { REFERENCE } from "./reference.ts";
import { decodeState, type EncodedState, encodeState } from "./state.ts";
import { answerStateRequests, openModels } from "./state-requests.ts";

/** Version of the widget messages that this speaks. */
const PROTOCOL = "2.1.0";

/** Values of more bytes are not told to other windows as one window changes them. */
const ECHOED_BYTES = 1 << 16;

/** Says which of a state's keys the other end changed. */
export type StateListener = (changed: Readonly<Record<string, unknown>>) => unknown;
/** Gets a message of the front end's own. */
export type CustomListener = (content: unknown, buffers: Uint8Array[]) => unknown;

/**
 * A widget's state, of which the front end keeps a copy: what either end changes, the other is told.
 *
 * The comm opens when the model is first shown (its id is asked for), so a widget that is never shown costs nothing.
 * Where there is no kernel, the state is kept all the same.
 */
export class WidgetModel<State extends object = Record<string, unknown>> {
  readonly [REFERENCE] = true;
  readonly #spec: ModelSpec;
  readonly #state: Record<string, unknown>;
  readonly #check: (key: string, value: unknown) => unknown;
  /** Each with what becomes of its errors where the page's message is the cause: no code waits for those. */
  readonly #listeners = new Map<StateListener, (error: unknown) => void>();
  readonly #onCustom = new Map<CustomListener, (error: unknown) => void>();
  #comm: Comm | undefined;
  #isClosed = false;

  /**
   * @param spec - its names in the front end and its first values
   * @param state - values that differ from those
   * @param check - what the front end sends goes through this: it returns the value to keep, or throws to keep the old one
   */
  constructor(spec: ModelSpec, state: Partial<State>, check: (key: string, value: unknown) => unknown = (_, v) => v) {
    this.#spec = spec;
    this.#check = check;
    this.#state = { ...spec.defaults, ...state };
    for (const [key, name] of Object.entries(spec.owned)) this.#state[key] ??= modelOf(name);
  }

  get(key: keyof State & string): State[keyof State] {
    return this.#state[key] as State[keyof State];
  }

  /** Changes the state, here and on the page. The listeners are told, as of a change on the page. */
  set(changes: Partial<State>): void {
    const changed = this.#differing(changes as Record<string, unknown>);
    if (Object.keys(changed).length === 0) return;
    Object.assign(this.#state, changed);
    this.#sendState(changed);
    for (const listener of [...this.#listeners.keys()]) listener(changed);
  }

  /** Calls a function with what has changed, whichever end changed it. @returns ends that */
  listen(listener: StateListener): () => void {
    this.#listeners.set(listener, complaintsTo(this.#threw));
    return () => this.#listeners.delete(listener);
  }

  /** Sends a message of the widget's own to the front end. */
  send(content: unknown, buffers: Uint8Array[] = []): void {
    this.#comm?.send({ method: "custom", content }, { buffers });
  }

  /** Calls a function with each of the front end's own messages, such as a button's click. */
  onMessage(listener: CustomListener): () => void {
    this.#onCustom.set(listener, complaintsTo(this.#threw));
    return () => this.#onCustom.delete(listener);
  }

  /** Whether a page can show it and has not been told that it is gone. */
  get canShow(): boolean {
    return !this.#isClosed && findComms() !== undefined;
  }

  /** The id of its comm, opened when this is first asked for. @throws Error if there is no kernel */
  get modelId(): string {
    return this.#open().id;
  }

  /** The state with the ids of other models in place of them. */
  encoded(): EncodedState {
    return encodeState({ ...this.#spec.identity, ...this.#state });
  }

  /** Takes it off the page. It cannot be shown again. */
  close(): void {
    this.#isClosed = true;
    if (this.#comm) openModels.delete(this.#comm.id);
    this.#comm?.close();
    this.#comm = undefined;
  }

  #open(): Comm {
    if (this.#comm) return this.#comm;
    const comms = findComms();
    if (!comms) throw new Error("widget: there is no notebook here to show it in");
    answerStateRequests(comms);
    const { state, buffer_paths, buffers } = this.encoded();
    const comm = comms.open("jupyter.widget", { state, buffer_paths }, { buffers, metadata: { version: PROTOCOL } });
    comm.onMessage = (data, received) => this.#receive(data, received);
    comm.onClose = () => {
      openModels.delete(comm.id);
      this.#comm = undefined; // shown again, it opens anew
    };
    openModels.set(comm.id, this);
    this.#comm = comm;
    return comm;
  }

  #receive(data: CommMessage, buffers: Uint8Array[]): void {
    if (data?.method === "request_state") return this.#sendState();
    if (data?.method === "custom") {
      for (const [listener, complain] of [...this.#onCustom]) attempt(() => listener(data.content, buffers), complain);
      return;
    }
    if (data?.method !== "update") return;
    const accepted: Record<string, unknown> = {};
    const refused: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(decodeState(data, buffers))) {
      if (!Object.hasOwn(this.#state, key)) continue;
      try {
        const kept = this.#check(key, value);
        accepted[key] = kept;
        if (!Object.is(kept, value)) refused[key] = kept;
      } catch {
        refused[key] = this.#state[key];
      }
    }
    const changed = this.#differing(accepted);
    Object.assign(this.#state, changed);
    this.#echo(changed);
    // The page shows what it sent; where that is not what counts, it is told so.
    if (Object.keys(refused).length > 0) this.#sendState(refused);
    if (Object.keys(changed).length === 0) return;
    for (const [listener, complain] of [...this.#listeners]) attempt(() => listener(changed), complain);
  }

  /**
   * Tells all windows what one of them has changed; that one knows it by the message that it answers. Large pictures are left out:
   * each stroke on a drawing pad would be sent twice.
   */
  #echo(changed: Record<string, unknown>): void {
    const light = Object.entries(changed).filter(
      ([, value]) => !(ArrayBuffer.isView(value) && value.byteLength > ECHOED_BYTES),
    );
    if (light.length === 0 || !this.#comm) return;
    const { state, buffer_paths, buffers } = encodeState(Object.fromEntries(light));
    this.#comm.send({ method: "echo_update", state, buffer_paths }, { buffers });
  }

  #differing(changes: Record<string, unknown>): Record<string, unknown> {
    return Object.fromEntries(Object.entries(changes).filter(([key, value]) => !isSame(this.#state[key], value)));
  }

  #sendState(part: Record<string, unknown> = this.#state): void {
    if (!this.#comm) return;
    const { state, buffer_paths, buffers } = encodeState(part);
    this.#comm.send({ method: "update", state, buffer_paths }, { buffers });
  }

  get #threw(): string {
    const name = String(this.#spec.identity._model_name).replace(/^Any|Model$/g, "");
    return `${name ? `${name} widget` : "widget"}: a function that it calls has failed:`;
  }
}

/** Calls a listener of which nothing is to stop the others. */
function attempt(call: () => unknown, complain: (error: unknown) => void): void {
  try {
    const result = call();
    if (result instanceof Promise) result.catch(complain);
  } catch (error) {
    complain(error);
  }
}

/** A model of ipywidgets' own front end, by its name there without "Model". */
export function modelOf<Name extends keyof ModelStates>(
  name: Name,
  state: Partial<ModelStates[Name]> = {},
  check?: (key: string, value: unknown) => unknown,
): WidgetModel<ModelStates[Name]> {
  return new WidgetModel<ModelStates[Name]>(MODELS[name], state, check);
}

function isSame(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((each, i) => isSame(each, b[i]));
  return Object.is(a, b);
}
