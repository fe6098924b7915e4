/**
 * Our training steps, timed on request as training-peer.py times PyTorch's: `node training-ours.js KIND BATCH THREADS`,
 * a number of steps a line, an answer in JSON for each.
 */
import { createInterface } from "node:readline";
import { compile, manualSeed, nn, optim, randint, randn, setNumThreads, type Tensor } from "../../lib/index.ts";
import { SmallUNet } from "../../lib/models/small-unet.ts";

const [kind, batch, threads] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])];
const { functional: F } = nn;

/** The network, its batch, and the loss: the same as in training-peer.py. */
function task(): { net: nn.Module; args: Tensor[]; loss: (...args: Tensor[]) => Tensor } {
  if (kind === "unet") {
    const net = new SmallUNet();
    const args = [randn([batch, 1, 32, 32]), randint(0, 1000, [batch]), randn([batch, 1, 32, 32])];
    return { net, args, loss: (x, t, noise) => F.mseLoss(net.forward(x!, t!), noise!) };
  }
  const mlp = () => [new nn.Flatten(), new nn.Linear(784, 512), new nn.ReLU(), new nn.Linear(512, 256), new nn.ReLU()];
  const cnn = () => [
    ...[new nn.Conv2d(1, 32, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2)],
    ...[new nn.Conv2d(32, 64, 3, { padding: 1 }), new nn.ReLU(), new nn.MaxPool2d(2)],
    ...[new nn.Flatten(), new nn.Linear(64 * 49, 128), new nn.ReLU()],
  ];
  const net =
    kind === "mlp"
      ? new nn.Sequential(...mlp(), new nn.Linear(256, 10))
      : new nn.Sequential(...cnn(), new nn.Linear(128, 10));
  const args = [randn([batch, 1, 28, 28]), randint(0, 10, [batch])];
  return { net, args, loss: (x, y) => F.crossEntropy(net.forward(x!), y!) };
}

manualSeed(0);
setNumThreads(threads);
const { net, args, loss } = task();
const optimizer = new optim.AdamW(net.parameters(), { lr: 2e-4 });
const step = compile((...batch: Tensor[]) => {
  optimizer.zeroGrad();
  const value = loss(...batch);
  value.backward();
  optimizer.step();
  return value;
});

const start = performance.now();
await (await step(...args)).item();
console.log(JSON.stringify({ parameters: net.numParameters(), first: performance.now() - start }));

for await (const line of createInterface({ input: process.stdin })) {
  const [wall, cpu]: [number[], number[]] = [[], []];
  let value = 0;
  for (let i = 0; i < Number.parseInt(line, 10); i++) {
    const [before, used] = [performance.now(), process.cpuUsage()];
    value = await (await step(...args)).item();
    const { user, system } = process.cpuUsage(used);
    wall.push(performance.now() - before);
    cpu.push((user + system) / 1e3);
  }
  const rss = process.memoryUsage.rss() / 2 ** 20;
  console.log(JSON.stringify({ wall, cpu, loss: value, peak: process.resourceUsage().maxRSS / 1024, rss }));
}
process.exit(0);
