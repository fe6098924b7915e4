import { type ChartOptions, drawChart } from "./chart.ts";
import { Figure } from "./figure.ts";
import { plural } from "./format.ts";
import { SERIES } from "./palette.ts";

/** What is read of a scheduler: any of the library's has it. */
export interface ScheduleLike {
  /** The variance of the noise that each training step adds, `[T]`. */
  readonly betas: ArrayLike<number>;
  /** Alpha-bar: how much of the picture's variance is left after each, `[T]`. */
  readonly alphasCumprod: ArrayLike<number>;
  /** The timesteps of a run, after `setTimesteps`. */
  readonly timesteps: readonly number[];
}

const QUANTITIES = {
  beta: { name: "beta (variance added by a step)", log: false, of: (beta: number) => beta },
  alphaBar: {
    name: "alpha-bar (share of the picture's variance left)",
    log: false,
    of: (_: number, bar: number) => bar,
  },
  sigma: {
    name: "sigma (noise beside a picture of size 1)",
    log: true,
    of: (_: number, bar: number) => Math.sqrt((1 - bar) / bar),
  },
  snr: { name: "signal-to-noise ratio", log: true, of: (_: number, bar: number) => bar / (1 - bar) },
} as const;

/** What a noise schedule is drawn as. */
export type ScheduleQuantity = keyof typeof QUANTITIES;

/** How a noise schedule looks. */
export interface NoiseScheduleOptions extends ChartOptions {
  /** "beta", "alphaBar", "sigma" (default) or "snr". */
  quantity?: ScheduleQuantity;
}

/**
 * Draws a noise schedule over its timesteps, with the steps of the run that is set as dots:
 * `plotNoiseSchedule({ "Stable Diffusion": scheduler })`.
 *
 * @param schedules - a scheduler, or several by name
 * @throws RangeError for an unknown quantity
 */
export function plotNoiseSchedule(
  schedules: ScheduleLike | Readonly<Record<string, ScheduleLike>>,
  options: NoiseScheduleOptions = {},
): Figure {
  const where = "plotNoiseSchedule";
  const { quantity = "sigma", ...rest } = options;
  if (!Object.hasOwn(QUANTITIES, quantity)) {
    throw new RangeError(
      `${where}: unknown quantity "${String(quantity)}"; expected ${Object.keys(QUANTITIES).join(", ")}`,
    );
  }
  const { name: yLabel, log, of } = QUANTITIES[quantity];
  const named = namedSchedules(where, schedules);
  const curves = named.map(([name, schedule], index) => {
    const at = (t: number) => of(schedule.betas[t]!, schedule.alphasCumprod[t]!);
    const points = Array.from({ length: schedule.betas.length }, (_, t) => ({ t, value: at(t) }));
    const isSet = schedule.timesteps.length < schedule.betas.length;
    const ticks = isSet
      ? schedule.timesteps.filter((t) => t >= 0 && t < points.length).map((t) => ({ t, value: at(Math.round(t)) }))
      : [];
    return { name, colour: SERIES[index % SERIES.length]!, points, ticks };
  });
  const steps = curves
    .filter(({ ticks }) => ticks.length > 0)
    .map(({ name, ticks }) => {
      const levels = new Set(ticks.map(({ t }) => t)).size;
      const twice = levels < ticks.length ? ` at ${levels} levels` : "";
      return `${name && `${name}, `}${plural(ticks.length, "step")}${twice}`;
    });
  return new Figure(where, async () =>
    drawChart({
      ...rest,
      legend: curves.length > 1 ? curves : [],
      notes: [steps.length > 0 ? `dots: ${steps.join("; ")}` : ""],
      alt: `${yLabel} over ${curves[0]!.points.length} timesteps`,
      plot: (Plot) => ({
        x: { label: "timestep t (0: the picture, the last: noise)", grid: true },
        y: { label: yLabel, grid: true, ...(log && { type: "log" as const, ticks: 5, tickFormat: "~g" }) },
        marks: curves.flatMap(({ points, ticks, colour }) => [
          Plot.line(points, { x: "t", y: "value", stroke: colour, strokeWidth: 2 }),
          Plot.dot(ticks, {
            x: "t",
            y: "value",
            fill: colour,
            r: 3.5,
            title: ({ t, value }: { t: number; value: number }) => `t ${t}: ${value.toPrecision(4)}`,
          }),
        ]),
      }),
    }),
  );
}

/** How the steps of several schedulers are drawn. */
export interface TimestepsOptions extends ChartOptions {
  /** "t": where they fall on the training timesteps (default); "sigma": on the noise level, logarithmic. */
  quantity?: "t" | "sigma";
}

/**
 * Draws where the steps of several schedulers fall, a row each: `plotTimesteps({ DDIM: ddim, Karras: karras })`, each after its
 * `setTimesteps`.
 */
export function plotTimesteps(
  schedules: Readonly<Record<string, ScheduleLike>>,
  options: TimestepsOptions = {},
): Figure {
  const where = "plotTimesteps";
  const { quantity = "t", ...rest } = options;
  if (quantity !== "t" && quantity !== "sigma") {
    throw new RangeError(`${where}: unknown quantity "${String(quantity)}"; expected "t" or "sigma"`);
  }
  const named = namedSchedules(where, schedules);
  const dots = named.flatMap(([name, schedule]) =>
    schedule.timesteps
      .filter((t) => t >= 0 && t < schedule.betas.length)
      .map((t) => {
        const bar = schedule.alphasCumprod[Math.round(t)]!;
        return { name, x: quantity === "t" ? t : Math.sqrt((1 - bar) / bar) };
      }),
  );
  const last = Math.max(...named.map(([, schedule]) => schedule.betas.length));
  return new Figure(where, async () =>
    drawChart({
      height: 44 + 30 * named.length,
      ...rest,
      alt: `steps of ${named.map(([name, { timesteps }]) => `${name} (${timesteps.length})`).join(", ")}`,
      plot: (Plot) => ({
        marginLeft: 24 + 7 * Math.max(...named.map(([name]) => name.length)),
        x: {
          label: quantity === "t" ? "timestep t" : "noise level sigma",
          grid: true,
          reverse: true,
          ...(quantity === "t" ? { domain: [0, last] } : { type: "log" as const, ticks: 5, tickFormat: "~g" }),
        },
        y: { label: null, domain: named.map(([name]) => name) },
        marks: [
          Plot.ruleY(
            named.map(([name]) => name),
            { strokeOpacity: 0.2 },
          ),
          Plot.dot(dots, {
            x: "x",
            y: "name",
            r: 4,
            fill: ({ name }: { name: string }) => SERIES[named.findIndex(([each]) => each === name) % SERIES.length]!,
            title: ({ x }: { x: number }) => String(Number(x.toPrecision(4))),
          }),
        ],
      }),
    }),
  );
}

function namedSchedules(
  where: string,
  schedules: ScheduleLike | Readonly<Record<string, ScheduleLike>>,
): [string, ScheduleLike][] {
  const list: [string, ScheduleLike][] =
    "betas" in schedules ? [["", schedules as ScheduleLike]] : Object.entries(schedules);
  if (list.length === 0) throw new RangeError(`${where}: got no scheduler`);
  for (const [name, schedule] of list) {
    if (!schedule?.betas || !schedule.alphasCumprod || !schedule.timesteps) {
      throw new TypeError(
        `${where}: ${name || "the argument"} is not a scheduler; expected one such as new DDIMScheduler()`,
      );
    }
  }
  return list;
}
