import { type Bench, timed } from "./bench.ts";
import { type Candidate, interleaved, ipykernel, kernels, start } from "./peers.ts";

const LINES = 1_000_000;

/** A cell that prints a million lines, until the kernel is idle and every line has arrived. */
const bench: Bench = {
  name: "kernel-output-million-lines",
  async run(say) {
    const { ours } = await kernels();
    const peer = await ipykernel(); // tslab and Deno lose most of the lines: there is nothing to compare
    return interleaved("kernel-output-million-lines", ours, [peer], 3, (candidate) => print(candidate, ours), say);
  },
};

async function print(candidate: Candidate, ours: Candidate): Promise<number> {
  const kernel = await start(candidate);
  try {
    let length = 0;
    const code =
      candidate === ours
        ? `for (let i = 0; i < ${LINES}; i++) console.log("line " + i);`
        : `for i in range(${LINES}): print("line", i)`;
    const took = await timed(
      () =>
        kernel.execute(code, {
          onOutput: (message) => {
            if (message.header.msg_type === "stream") length += message.content.text.length;
          },
        }).done,
    );
    const expected = LINES * "line \n".length + 5_888_890; // the digits of 0 to 999,999
    if (length !== expected) throw new Error(`${candidate.name}: ${length} characters arrived, expected ${expected}`);
    return took;
  } finally {
    await kernel.shutdown();
  }
}

export default bench;
