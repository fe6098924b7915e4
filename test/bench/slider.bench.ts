import { packageRoot } from "../../kernel/spec/package-root.ts";
import { findJupyter } from "../../kernel/start/jupyter.ts";
import { findChromium, launchChromium } from "../e2e/browser.ts";
import { LabUnderTest, NotebookPage } from "../e2e/lab.ts";
import { dragSlider, percentile, SLIDER_CELL } from "../e2e/slider.ts";
import { type Bench, median, result } from "./bench.ts";

/** From a slider's move to the new picture on the page, with the tiny model, in JupyterLab in a real browser. */
const bench: Bench = {
  name: "slider",
  async run(say) {
    const [jupyter, chromium] = [await findJupyter(packageRoot()), findChromium()];
    if (!jupyter) throw new Error("slider: needs JupyterLab 4; npm start makes a private one");
    if (!chromium) throw new Error("slider: needs Chromium: apt install chromium, or its path in CHROMIUM");
    const lab = await LabUnderTest.start(jupyter);
    const browser = await launchChromium(chromium);
    try {
      const page = await browser.newPage({ viewport: { width: 1200, height: 900 } });
      page.setDefaultTimeout(120_000);
      const notebook = await NotebookPage.open(page, lab.write("slider", [SLIDER_CELL]));
      await notebook.runCell(0);
      // The first pictures open the sessions.
      await dragSlider(page, notebook.cell(0), 3);
      const times = await dragSlider(page, notebook.cell(0), 60);
      const [half, most] = [median(times), percentile(times, 0.95)];
      say(`${times.length} pictures: median ${half.toFixed(0)} ms, 95th percentile ${most.toFixed(0)} ms`);
      return [
        result("slider", "ms", most, { missing: "95th percentile of 60; no other TypeScript kernel has widgets" }),
      ];
    } finally {
      await browser.close();
      await lab.stop();
    }
  },
};

export default bench;
