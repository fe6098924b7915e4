import { type CodeCell, joinText, type Notebook } from "../../kernel/client/index.ts";

/** What students return of an assignment: thirty ways, from right to hostile. */
export interface Returned {
  /** Names the kind; also the student. */
  kind: string;
  /** The file's content. */
  text: string;
  /** Which exercises earn their points: all, none, or some by their number from 0; "unreadable" where none can be graded. */
  earns: "all" | "none" | "all but the first" | "the first" | "unreadable";
  /** What the report must say of it. */
  says?: RegExp;
}

/** Where in a notebook the exercises are: the numbers of their cells. */
interface Exercise {
  answer: number;
  check: number;
}

const STUB = /^([ \t]*)\/\/ Your code here\.\n[ \t]*TODO\(\)$/m;

/**
 * The returned notebooks of a simulated class.
 *
 * @param released - the notebook as students got it
 * @param source - as its author wrote it, with the solutions
 */
export function returnedNotebooks(released: Notebook, source: Notebook): Returned[] {
  const exercises = exercisesOf(released);
  const solutions = exercises.map(({ answer }) => solved(source, codeCell(released, answer).id!));
  const notebook = (change: (notebook: Notebook) => void): string => {
    const copy = structuredClone(released);
    change(copy);
    return JSON.stringify(copy, null, 1);
  };
  /** Answers by exercise; undefined leaves the stub. */
  const answered = (copy: Notebook, answers: readonly (string | undefined)[]) => {
    for (const [i, { answer }] of exercises.entries()) {
      if (answers[i] !== undefined) codeCell(copy, answer).source = answers[i]!;
    }
  };
  const right = (change: (copy: Notebook) => void = () => {}) =>
    notebook((copy) => {
      answered(copy, solutions);
      change(copy);
    });
  /** The first exercise does something else in place of an answer; the others are right. */
  const first = (statements: string, before = "") => {
    const stub = joinText(codeCell(released, exercises[0]!.answer).source);
    return right((copy) => {
      codeCell(copy, exercises[0]!.answer).source = before + stub.replace(STUB, () => statements);
    });
  };
  /** Code that runs with the first answer, which stays a stub as all others do. */
  const cheating = (code: string) =>
    notebook((copy) => {
      const { answer } = exercises[0]!;
      codeCell(copy, answer).source = `${joinText(codeCell(copy, answer).source)}\n${code}`;
    });
  const checks = exercises.map(({ check }) => check);
  const forged: CodeCell["outputs"] = [
    { output_type: "execute_result", data: { "text/plain": "100" }, metadata: {}, execution_count: 1 },
  ];

  return [
    { kind: "right", text: right(), earns: "all" },
    { kind: "Zoë Müller-Ñandú", text: right(), earns: "all" },
    { kind: "partly-right", text: notebook((copy) => answered(copy, solutions.slice(0, 1))), earns: "the first" },
    { kind: "untouched", text: notebook(() => {}), earns: "none", says: /No answer yet/ },
    {
      kind: "type-error",
      text: first('return "text" as number;'),
      earns: "all but the first",
      says: /TypeScriptError/,
    },
    { kind: "syntax-error", text: first("return (;"), earns: "all but the first", says: /SyntaxError/ },
    { kind: "throws", text: first('throw new Error("mine");'), earns: "all but the first", says: /mine/ },
    {
      kind: "endless-loop",
      text: first("for (;;) {}"),
      earns: "all but the first",
      says: /did not finish within the time limit/,
    },
    {
      kind: "endless-await",
      text: right((copy) => {
        const cell = codeCell(copy, exercises[0]!.answer);
        cell.source = `${joinText(cell.source)}\nawait new Promise(() => {});`;
      }),
      earns: "all",
    },
    {
      kind: "memory-in-objects",
      text: first("const all: number[][] = [];\n  for (;;) all.push(new Array(1_000_000).fill(0.5 + all.length));"),
      earns: "all but the first",
      says: /memory|ended|killed/i,
    },
    {
      kind: "memory-in-buffers",
      text: first("const all: Buffer[] = [];\n  for (;;) all.push(Buffer.alloc(100_000_000, 1));"),
      earns: "all but the first",
      says: /memory|allocat|ended|killed/i,
    },
    { kind: "process-exit", text: first("process.exit(0);"), earns: "all but the first", says: /process\.exit/ },
    { kind: "native-crash", text: first("process.abort();"), earns: "all but the first", says: /crashed|SIGABRT/ },
    {
      kind: "kills-the-kernel",
      text: first("process.kill(process.ppid, 9);\n  for (;;) {}"),
      earns: "all but the first",
      says: /did not finish within the time limit/,
    },
    {
      kind: "forks",
      text: first(
        'const { spawn } = require("node:child_process");\n  for (;;) spawn(process.execPath, ["-e", "for (;;) {}"]);',
      ),
      earns: "all but the first",
    },
    {
      kind: "checks-deleted",
      text: notebook((copy) => {
        copy.cells = copy.cells.filter((_, i) => !checks.includes(i));
      }),
      earns: "none",
      says: /check was missing/,
    },
    {
      kind: "answer-deleted",
      text: right((copy) => copy.cells.splice(exercises[0]!.answer, 1)),
      earns: "all but the first",
      says: /cell was missing/,
    },
    {
      kind: "reordered",
      text: right((copy) => copy.cells.reverse()),
      earns: "all",
      says: /different order/,
    },
    {
      kind: "duplicated",
      text: right((copy) => {
        const { answer } = exercises[0]!;
        const stub = structuredClone(codeCell(released, answer));
        copy.cells.splice(answer + 1, 0, { ...stub, id: "a-copy" });
      }),
      earns: "all",
      says: /2 times/,
    },
    {
      kind: "check-changed",
      text: notebook((copy) => {
        for (const check of checks) codeCell(copy, check).source = 'console.log("Right.")';
      }),
      earns: "none",
      says: /check had been changed/,
    },
    {
      kind: "check-skipped",
      text: notebook((copy) => {
        for (const check of checks) {
          codeCell(copy, check).metadata.tags = ["skip-execution", "raises-exception"];
          codeCell(copy, check).metadata.nbgrader.points = 100;
        }
      }),
      earns: "none",
    },
    {
      kind: "outputs-forged",
      text: notebook((copy) => {
        for (const check of checks) Object.assign(codeCell(copy, check), { outputs: forged, execution_count: 9 });
      }),
      earns: "none",
    },
    {
      kind: "other-kernel",
      text: notebook((copy) => {
        copy.metadata.kernelspec = { name: "python3", display_name: "Python 3", language: "python" };
      }),
      earns: "none",
    },
    {
      kind: "metadata-lost",
      text: right((copy) => {
        for (const cell of copy.cells) cell.metadata = {};
      }),
      earns: "all",
    },
    {
      kind: "built-ins-replaced",
      text: cheating(
        'Math.abs = () => 0;\n(globalThis as any).Error = class { constructor() { return 1; } };\nNumber.prototype.toFixed = () => "0";',
      ),
      earns: "none",
      says: /were restored: .*Math\.abs/,
    },
    {
      kind: "reads-files",
      text: cheating(READS_FILES),
      earns: "none",
      says: /nothing of the teacher's/,
    },
    { kind: "network", text: cheating(NETWORK), earns: "none", says: /no way out/ },
    { kind: "no-json", text: "This is not a notebook.", earns: "unreadable", says: /invalid JSON/ },
    {
      kind: "fifty-megabytes",
      text: right((copy) => {
        const text = `${"x".repeat(99)}\n`.repeat(500_000);
        codeCell(copy, checks[0]!).outputs = [{ output_type: "stream", name: "stdout", text }];
      }),
      earns: "all",
    },
    {
      kind: "million-lines",
      text: right((copy) => {
        const cell = codeCell(copy, exercises[0]!.answer);
        cell.source = `${joinText(cell.source)}\nfor (let i = 0; i < 1_000_000; i++) console.log(i);`;
      }),
      earns: "all",
    },
    {
      kind: "warns",
      text: right((copy) => {
        const cell = codeCell(copy, exercises[0]!.answer);
        cell.source = `console.warn("careful");\n${joinText(cell.source)}\nsetTimeout(() => console.error("later"), 50);`;
      }),
      earns: "all",
    },
  ];
}

