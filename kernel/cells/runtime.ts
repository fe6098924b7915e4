/** What the rewritten code calls its surroundings; ../evaluator/child/runner.ts provides them. */
export const RUNTIME = {
  scope: "__nb",
  last: "__nb_last",
  load: "__nb_import",
  pick: "__nb_pick",
  meta: "__nb_meta",
  module: "__nb_module",
  check: "__nb_check",
} as const;
