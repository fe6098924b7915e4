import { drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { label } from "./format.ts";
import { SERIES } from "./palette.ts";
import { type NumbersInput, valuesOf } from "./values.ts";

/** What `recordRun` gives, as far as guidance goes. */
export interface GuidedRunLike {
  /** Prediction for the prompt at each step, `[steps, ...]`. */
  readonly conditional: NumbersInput;
  /** Prediction for the negative prompt at each step, `[steps, ...]`. */
  readonly unconditional: NumbersInput | null;
  /** How far to go beyond. */
  readonly guidanceScale: number;
  /** The timestep of each step. */
  readonly timesteps?: readonly number[];
}

/**
 * Draws what guidance does at a step as arrows: the prediction without the prompt, the one with it, and where the guided one goes
 * beyond. All three lie in one plane of the many dimensions, so lengths and angles are true.
 *
 * `showGuidance(await recordRun(pipe, { prompt: "a red seven" }), { step: 3 })`
 *
 * @param options.step - from 0; default 0
 * @throws RangeError if the run was not guided, or has no such step
 */
export function showGuidance(run: GuidedRunLike, options: { step?: number; title?: string } = {}): Figure {
  const where = "showGuidance";
  const { step = 0 } = options;
  if (run.unconditional === null) {
    throw new RangeError(
      `${where}: the run was not guided at every step; call generate with a guidanceScale above 1, and without guidanceInterval`,
    );
  }
  const [with_, without] = [
    valuesOf(`${where}: conditional`, run.conditional),
    valuesOf(`${where}: unconditional`, run.unconditional),
  ];
  const count = with_.shape[0]!;
  if (`${with_.shape}` !== `${without.shape}`) {
    throw new RangeError(
      `${where}: conditional [${with_.shape.join(", ")}], unconditional [${without.shape.join(", ")}]; expected the same shape`,
    );
  }
  if (!Number.isInteger(step) || step < 0 || step >= count) {
    throw new RangeError(`${where}: step ${step} of ${count}; expected 0 to ${count - 1}`);
  }
  return new Figure(where, async () => {
    const [c, u] = await Promise.all([rowOf(with_, step), rowOf(without, step)]);
    const difference = c.map((value, i) => value - u[i]!);
    const size = Math.hypot(...u) || 1;
    const along = u.map((value) => value / size);
    const straight = dot(difference, along);
    const side = Math.hypot(...difference.map((value, i) => value - straight * along[i]!));
    const g = run.guidanceScale;
    const arrows = [
      { name: "unconditional u", x: size, y: 0, colour: SERIES[6] },
      { name: "conditional c", x: size + straight, y: side, colour: SERIES[0] },
      { name: `guided u + ${label(g)} (c − u)`, x: size + g * straight, y: g * side, colour: SERIES[1] },
    ];
    const angle = (Math.atan2(side, size + straight) * 180) / Math.PI;
    const [x0, x1] = [Math.min(0, ...arrows.map(({ x }) => x)), Math.max(...arrows.map(({ x }) => x))];
    const [y0, y1] = [Math.min(0, ...arrows.map(({ y }) => y)), Math.max(...arrows.map(({ y }) => y), size / 6)];
    const width = 560;
    const unit = (width - 52 - 30) / ((x1 - x0) * 1.08);
    const at = run.timesteps?.[step] === undefined ? "" : `, timestep ${run.timesteps[step]}`;
    const note = `step ${step + 1} of ${count}${at}: the prompt turns the prediction by ${label(angle, 2)}°; c − u is ${label((100 * Math.hypot(...difference)) / size, 2)} % as long as u`;
    return drawChart({
      ...(options.title !== undefined && { title: options.title }),
      width,
      height: Math.max(170, Math.min(520, unit * (y1 - y0) * 1.15 + 60)),
      legend: arrows.map(({ name, colour }) => ({ name, colour })),
      notes: [note],
      alt: `arrows of the predictions without the prompt, with it, and guided by ${label(g)}`,
      plot: (Plot) => ({
        aspectRatio: 1,
        marginRight: 30,
        inset: 6,
        x: {
          label: "along the unconditional prediction (latent units)",
          grid: true,
          ticks: 6,
          domain: [x0, x0 + (x1 - x0) * 1.08],
        },
        y: { label: "towards the prompt", grid: true, ticks: 4, domain: [y0, y0 + (y1 - y0) * 1.15] },
        marks: [
          Plot.line([arrows[0]!, arrows[2]!], {
            x: "x",
            y: "y",
            stroke: SERIES[1],
            strokeDasharray: "3 4",
            strokeWidth: 1.4,
          }),
          ...arrows.map((arrow) =>
            Plot.arrow([arrow], {
              x1: 0,
              y1: 0,
              x2: "x",
              y2: "y",
              stroke: arrow.colour,
              strokeWidth: 2.4,
              headLength: 7,
              inset: 0,
              title: "name",
            }),
          ),
        ],
      }),
    });
  });
}

async function rowOf(pending: ReturnType<typeof valuesOf>, row: number): Promise<number[]> {
  const { data, shape } = await pending.read();
  const size = data.length / shape[0]!;
  return Array.from({ length: size }, (_, i) => data[row * size + i]!);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
