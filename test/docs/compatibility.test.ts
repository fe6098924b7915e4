import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compatibilityTable, TABLE } from "./compatibility.ts";

it("the table of what is here of PyTorch and diffusers is that of the library", () => {
  const table = compatibilityTable();
  if (process.env.DIFFLAB_WRITE_TABLE) writeFileSync(TABLE, table);
  expect(readFileSync(TABLE, "utf8"), "lib/COMPATIBILITY.md is out of date: npm run compatibility").toBe(table);
  expect(table).toContain("| `torch.Tensor.masked_fill` | `Tensor.maskedFill` | numbers, gradients |");
  expect(table).toContain("| `diffusers.EulerDiscreteScheduler` | `EulerDiscreteScheduler` | numbers |");
});
