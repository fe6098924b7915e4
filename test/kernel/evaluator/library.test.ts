import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { KernelClient } from "../../../kernel/client/index.ts";
import { ROOT } from "../../root.ts";

/** The library as a student uses it: in cells. What it computes is tested under test/lib. */

let kernel: KernelClient;

async function value(code: string, onOutput?: (type: string) => void): Promise<string> {
  let result = "";
  const reply = await kernel.execute(code, {
    onOutput: ({ header, content }) => {
      if (header.msg_type === "execute_result") result = content.data["text/plain"];
      onOutput?.(header.msg_type);
    },
  }).done;
  expect(reply.content.traceback ?? [], code).toEqual([]);
  return result;
}

beforeAll(async () => {
  kernel = await KernelClient.start({ cwd: join(ROOT, "notebooks") });
});

afterAll(async () => {
  await kernel?.shutdown();
});

test("training stops at the stop button, keeps the weights reached, and goes on where it stood", async () => {
  await value(`
    import { DataLoader, digits, Learner, manualSeed, nn, optim } from "difflab";
    manualSeed(1);
    const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(784, 16), new nn.ReLU(), new nn.Linear(16, 10));
    const data = new DataLoader(digits({ n: 320, seed: 1 }), { batchSize: 32 });
    const objective = (x, y) => nn.functional.crossEntropy(model.forward(x), y);
    const learner = new Learner({ model, optimizer: new optim.AdamW(model.parameters()), data, objective });`);
  let shown = 0;
  const fit = value("const fitted = await learner.fit(1e6); fitted.interrupted", (type) => {
    if (type === "update_display_data" && ++shown === 2) void kernel.interrupt();
  });
  expect(await fit).toBe("true");
  const steps = Number(await value("learner.step"));
  expect(steps).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(Number(await value("learner.step"))).toBe(steps);
  const epochs = Math.ceil(steps / 10) + 2;
  expect(Number(await value(`await learner.fit(${epochs}); learner.step`))).toBe(10 * epochs);
});

test("an error of the library points at the line of the cell", async () => {
  const reply = await kernel.execute("import { randn } from 'difflab';\nrandn([4, 4])\n  .matmul(randn([3, 4]));").done;
  expect(reply.content.ename).toBe("RangeError");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes begin with the escape character
  expect(reply.content.traceback.join("\n").replace(/\u001b\[[\d;]+m/g, "")).toContain("> 3 |   .matmul");
});

test("a tensor shows itself", async () => {
  expect(await value("import { arange } from 'difflab'; arange(3).mul(2)")).toContain("[0, 2, 4]");
});

test("the numbers of a tensor need no cast in a cell", async () => {
  await value(`
    import { tensor } from "difflab";
    const x = tensor([0.25, 1, 4]);
    const labels = tensor([7, 2], { dtype: "int64" });`);
  expect(await value("Array.from(await x.data(), (v) => v.toFixed(1)).join()")).toBe("'0.3,1.0,4.0'");
  expect(await value("(await x.data())[0] * 2")).toBe("0.5");
  expect(await value("Math.max(...await x.data())")).toBe("4");
  expect(await value("let sum = 0; for (const v of await x.data()) sum += v; sum")).toBe("5.25");
  expect(await value("(await labels.data()).reduce((a, b) => a + b) + (await labels.data()).indexOf(2)")).toBe("10");
});

test("the README's first code is type-checked, runs, and shows a picture", async () => {
  const [, code] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(ROOT, "README.md"), "utf8"))!;
  expect(await value(code!)).toMatch(/^clean, noisy: rows of 8 pictures of 28 × 28 grey pixels/);
});

test("what the stop button ends in the middle leaves nothing behind: no code without gradients, no function being traced", async () => {
  await value(
    'import { compile, noGrad, randn, tensor } from "difflab"; const weight = randn([2], { requiresGrad: true });',
  );
  for (const scope of ["noGrad", "compile"]) {
    const stuck = `console.log("running"); for (;;) weight.mul(2);`;
    const code = scope === "noGrad" ? `noGrad(() => { ${stuck} })` : `await compile(() => { ${stuck} })()`;
    let asked = false;
    const reply = await kernel.execute(code, {
      onOutput: ({ header }) => {
        if (header.msg_type === "stream" && !asked) void kernel.interrupt();
        asked ||= header.msg_type === "stream";
      },
    }).done;
    expect(reply.content.ename, scope).toBe("Interrupted");
    expect(await value("weight.mul(2).requiresGrad"), scope).toBe("true");
    expect(await value("await tensor([1, 2]).add(1).tolist()"), scope).toBe("[ 2, 3 ]");
    expect(await value("await compile((x: typeof weight) => x.mul(3))(tensor([1, 2])).tolist()"), scope).toBe(
      "[ 3, 6 ]",
    );
  }
}, 60_000);
