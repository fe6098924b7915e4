// @ts-nocheck runs in the page, which the compiler does not know
/** The drawing pad's side in the page, in anywidget's format: pixels go to the kernel as RGBA bytes while one draws. */

/** Milliseconds between two pictures that are sent while the pen is down. */
const SEND_MS = 60;

export default {
  render({ model, el }) {
    const [width, height] = [model.get("width"), model.get("height")];
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width, height, className: "difflab-pad-paper" });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", "drawing pad: draw with the mouse or a finger");
    canvas.style.width = `${model.get("scale") * width}px`;
    const pen = canvas.getContext("2d", { willReadFrequently: true });

    const blank = () => {
      pen.fillStyle = model.get("paper");
      pen.fillRect(0, 0, width, height);
    };
    const pixels = () => new DataView(pen.getImageData(0, 0, width, height).data.buffer.slice(0));
    const paint = () => {
      const bytes = model.get("pixels");
      if (!bytes || bytes.byteLength !== width * height * 4) return blank();
      const copy = new Uint8ClampedArray(bytes.buffer, bytes.byteOffset, bytes.byteLength).slice();
      pen.putImageData(new ImageData(copy, width, height), 0, 0);
    };

    let last = 0;
    let timer;
    const send = () => {
      clearTimeout(timer);
      timer = undefined;
      last = performance.now();
      model.set("pixels", pixels());
      model.save_changes();
    };
    const sendSoon = () => {
      timer ??= setTimeout(send, Math.max(0, last + SEND_MS - performance.now()));
    };

    const before = [];
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return [((event.clientX - box.left) / box.width) * width, ((event.clientY - box.top) / box.height) * height];
    };
    let from;
    const line = (to) => {
      pen.strokeStyle = model.get("ink");
      pen.lineWidth = model.get("pen");
      pen.lineCap = pen.lineJoin = "round";
      pen.beginPath();
      pen.moveTo(...from);
      // A line of no length is not drawn everywhere; a point is a person's dot.
      pen.lineTo(to[0] + 0.01, to[1]);
      pen.stroke();
      from = to;
      sendSoon();
    };
    canvas.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      canvas.setPointerCapture(event.pointerId);
      before.push(pen.getImageData(0, 0, width, height));
      if (before.length > 50) before.shift();
      from = place(event);
      line(from);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!from) return;
      for (const each of event.getCoalescedEvents?.() ?? [event]) line(place(each));
    });
    const lift = () => {
      if (!from) return;
      from = undefined;
      send();
    };
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) canvas.addEventListener(type, lift);

    const tools = document.createElement("div");
    tools.className = "difflab-pad-tools";
    const tool = (text, title, pressed) => {
      const button = document.createElement("button");
      Object.assign(button, { textContent: text, title, onclick: pressed });
      tools.append(button);
      return button;
    };
    tool("undo", "undoes the last stroke", () => {
      const image = before.pop();
      if (!image) return;
      pen.putImageData(image, 0, 0);
      send();
    });
    tool("clear", "clears the sheet", () => {
      before.push(pen.getImageData(0, 0, width, height));
      blank();
      send();
    });
    for (const ink of model.get("inks")) {
      const button = tool("", `draws in ${ink}`, () => {
        model.set("ink", ink);
        model.save_changes();
      });
      button.className = "difflab-pad-ink";
      button.style.background = ink;
      const mark = () => button.setAttribute("aria-pressed", String(model.get("ink") === ink));
      model.on("change:ink", mark);
      mark();
    }

    const changed = () => {
      if (!from) paint();
    };
    model.on("change:pixels", changed);
    paint();
    const root = document.createElement("div");
    root.className = "difflab-pad";
    root.append(canvas, tools);
    el.append(root);
    return () => {
      clearTimeout(timer);
      model.off("change:pixels", changed);
    };
  },
};
