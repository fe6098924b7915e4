import { findJupyter } from "../../kernel/start/jupyter.ts";
import { ROOT } from "../root.ts";
import { findChromium } from "./browser.ts";

/** The JupyterLab and the browser of the tests on a real page. */
export const jupyter = await findJupyter(ROOT);
export const chromium = findChromium();

/** What these tests need and do not find, with where to get it. Empty: they run. */
export const missing = [
  jupyter ? "" : "JupyterLab 4 (npm start makes a private one)",
  chromium ? "" : "Chromium (apt install chromium, or its path in CHROMIUM)",
].filter(Boolean);
if (missing.length > 0) console.log(`The tests in JupyterLab are skipped; they need ${missing.join(" and ")}.`);
