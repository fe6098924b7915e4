import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { createDisplay, DISPLAY, type DisplayMessage, toMimeBundle } from "../../../kernel/display/index.ts";

function recorder(options?: { patience: number }) {
  const messages: DisplayMessage[] = [];
  const show = createDisplay((message) => messages.push(message), options);
  /** Type and plain text of each message. */
  const log = () =>
    messages.map(({ type, content }) => [
      type,
      (content.data as Record<string, unknown>)?.["text/plain"] ?? content.wait,
    ]);
  return { ...show, messages, log };
}

const slow = (text: string, ms: number) => ({ [DISPLAY]: () => sleep(ms, { "text/plain": text }) });

it("A value that describes itself at once is published before display returns, as it is then", () => {
  const { display, messages } = recorder();
  const list = [1];
  const { id } = display(list);
  list.push(2);
  expect(messages).toEqual([
    { type: "display_data", content: { data: { "text/plain": "[ 1 ]" }, metadata: {}, transient: { display_id: id } } },
  ]);
});

it("Undefined that is displayed on purpose is shown", () => {
  const { display, log } = recorder();
  display(undefined);
  expect(log()).toEqual([["display_data", "undefined"]]);
});

it("The handle updates its output under the same name, again and again", async () => {
  const { display, messages, log } = recorder();
  const handle = display("one", { id: "loss" });
  expect(handle.id).toBe("loss");
  handle.update("two").update({ "text/plain": "three" }, { raw: true });
  await handle.shown;
  expect(log()).toEqual([
    ["display_data", "'one'"],
    ["update_display_data", "'two'"],
    ["update_display_data", "three"],
  ]);
  expect(new Set(messages.map(({ content }) => (content.transient as { display_id: string }).display_id))).toEqual(
    new Set(["loss"]),
  );
});

it("Each output has a name of its own", () => {
  const { display } = recorder();
  expect(display(1).id).not.toBe(display(1).id);
});

it("The handle is nothing to look at when it is the last expression of a cell", async () => {
  expect(await toMimeBundle(recorder().display(1))).toBeUndefined();
});

it("Outputs come in the order of the calls, also where one takes its time", async () => {
  const { display, clearOutput, settled, log } = recorder();
  const first = display(slow("slow", 30));
  clearOutput({ wait: true });
  display("quick");
  display(slow("soon", 1));
  expect(log()).toEqual([]);
  await first.shown;
  expect(log()[0]).toEqual(["display_data", "slow"]);
  await settled();
  expect(log()).toEqual([
    ["display_data", "slow"],
    ["clear_output", true],
    ["display_data", "'quick'"],
    ["display_data", "soon"],
  ]);
  display("at once again");
  expect(log()).toHaveLength(5);
});

it("A value that never finishes its display gets a place holder and holds up nothing", async () => {
  const { display, settled, log } = recorder({ patience: 10 });
  display({ [DISPLAY]: () => new Promise(() => {}) });
  display("next");
  await settled();
  expect(log()).toEqual([
    ["display_data", "(this value is still preparing its display)"],
    ["display_data", "'next'"],
  ]);
});

it("A late value takes the place of its place holder, unless that was updated meanwhile", async () => {
  const { display, settled, log } = recorder({ patience: 5 });
  let finish!: () => void;
  const later = new Promise<void>((resolve) => (finish = resolve));
  const late = (text: string) => ({ [DISPLAY]: () => later.then(() => ({ "text/plain": text })) });
  display(late("late"));
  const updated = display(late("out of date"));
  await settled();
  updated.update("new");
  finish();
  await sleep(20);
  expect(log().slice(2)).toEqual([
    ["update_display_data", "'new'"],
    ["update_display_data", "late"],
  ]);
});

it("A display method that fails is shown as such and holds up nothing", async () => {
  const { display, settled, log } = recorder();
  display({ [DISPLAY]: () => Promise.reject(new Error("no")) });
  display(1);
  await settled();
  expect(log()[0]?.[1]).toMatch(/failed: Error: no/);
  expect(log()[1]).toEqual(["display_data", "1"]);
});

it("A raw bundle goes out as it is, checked; a wrong one is an error at the call", () => {
  const { display, messages } = recorder();
  display({ "text/html": "<b>\ud800</b>", "image/png": new Uint8Array([1]) }, { raw: true });
  expect(messages[0]?.content.data).toEqual({ "text/html": "<b>\ufffd</b>", "image/png": "AQ==" });
  expect(() => display({ html: "x" }, { raw: true })).toThrow('display: got the key "html", expected a MIME type');
  expect(() => display(1, { raw: true })).toThrow("display: got the number 1");
  expect(() => display(1).update([], { raw: true })).toThrow("update: got an Array");
  expect(() => display(1, { id: "" })).toThrow("display: got the id");
});

it("clearOutput does not wait unless told to", () => {
  const { clearOutput, messages } = recorder();
  clearOutput();
  expect(messages).toEqual([{ type: "clear_output", content: { wait: false } }]);
});

it("A value of a cell that was interrupted is dropped, and what comes after it is shown", async () => {
  const shown: unknown[] = [];
  let interrupted = false;
  // The kernel's publish stops an interrupted cell by throwing.
  const { display, settled } = createDisplay(({ content }) => {
    if (interrupted) throw new Error("interrupted");
    shown.push((content.data as Record<string, unknown>)["text/plain"]);
  });
  const handle = display(slow("never", 5));
  interrupted = true;
  await expect(handle.shown).resolves.toBeUndefined();
  await expect(settled()).resolves.toBeUndefined();
  interrupted = false;
  await display(slow("next", 1)).shown;
  expect(shown).toEqual(["next"]);
});
