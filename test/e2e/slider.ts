import type { Locator, Page } from "playwright-core";

/**
 * A cell that paints with four steps as its slider moves. Where the few-step weights ship it paints with those.
 */
export const SLIDER_CELL = `import { interact, LCMScheduler, slider, StableDiffusionPipeline } from "difflab";
const pipe = await StableDiffusionPipeline.fromPretrained("difflab/tiny-sd");
pipe.scheduler = LCMScheduler.fromConfig(pipe.scheduler.config);
try { await pipe.loadLoraWeights("difflab/tiny-sd-lcm"); } catch { /* as fast without them, only uglier */ }
interact({ seed: slider(0, 99, { step: 1 }) }, async ({ seed }, { signal }) => {
  const { images } = await pipe.generate({
    prompt: "a red seven in chalk", seed, numInferenceSteps: 4, guidanceScale: 1, signal, progress: false,
  });
  return images[0];
})`;

/**
 * Drags the slider of a cell's \`interact\` and measures, in the page, how long each new picture takes from the move of the mouse
 * that set the new value to the picture's being on the page.
 *
 * @param moves - pictures to wait for
 * @returns milliseconds for each
 */
export async function dragSlider(page: Page, cell: Locator, moves: number): Promise<number[]> {
  const handle = cell.locator(".noUi-handle").first();
  const image = cell.locator(".jp-OutputArea-output img").last();
  await image.waitFor();
  await handle.scrollIntoViewIfNeeded();
  const track = (await cell.locator(".noUi-base").first().boundingBox())!;
  const y = track.y + track.height / 2;
  const x = (share: number) => track.x + track.width * share;
  const box = (await handle.boundingBox())!;
  await page.mouse.move(box.x + box.width / 2, y);
  await page.mouse.down();
  const times: number[] = [];
  for (let i = 1; i <= moves; i++) {
    const before = await image.getAttribute("src");
    // The page's own clock starts as it is told of the move, and stops as the other picture is painted.
    const seen = image.page().evaluate(
      ({ index, old }) =>
        new Promise<number>((resolve, reject) => {
          let start = 0;
          window.addEventListener("pointermove", () => (start ||= performance.now()), { once: true, capture: true });
          window.addEventListener("mousemove", () => (start ||= performance.now()), { once: true, capture: true });
          const limit = setTimeout(() => reject(new Error("no new picture after 30 s")), 30_000);
          const look = () => {
            const pictures = document.querySelectorAll<HTMLImageElement>(".jp-Notebook .jp-OutputArea-output img");
            const picture = pictures[index < 0 ? pictures.length - 1 : index];
            if (start > 0 && picture?.complete && picture.src !== old) {
              clearTimeout(limit);
              requestAnimationFrame(() => resolve(performance.now() - start));
            } else requestAnimationFrame(look);
          };
          look();
        }),
      { index: -1, old: before! },
    );
    await page.mouse.move(x(i / (moves + 1)), y, { steps: 1 });
    times.push(await seen);
  }
  await page.mouse.up();
  return times;
}

/** The value that a share of all does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
}
