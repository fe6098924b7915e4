import { afterAll } from "vitest";
import { stopSharedLab } from "./shared.ts";
// In one file: a JupyterLab and a browser that has loaded its page take longer to start than most of these tests.
import "./cells.ts";
import "./widgets.ts";

afterAll(stopSharedLab);
