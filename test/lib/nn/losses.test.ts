import { describe, expect, it } from "vitest";
import { arange, compile, nn, oneHot, type Tensor, tensor, zeros } from "../../../lib/index.ts";

const F = nn.functional;
const int64 = { dtype: "int64" } as const;
const scores = () =>
  tensor([
    [1, 0, 2, 1],
    [0, 3, 1, 2],
  ]);
/** The same numbers, but known to nobody before they are computed. */
const computed = (numbers: number[]) => tensor(numbers, int64).sub(7).add(7);

it("an embedding says how indices are made where it is given other numbers", () => {
  expect(() => F.embedding(tensor([0, 1]), scores().reshape(4, 2))).toThrow(
    'embedding: the indices have dtype float32, expected int64: make them with tensor([3, 7], { dtype: "int64" })',
  );
});

describe("classes out of range", () => {
  const functions: Record<string, (labels: Tensor) => Tensor> = {
    crossEntropy: (labels) => F.crossEntropy(scores(), labels),
    nllLoss: (labels) => F.nllLoss(scores().logSoftmax(1), labels),
    embedding: (labels) => F.embedding(labels, scores().reshape(4, 2)),
    oneHot: (labels) => oneHot(labels, 4),
    indexSelect: (labels) => scores().indexSelect(1, labels),
    gather: (labels) => scores().gather(1, labels.unsqueeze(1)),
    scatterAdd: (labels) => scores().scatterAdd(1, labels.unsqueeze(1), zeros([2, 1])),
  };
  for (const [name, f] of Object.entries(functions)) {
    for (const wrong of [4, -1, 100]) {
      it(`are refused where the line is written, as far as they are known: ${name}, ${wrong}`, () => {
        expect(() => f(tensor([0, wrong], int64))).toThrow(`index ${wrong} is out of range`);
      });

      it(`are refused when they are computed: ${name}, ${wrong}`, async () => {
        await expect(f(computed([0, wrong])).data()).rejects.toThrow(`index ${wrong} is out of range`);
      });

      it(`are refused in a compiled function: ${name}, ${wrong}`, async () => {
        const compiled = compile(f);
        await (await compiled(tensor([0, 3], int64))).data();
        await expect(compiled(tensor([0, wrong], int64)).then((x) => x.data())).rejects.toThrow(
          `index ${wrong} is out of range`,
        );
      });
    }

    it(`are none of those in range: ${name}`, async () => {
      const known = await f(tensor([0, 3], int64)).data();
      expect(await f(computed([0, 3])).data()).toEqual(known);
    });
  }

  it("are refused in a large batch, too, which leaves this thread after its first use", async () => {
    const labels = arange(4000).remainder(10).add(1);
    await labels.data();
    const net = zeros([4000, 10]);
    await expect(F.crossEntropy(net, labels).item()).rejects.toThrow(/index 10 is out of range/);
    const large = tensor(
      Array.from({ length: 4000 }, (_, i) => (i % 10) + 1),
      int64,
    );
    await large.add(1).data();
    await expect((async () => F.crossEntropy(net, large).item())()).rejects.toThrow(/index 10 is out of range/);
  });
});

describe("losses", () => {
  it("refuse shapes that do not fit", () => {
    const [input, labels] = [scores(), tensor([1], int64)];
    expect(() => F.nllLoss(input, labels)).toThrow("nllLoss: scores [2, 4] need target classes [2], got [1]");
    expect(() => F.crossEntropy(input, labels)).toThrow("crossEntropy: scores [2, 4] need target classes [2], got [1]");
    expect(() => F.nllLoss(input, tensor([1, 2]))).toThrow("nllLoss: target is float32; expected int64 classes");
    expect(() => F.crossEntropy(input, tensor([1, 2]))).toThrow("expected int64 classes [2] (use .long())");
    for (const loss of [F.mseLoss, F.l1Loss, F.smoothL1Loss, F.huberLoss, F.binaryCrossEntropyWithLogits, F.klDiv]) {
      expect(() => loss(input, zeros([4]))).toThrow("input [2, 4] and target [4] must have the same shape");
    }
    expect(() => F.crossEntropy(input, tensor([1, 2], int64), { weight: zeros([3]) })).toThrow(
      "crossEntropy: weight [3], expected one number for each of 4 classes",
    );
  });

  it("refuse options that they do not know, and numbers that make no sense", () => {
    const [a, b] = [zeros([2]), zeros([2])];
    expect(() => F.mseLoss(a, b, "avg" as never)).toThrow(
      'mseLoss: unknown reduction "avg"; expected "mean", "sum" or',
    );
    expect(() => F.mseLoss(a, b, { reductoin: "sum" } as never)).toThrow("mseLoss: unknown option reductoin");
    expect(() => F.crossEntropy(scores(), zeros([2], int64), { ignore_index: 0 } as never)).toThrow(
      "unknown option ignore_index; it is called ignoreIndex here",
    );
    expect(() => F.smoothL1Loss(a, b, { beta: -1 })).toThrow("smoothL1Loss: beta is -1, expected 0 or more");
    expect(() => F.smoothL1Loss(a, b, { beta: "1" as never })).toThrow('beta is "1", expected a number');
    expect(() => F.crossEntropy(scores(), zeros([2], int64), { labelSmoothing: 1.5 })).toThrow("expected 0 to 1");
    expect(() => F.huberLoss(a, b, { delta: 0 })).toThrow("huberLoss: delta is 0");
  });

  it("take the reduction alone as well", async () => {
    expect(await F.mseLoss(tensor([1, 2]), tensor([0, 0]), "sum").item()).toBe(5);
    expect(await F.mseLoss(tensor([1, 2]), tensor([0, 0]), { reduction: "sum" }).item()).toBe(5);
  });
});
