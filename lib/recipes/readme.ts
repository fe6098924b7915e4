import { join } from "node:path";
import { writeWhole } from "../files/write-whole.ts";

/** What was measured, each with its unit. */
export type Figures = Readonly<Record<string, string | number>>;

/** What a model's README says. */
export interface ReadmeParts {
  /** Its heading. */
  readonly title: string;
  /** What the model is, in a sentence. */
  readonly about: string;
  /** How good it is, row by row. */
  readonly figures: Figures;
  /** How it was made, row by row. */
  readonly made: Figures;
}

/** Writes what a model is, how good it is and how it was made into its folder's `README.md`. */
export async function writeReadme(folder: string, { title, about, figures, made }: ReadmeParts): Promise<void> {
  const text = `# ${title}\n\n${about}\n\n${table("measured", figures)}\n\n${table("made", made)}\n`;
  await writeWhole(join(folder, "README.md"), (write) => write(Buffer.from(text)));
}

function table(head: string, rows: Figures): string {
  return [`| ${head} | |`, "|---|---|", ...Object.entries(rows).map(([name, value]) => `| ${name} | ${value} |`)].join(
    "\n",
  );
}
