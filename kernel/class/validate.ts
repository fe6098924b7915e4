import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { StepError } from "../start/steps.mjs";
import { Nbgrader } from "./environment.ts";
import type { Task } from "./task.ts";

/** `class:validate`: what the button *Validate* does in JupyterLab, for a student before handing in. */
export async function validate({ root, steps, folder: notebook }: Task): Promise<number> {
  let said = "";
  await steps.run("notebook", async (report) => {
    if (!existsSync(notebook))
      throw new StepError(`${notebook}: no such file`, { next: "Give the path of a notebook." });
    const nbgrader = await Nbgrader.provide(root, report);
    report("running it from top to bottom");
    const args = ["validate", "--ExecutePreprocessor.timeout=900", basename(notebook)];
    const { code, output } = await nbgrader.run(args, dirname(notebook));
    if (code !== 0)
      throw new StepError("it could not be run", { next: "See nbgrader's own messages above.", detail: output });
    said = output.replace(/^\[.*\n/gm, "").trim();
    return basename(notebook);
  });
  console.log(`\n${said}`);
  return said.includes("Success") ? 0 : 1;
}
