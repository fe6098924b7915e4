import { mkdirSync } from "node:fs";
import { writeFileAtomically } from "../client/notebook.ts";
import type { Course } from "./course.ts";
import { counted } from "./task.ts";

/** The outcome of grading one student. */
export interface Outcome {
  /** What identifies the files that were graded. */
  submission: string;
  /** What identifies the version of the assignment that was graded against. */
  lesson?: string;
  seconds: number;
  /** Why nothing was graded; empty if it was graded. */
  problem: string;
  /** Whether to try again next time. */
  again?: boolean;
}

/** What the gradebook says about one student's assignment. */
export interface StudentGrades {
  student: string;
  points: number;
  of: number;
  /** Seconds. */
  late: number;
  exercises: { id: string; points: number; of: number; manual: boolean; why: string }[];
  /** Remarks about the notebook: missing cells, modified checks. */
  notes: string[];
}

/**
 * Writes the report on an assignment: each student's points, and why points were lost.
 *
 * @returns the file, and the lines for the terminal
 */
export function writeReport(
  course: Course,
  assignment: string,
  grades: readonly StudentGrades[],
  outcomes: ReadonlyMap<string, Outcome | undefined>,
): { file: string; lines: string[] } {
  const known = new Map(grades.map((grade) => [grade.student, grade]));
  const students = [...new Set([...outcomes.keys(), ...known.keys()])].sort();
  const sections: string[] = [];
  const rows: string[] = [];
  let notGraded = 0;
  let byHand = 0;
  for (const student of students) {
    const outcome = outcomes.get(student);
    const found = known.get(student);
    if (!outcome || outcome.problem || !found) {
      const why = outcome?.problem || "not graded yet";
      rows.push(`| ${cell(student)} | - | ${cell(why)} |`);
      notGraded++;
      continue;
    }
    const late = found.late > 0 ? `, ${lateness(found.late)} late` : "";
    const open = found.exercises.filter((exercise) => exercise.manual).length;
    byHand += open;
    const lost = found.exercises.filter((exercise) => exercise.why && !exercise.manual);
    rows.push(
      `| ${cell(student)} | ${found.points} of ${found.of}${open ? ` (${open} by hand)` : ""} | ${cell(lost.map(({ id }) => id).join(", "))}${late} |`,
    );
    const reasons = [
      ...lost.map(({ id, points, of, why }) => `- **${id}**: ${points} of ${of}. ${why}`),
      ...found.notes.map((note) => `- ${note}`),
    ];
    if (reasons.length > 0) sections.push(`## ${student}\n\n${reasons.join("\n")}`);
  }
  const table = `| Student | Points | Lost in |\n|---|---|---|\n${rows.join("\n")}`;
  const file = course.at("reports", `${assignment}.md`);
  mkdirSync(course.at("reports"), { recursive: true });
  writeFileAtomically(file, `# ${assignment}\n\n${table}\n\n${sections.join("\n\n")}\n`);
  const lines = [
    ...(notGraded > 0 ? [`${notGraded} not graded: see the report.`] : []),
    ...(byHand > 0
      ? [`${counted(byHand, "answer")} to be graded by hand: in JupyterLab, open Formgrader in the menu Nbgrader.`]
      : []),
  ];
  return { file, lines };
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

function lateness(seconds: number): string {
  const hours = seconds / 3600;
  return hours < 48 ? `${hours.toFixed(1)} hours` : `${(hours / 24).toFixed(1)} days`;
}
