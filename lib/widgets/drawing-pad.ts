import { Image } from "../images/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { AfmWidget } from "./afm.ts";
import { frontModule } from "./front/module.ts";
import { STYLE } from "./front/style.ts";
import type { Still } from "./widget.ts";

/** Options of `drawingPad`. */
export interface DrawingPadOptions {
  /** Pixels of the drawing, `[width, height]` or one number for both; default 28, as the digits of MNIST. */
  size?: number | readonly [width: number, height: number];
  /** 1 for grey, 3 for colour; default 1. */
  channels?: 1 | 3;
  /** Colour of the pen; default "#ffffff", or the first of `inks`. */
  ink?: string;
  /** Colours to choose from; default none in grey, eight in colour. */
  inks?: readonly string[];
  /** Colour of the sheet, as "#rrggbb"; default "#000000" in grey, "#f8f5ec" in colour. */
  paper?: string;
  /** Width of the pen, in pixels of the drawing; default a twelfth of the shorter side. */
  pen?: number;
  /** Pixels of the page for each of the drawing's; default such that it is about 280 wide. */
  scale?: number;
  /** What is drawn on it at first: a picture of any size. */
  value?: Image;
}

const INKS = ["#d32f2f", "#f57c00", "#fbc02d", "#388e3c", "#1976d2", "#7b1fa2", "#5d4037", "#212121"];

/** What the page and the kernel share. */
interface PadState {
  /** Pixels of the drawing. */
  width: number;
  /** Pixels of the drawing. */
  height: number;
  /** Pixels of the page for each of the drawing's. */
  scale: number;
  /** Colour of the pen. */
  ink: string;
  /** Colours to choose from. */
  inks: readonly string[];
  /** Colour of the sheet. */
  paper: string;
  /** Width of the pen, in pixels of the drawing. */
  pen: number;
  /** RGBA, row by row; empty for an empty sheet. */
  pixels: Uint8Array;
}

/**
 * A sheet to draw on with the mouse or a finger; while one draws, code sees it.
 *
 * ```ts
 * const pad = drawingPad();
 * pad.on("change", async () => console.log(await judge.read(pad.value)));
 * pad
 * ```
 *
 * @throws RangeError if an option is out of range
 */
export function drawingPad(options: DrawingPadOptions = {}): DrawingPad {
  return new DrawingPad(options);
}

/** Made by `drawingPad`. */
export class DrawingPad extends AfmWidget<PadState> {
  readonly #channels: 1 | 3;

  constructor(options: DrawingPadOptions) {
    const { size = 28, channels = 1 } = options;
    const [width, height] = typeof size === "number" ? [size, size] : size;
    for (const side of [width, height]) {
      if (!Number.isInteger(side) || side < 8 || side > 1024) {
        throw new RangeError(`drawingPad: size ${side}; expected 8 to 1024 pixels`);
      }
    }
    if (channels !== 1 && channels !== 3) throw new RangeError(`drawingPad: channels ${channels}; expected 1 or 3`);
    const { inks = channels === 3 ? INKS : [], paper = channels === 3 ? "#f8f5ec" : "#000000" } = options;
    if (!/^#[\da-f]{6}$/i.test(paper))
      throw new RangeError(`drawingPad: paper "${paper}"; expected a colour such as "#000000"`);
    const { ink = inks[0] ?? "#ffffff", pen = Math.min(width, height) / 12 } = options;
    if (!(pen > 0)) throw new RangeError(`drawingPad: pen ${pen}; expected more than 0 pixels`);
    const { scale = Math.max(1, Math.round(280 / width)), value } = options;
    const pixels = value ? rgba(value, width, height) : new Uint8Array();
    super({
      esm: frontModule("drawing-pad"),
      css: STYLE,
      state: { width, height, scale, ink, inks, paper, pen, pixels },
      check: (key, given) => {
        if (key === "pixels" && !(given instanceof Uint8Array && given.length === width * height * 4)) {
          throw new TypeError(`drawingPad: expected ${width * height * 4} bytes`);
        }
        if (key === "ink" && typeof given !== "string") throw new TypeError("drawingPad: expected a colour");
        return given;
      },
    });
    this.#channels = channels;
  }

  /** Whether nothing is drawn on it. */
  get isEmpty(): boolean {
    const { pixels } = this.state;
    const first = pixels.subarray(0, 4);
    return pixels.every((byte, i) => byte === first[i % 4]);
  }

  /** The drawing as a picture. */
  get image(): Image {
    const { width, height, paper } = this.state;
    const pixels = this.state.pixels.length > 0 ? this.state.pixels : sheet(paper, width * height);
    const image = Image.fromRaw(pixels, { width, height, mode: "RGBA" });
    return image.convert(this.#channels === 1 ? "L" : "RGB");
  }

  /** The drawing, `[channels, height, width]`, 0 to 1: as the digits of a data set are. */
  get value(): Tensor {
    return this.image.toTensor({ range: [0, 1] }).squeeze(0);
  }

  /** An empty sheet. */
  clear(): void {
    this.set({ pixels: new Uint8Array() });
  }

  /** Puts a picture on the sheet, in place of what is there. */
  draw(image: Image): void {
    const { width, height } = this.state;
    this.set({ pixels: rgba(image, width, height) });
  }

  override async still(): Promise<Still> {
    const { width, scale } = this.state;
    const png = Buffer.from(await this.image.toPng()).toString("base64");
    const style = `width:${width * scale}px;image-rendering:pixelated`;
    return {
      html: `<img src="data:image/png;base64,${png}" alt="a drawing" style="${style}">`,
      text: this.isEmpty ? "drawing pad, empty" : "a drawing",
    };
  }
}

function rgba(image: Image, width: number, height: number): Uint8Array {
  const resized = image.convert("RGB").resize(width, height);
  return resized.convert("RGBA").toRaw().data as Uint8Array;
}

/** A sheet of one colour. */
function sheet(paper: string, count: number): Uint8Array {
  const colour = [1, 3, 5].map((i) => Number.parseInt(paper.slice(i, i + 2), 16));
  return Uint8Array.from({ length: count * 4 }, (_, i) => colour[i % 4] ?? 255);
}