const READS_FILES = `import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
const seen: string[] = [];
for (let folder = process.cwd(); folder !== "/"; folder = dirname(folder)) {
  seen.push(...["source", "gradebook.db", "submitted", "notebooks", ".git", ".ssh"].filter((name) => existsSync(folder + "/" + name)));
}
const secrets = Object.keys(process.env).filter((name) => /TOKEN|SECRET|KEY|PASS|HF_|JUPYTER/.test(name));
const home = existsSync("/root") ? readdirSync("/root") : [];
const others = readdirSync("/proc").filter((name) => /^\\d+$/.test(name) && /nbgrader/.test(readFileSync("/proc/" + name + "/cmdline", "utf8")));
if (seen.length + secrets.length + home.length + others.length === 0) throw new Error("nothing of the teacher's is here");
throw new Error("FOUND " + [...seen, ...secrets, ...home, ...others]);`;

const NETWORK = `import { connect } from "node:net";
import { networkInterfaces } from "node:os";
const reach = (port: number, host: string) => new Promise<boolean>((resolve) => {
  const socket = connect({ port, host, timeout: 2000 });
  socket.on("connect", () => resolve(true)).on("error", () => resolve(false)).on("timeout", () => resolve(false));
});
const reached = [await reach(53, "1.1.1.1"), await reach(22, "127.0.0.1"), await reach(8888, "127.0.0.1")];
const ways = Object.keys(networkInterfaces()).filter((name) => name !== "lo");
if (!reached.includes(true) && ways.length === 0) throw new Error("there is no way out of here");
throw new Error("FOUND " + reached + ways);`;

