import { loadTensors, saveTensors } from "../io/tensors.ts";
import type { Module } from "../nn/module.ts";
import type { EMA } from "../optim/ema.ts";
import type { Optimizer, OptimizerState } from "../optim/optimizer.ts";
import type { Schedule } from "../optim/schedule.ts";
import { defaultGenerator, Generator } from "../random/index.ts";
import { openSafetensors } from "../safetensors/index.ts";
import type { Tensor } from "../tensor/tensor.ts";
import type { DataLoader, LoaderState } from "./data-loader.ts";
import type { Numbers } from "./means.ts";

/** What of a training is more than numbers. */
export interface Trained {
  readonly model: Module;
  readonly optimizer: Optimizer;
  readonly data: DataLoader;
  readonly schedule?: Schedule;
  readonly ema?: EMA;
}

/** How far a training has come. */
export interface Standing {
  readonly step: number;
  readonly elapsed?: number;
  readonly losses: readonly number[];
  readonly epochs: readonly Numbers[];
  readonly sums: [number, Numbers];
  readonly data: LoaderState;
}

interface Notes extends Standing {
  readonly optimizer: Omit<OptimizerState, "tensors">;
  readonly schedule: number;
  /** The rates that the schedule's groups started with. */
  readonly baseLr?: readonly number[];
  readonly random: string;
}

/** Writes all that is needed to go on exactly here. */
export async function saveTraining(path: string, trained: Trained, standing: Standing): Promise<void> {
  const { model, optimizer, schedule, ema } = trained;
  const { tensors: kept, ...state } = optimizer.stateDict();
  const prefixed = (prefix: string, tensors: Readonly<Record<string, Tensor>>) =>
    Object.entries(tensors).map(([name, tensor]) => [`${prefix}.${name}`, tensor] as const);
  const tensors = Object.fromEntries([
    ...prefixed("model", model.stateDict()),
    ...prefixed("optimizer", kept),
    ...(ema ? prefixed("ema", ema.stateDict()) : []),
  ]);
  const at = schedule?.stateDict();
  const notes: Notes = {
    ...standing,
    optimizer: state,
    schedule: at?.steps ?? 0,
    ...(at?.baseLr ? { baseLr: at.baseLr } : {}),
    random: Buffer.from(defaultGenerator.getState()).toString("base64"),
  };
  await saveTensors(path, tensors, { metadata: { difflab: JSON.stringify(notes) } });
}

/**
 * Takes up where `saveTraining` left off: everything is checked before the first thing is changed.
 *
 * @returns how far the training had come
 * @throws Error if the checkpoint is of another training; nothing is changed then
 */
export async function loadTraining(path: string, trained: Trained): Promise<Standing> {
  const { model, optimizer, schedule, data, ema } = trained;
  const text = (await openSafetensors(path)).metadata.difflab;
  if (text === undefined) throw new Error(`${path}: not a Learner checkpoint; load weights with loadTensors`);
  const notes = JSON.parse(text) as Notes;
  const all = await loadTensors(path, { copy: true });
  const part = (prefix: string) =>
    Object.fromEntries(
      Object.entries(all).flatMap(([name, x]) =>
        name.startsWith(`${prefix}.`) ? [[name.slice(prefix.length + 1), x]] : [],
      ),
    );
  const random = Uint8Array.from(Buffer.from(notes.random, "base64"));
  new Generator().setState(random);
  data.checkState(notes.data);
  const at = { steps: notes.schedule, ...(notes.baseLr ? { baseLr: notes.baseLr } : {}) };
  const loads = [
    model.checkStateDict(part("model")),
    optimizer.checkStateDict({ ...notes.optimizer, tensors: part("optimizer") }),
    ema?.checkStateDict(part("ema")),
    schedule?.checkStateDict(at),
  ];
  for (const load of loads) load?.();
  data.state = notes.data;
  defaultGenerator.setState(random);
  return notes;
}
