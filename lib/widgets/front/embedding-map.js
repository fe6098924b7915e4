// @ts-nocheck runs in the page, which the compiler does not know
/** The embedding map's side in the page, in anywidget's format: drawn on a canvas, so that 10,000 points move smoothly. */

const HEIGHT = 420;

export default {
  render({ model, el }) {
    const { points, titles, colours, thumbnails, size, sheet: columns } = model.get("data");
    const xy = new Float32Array(points.buffer.slice(points.byteOffset, points.byteOffset + points.byteLength));
    const count = xy.length / 2;
    const root = document.createElement("div");
    root.className = "difflab-map";
    const canvas = document.createElement("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", model.get("alt"));
    const note = document.createElement("div");
    note.className = "difflab-map-note";
    root.append(canvas, note);
    el.append(root);

    let sheet;
    if (thumbnails) {
      const image = new Image();
      image.onload = () => {
        sheet = image;
        URL.revokeObjectURL(image.src);
        draw();
      };
      image.src = URL.createObjectURL(new Blob([thumbnails], { type: "image/png" }));
    }
    const box = { x0: Infinity, x1: -Infinity, y0: Infinity, y1: -Infinity };
    for (let i = 0; i < count; i++) {
      box.x0 = Math.min(box.x0, xy[2 * i]);
      box.x1 = Math.max(box.x1, xy[2 * i]);
      box.y0 = Math.min(box.y0, xy[2 * i + 1]);
      box.y1 = Math.max(box.y1, xy[2 * i + 1]);
    }
    let [zoom, panX, panY] = [1, 0, 0];
    let hovered = -1;
    /** Where points stand now. It asks the page for its width, which is slow: once for all points, not for each. */
    const view = () => {
      const width = canvas.clientWidth;
      const spanX = Math.max(box.x1 - box.x0, 1e-9);
      const spanY = Math.max(box.y1 - box.y0, 1e-9);
      const u = Math.min(Math.max(width - 60, 20) / spanX, (HEIGHT - 60) / spanY) * zoom;
      const x0 = width / 2 + panX - ((box.x0 + box.x1) / 2) * u;
      const y0 = HEIGHT / 2 + panY + ((box.y0 + box.y1) / 2) * u;
      return (i) => [x0 + xy[2 * i] * u, y0 - xy[2 * i + 1] * u];
    };
    const picture = (pen, i, x, y, side) => {
      const [sx, sy] = [(i % columns) * size, Math.floor(i / columns) * size];
      pen.imageSmoothingEnabled = false;
      pen.drawImage(sheet, sx, sy, size, size, x - side / 2, y - side / 2, side, side);
    };
    /** A dot of each colour, drawn once: to copy one 10,000 times is much less work than to draw it. */
    const dots = new Map();
    const dotOf = (colour, ratio) => {
      const key = `${colour} ${ratio}`;
      if (!dots.has(key)) {
        const dot = document.createElement("canvas");
        dot.width = dot.height = Math.ceil(8 * ratio);
        const pen = dot.getContext("2d");
        pen.scale(ratio, ratio);
        pen.globalAlpha = 0.75;
        pen.fillStyle = colour;
        pen.arc(4, 4, 3.5, 0, 7);
        pen.fill();
        dots.set(key, dot);
      }
      return dots.get(key);
    };
    let frame;
    /** Draws once, however many changes come before the page's next frame. */
    const draw = () => {
      frame ??= requestAnimationFrame(() => {
        frame = undefined;
        drawNow();
      });
    };
    const drawNow = () => {
      const ratio = window.devicePixelRatio || 1;
      const width = root.clientWidth;
      if (width === 0) return;
      canvas.style.width = "100%";
      canvas.style.height = `${HEIGHT}px`;
      canvas.width = width * ratio;
      canvas.height = HEIGHT * ratio;
      const pen = canvas.getContext("2d");
      pen.scale(ratio, ratio);
      const side = Math.max(10, Math.min(64, 22 * Math.sqrt(zoom)));
      const place = view();
      for (let i = 0; i < count; i++) {
        const [x, y] = place(i);
        if (x < -side || y < -side || x > width + side || y > HEIGHT + side) continue;
        if (sheet) picture(pen, i, x, y, side);
        else pen.drawImage(dotOf(colours[i] ?? colours[0], ratio), x - 4, y - 4, 8, 8);
      }
      if (hovered < 0) return;
      const [x, y] = place(hovered);
      if (sheet) picture(pen, hovered, x, y, Math.max(48, side * 1.6));
      pen.strokeStyle = getComputedStyle(root).color;
      pen.lineWidth = 2;
      const half = sheet ? Math.max(48, side * 1.6) / 2 + 1 : 7;
      pen.strokeRect(x - half, y - half, 2 * half, 2 * half);
    };
    const nearest = (event) => {
      const rect = canvas.getBoundingClientRect();
      const [mx, my] = [event.clientX - rect.left, event.clientY - rect.top];
      let [best, found] = [20 * 20, -1];
      const place = view();
      for (let i = 0; i < count; i++) {
        const [x, y] = place(i);
        const d = (x - mx) ** 2 + (y - my) ** 2;
        if (d < best) [best, found] = [d, i];
      }
      return found;
    };
    const rest = "wheel: zoom · drag: move · double click: all";
    note.textContent = rest;
    let grabbed;
    canvas.onpointerdown = (event) => {
      grabbed = [event.clientX - panX, event.clientY - panY];
      canvas.setPointerCapture(event.pointerId);
    };
    canvas.onpointerup = () => (grabbed = undefined);
    canvas.onpointermove = (event) => {
      if (grabbed) [panX, panY] = [event.clientX - grabbed[0], event.clientY - grabbed[1]];
      const found = grabbed ? -1 : nearest(event);
      if (found !== hovered || grabbed) {
        hovered = found;
        note.textContent = found < 0 ? rest : titles[found] || `point ${found}`;
        draw();
        if (!grabbed) {
          model.set("hovered", found);
          model.save_changes();
        }
      }
    };
    canvas.ondblclick = () => {
      [zoom, panX, panY] = [1, 0, 0];
      draw();
    };
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const factor = Math.exp(-event.deltaY / 400);
        const next = Math.min(60, Math.max(0.5, zoom * factor));
        const rect = canvas.getBoundingClientRect();
        const [mx, my] = [event.clientX - rect.left - rect.width / 2, event.clientY - rect.top - HEIGHT / 2];
        panX = mx - ((mx - panX) * next) / zoom;
        panY = my - ((my - panY) * next) / zoom;
        zoom = next;
        draw();
      },
      { passive: false },
    );
    const watcher = new ResizeObserver(draw);
    watcher.observe(root);
    return () => {
      watcher.disconnect();
      cancelAnimationFrame(frame);
    };
  },
};
