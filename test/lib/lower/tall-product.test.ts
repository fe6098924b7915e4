import { afterAll, beforeAll, expect, it } from "vitest";
import { manualSeed, randn } from "../../../lib/index.ts";
import * as F from "../../../lib/nn/functional/index.ts";
import { bothWays, inFile } from "./both-ways.ts";

let file: Awaited<ReturnType<typeof inFile>>;

beforeAll(async () => {
  manualSeed(4);
  file = await inFile({ weight: randn([24, 1024]), bias: randn([24]) });
});
afterAll(() => file.remove());

it.each([
  ["some rows at a time where its input is large", [2, 4096, 1024], true],
  ["in one piece where it is small", [2, 40, 1024], false],
  ["in one piece where its rows cannot be shared out evenly", [1, 8209, 1024], false],
])("a tall matrix is multiplied %s", async (_, shape, parted) => {
  const x = randn(shape);
  const { worst, operations } = await bothWays(() => F.linear(x, file.weights.weight!, file.weights.bias));
  expect(operations.has("Scan")).toBe(parted);
  expect(worst).toBeLessThan(1e-3);
});
