import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import { MODELS } from "../../../lib/widgets/models.ts";
import { generateModels } from "./generate-models.ts";

it("the models' types are those of @jupyter-widgets/schema", async () => {
  await expect(generateModels()).toMatchFileSnapshot(resolve("lib/widgets/models.ts"));
});

it("every model that is owned by another is known itself", () => {
  for (const { owned } of Object.values(MODELS))
    for (const name of Object.values(owned)) expect(MODELS).toHaveProperty(name);
  expect(readFileSync("lib/widgets/models.ts", "utf8")).toContain("IntSlider: {");
});
