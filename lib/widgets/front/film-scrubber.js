// @ts-nocheck runs in the page, which the compiler does not know
/** The film scrubber's side in the page, in anywidget's format: all frames are there, so moving needs no kernel. */
export default {
  render({ model, el }) {
    const rows = model.get("rows");
    const count = model.get("count");
    const root = document.createElement("div");
    root.className = "difflab-scrubber";
    const addresses = [];
    const images = rows.map(({ name, frames }) => {
      const figure = document.createElement("figure");
      const image = document.createElement("img");
      const caption = document.createElement("figcaption");
      image.style.width = `${model.get("width")}px`;
      caption.textContent = name;
      figure.append(image, caption);
      root.append(figure);
      const sources = frames.map((bytes) => URL.createObjectURL(new Blob([bytes], { type: "image/png" })));
      addresses.push(...sources);
      return { image, sources, name };
    });
    const bar = document.createElement("div");
    bar.className = "difflab-scrubber-bar";
    const play = document.createElement("button");
    const range = document.createElement("input");
    const note = document.createElement("output");
    Object.assign(range, { type: "range", min: 0, max: count - 1, step: 1 });
    range.setAttribute("aria-label", "frame");
    bar.append(play, range, note);
    root.append(bar);
    const show = () => {
      const frame = model.get("frame");
      range.value = frame;
      note.textContent = model.get("captions")[frame] ?? `${frame + 1} of ${count}`;
      for (const { image, sources, name } of images) {
        image.src = sources[frame];
        image.alt = `${name}, ${note.textContent}`;
      }
    };
    const go = (frame) => {
      model.set("frame", frame);
      model.save_changes();
    };
    let timer;
    const stop = () => {
      clearInterval(timer);
      timer = undefined;
      play.textContent = "▶";
      play.title = "play";
    };
    play.onclick = () => {
      if (timer) return stop();
      play.textContent = "❚❚";
      play.title = "pause";
      if (model.get("frame") === count - 1) go(0);
      timer = setInterval(() => {
        const next = model.get("frame") + 1;
        if (next >= count) return stop();
        go(next);
      }, model.get("interval"));
    };
    range.oninput = () => {
      stop();
      go(Number(range.value));
    };
    model.on("change:frame", show);
    stop();
    show();
    el.append(root);
    return () => {
      stop();
      model.off("change:frame", show);
      for (const address of addresses) URL.revokeObjectURL(address);
    };
  },
};