/** The exercises of a notebook, in order. */
export function exercisesOf(notebook: Notebook): Exercise[] {
  const found: Exercise[] = [];
  let answer: number | undefined;
  for (const [i, cell] of notebook.cells.entries()) {
    const marks = cell.metadata.nbgrader as { solution?: boolean; grade?: boolean } | undefined;
    if (cell.cell_type !== "code" || !marks) continue;
    if (marks.solution) answer = i;
    else if (marks.grade && answer !== undefined) {
      found.push({ answer, check: i });
      answer = undefined;
    }
  }
  return found;
}

function codeCell(notebook: Notebook, number: number): CodeCell {
  return notebook.cells[number] as CodeCell;
}

/** The text of an exercise as its author solved it. */
function solved(source: Notebook, id: string): string {
  const cell = source.cells.find((one) => one.id === id)!;
  return joinText(cell.source).replace(/^[ \t]*\/\/ (BEGIN|END) SOLUTION\n/gm, "");
}

/** What a returned notebook must get: `"3 of 7"` as the report writes it; `"-"` where nothing can be graded. */
export function pointsOf(released: Notebook, earns: Returned["earns"]): string {
  if (earns === "unreadable") return "-";
  const worth = (cell: Notebook["cells"][number]) => (cell.metadata.nbgrader as { points?: number })?.points ?? 0;
  const checks = exercisesOf(released).map(({ check }) => worth(released.cells[check]!));
  const all = released.cells.reduce((sum, cell) => sum + worth(cell), 0);
  const sum = (points: readonly number[]) => points.reduce((a, b) => a + b, 0);
  const earned = { all: sum(checks), none: 0, "the first": checks[0]!, "all but the first": sum(checks.slice(1)) };
  return `${earned[earns]} of ${all}`;
}
