import { modelOf } from "./model.ts";
import type { ModelReference } from "./models.ts";

/** What every control can be told. */
export interface ControlOptions {
  /** Text before it; in `interact`, the name of its argument unless this is given. */
  label?: string;
  /** Shown, but not to be used; default false. */
  disabled?: boolean;
  /** What is told where the pointer rests on it. */
  tooltip?: string;
  /** As in CSS: "300px", "50%". Default that of the front end. */
  width?: string;
}

/** {@link ControlOptions} as keys of a model's state. */
export function controlState({ label = "", disabled = false, tooltip, width }: ControlOptions): {
  description: string;
  disabled: boolean;
  tooltip: string | null;
  layout?: ModelReference;
} {
  return {
    description: label,
    disabled,
    tooltip: tooltip ?? null,
    ...(width !== undefined && { layout: modelOf("Layout", { width }) }),
  };
}
