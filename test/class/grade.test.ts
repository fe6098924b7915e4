import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { temporaryFolder } from "../kernel/support/folder.ts";
import { until } from "../kernel/support/kernel.ts";
import { output } from "../kernel/support/python.ts";
import { ROOT } from "../root.ts";
import { CourseUnderTest, hasNbgrader } from "./course.ts";
import { pointsOf, type Returned } from "./returned.ts";
import { tinyNotebook } from "./tiny.ts";

/** Of the kinds of returned notebooks, those that between them need every part; `npm run bench -- class` grades them all. */
const KINDS = [
  "right",
  "Zoë Müller-Ñandú",
  "partly-right",
  "endless-loop",
  "memory-in-buffers",
  "check-skipped",
  "reads-files",
  "no-json",
];

/** Milliseconds, on a machine with other work. */
const PATIENCE = 300_000;

const scratch = temporaryFolder();

// nbgrader is installed by whoever asks for it: npm run class:new.
describe.skipIf(!hasNbgrader())("a class", () => {
  const course = new CourseUnderTest(scratch);
  let all: Returned[] = [];
  let returned = "";

  beforeAll(async () => {
    await course.create({ tiny: tinyNotebook() });
    const config = readFileSync(course.at("nbgrader_config.py"), "utf8");
    writeFileSync(course.at("nbgrader_config.py"), config.replace("answer_timeout = 60", "answer_timeout = 8"));
  }, 600_000);

  test("is given what its exercises allow: stubs, no hidden tests", async () => {
    const { code, stdout } = await course.run("release", "tiny", "--due", "2020-01-31");
    expect(stdout).toMatch(/✓ tiny +release\/tiny, due 2020-01-31/);
    expect(code).toBe(0);
    const text = JSON.stringify(course.released("tiny"));
    expect(text).toContain("TODO()");
    expect(text).toContain("YOUR ANSWER HERE");
    expect(text).not.toMatch(/SOLUTION|HIDDEN|2 \* n/);
  }, 600_000);

  test("hands in, under names good and bad, twice and late", async () => {
    ({ folder: returned, all } = course.returned("tiny", KINDS));
    const [good] = all;
    writeFileSync(join(returned, "homework.ipynb"), good!.text);
    writeFileSync(join(returned, "twice_tiny.ipynb"), "the older");
    utimesSync(join(returned, "twice_tiny.ipynb"), 1, 1e6);
    writeFileSync(join(returned, "twice_tiny (1).ipynb"), good!.text);
    const { code, stdout } = await course.run("collect", "tiny", returned);
    expect(code).toBe(0);
    expect(stdout).toContain(`${KINDS.length + 1} students in submitted/`);
    expect(stdout).toContain("skipped: homework.ipynb: cannot tell the student");
    expect(stdout).toMatch(/two from one student: twice_tiny( \(1\))?\.ipynb is (newer|older)/);
    expect(readFileSync(course.at("submitted", "twice", "tiny", "tiny.ipynb"), "utf8")).toBe(good!.text);
  }, 600_000);

  test("is graded whatever comes back, and what came back is left as it is", async () => {
    const before = digestOf(course.at("submitted"));
    const { code, stdout } = await course.run("grade");
    expect(stdout).toMatch(/✓ isolation/);
    expect(stdout).toMatch(new RegExp(`✓ tiny +${KINDS.length + 1} students graded`));
    expect(code).toBe(0);
    expect(digestOf(course.at("submitted"))).toBe(before);
    for (const { kind, earns, says } of all) {
      const { row, text } = course.report("tiny", kind);
      expect(row, kind).toContain(`| ${kind} | ${pointsOf(course.released("tiny"), earns)} `);
      if (says) expect(text, kind).toMatch(says);
      expect(text, kind).not.toContain("FOUND");
    }
    expect(course.report("tiny", "right").row).toMatch(/late \|$/);
  }, 1_200_000);

  test.each([
    ["SIGINT", /Stopped\. Run the same command again/],
    ["SIGKILL", /^/],
  ] as const)(
    "that is broken off (%s) leaves nothing running, and goes on with who is left",
    async (signal, says) => {
      for (const ending of ["json", "log"]) rmSync(course.at("logs", "tiny", `right.${ending}`), { force: true });
      const child = spawn(process.execPath, [PROGRAM, "grade", course.folder], {
        env: { ...process.env, ...course.env },
      });
      let said = "";
      child.stdout.on("data", (text) => {
        said += text;
      });
      const ended = new Promise((resolve) => child.once("close", resolve));
      await until("the kernel runs", () => running("sandbox.js").length > 0, PATIENCE);
      child.kill(signal);
      await ended;
      expect(said).toMatch(says);
      await until("all has ended", () => running("sandbox.js").length + running("grader.py").length === 0, PATIENCE);
      const { stdout } = await course.run("grade", "tiny");
      expect(stdout).toMatch(new RegExp(`✓ tiny +1 student graded, ${KINDS.length} before`));
      expect(course.report("tiny", "right").row).toContain("3 of 4");
    },
    900_000,
  );

  test("gets its feedback, and the teacher the grades", async () => {
    const { code, stdout } = await course.run("feedback", "tiny");
    expect(stdout).toMatch(/✓ tiny +\d+ pages/);
    expect(code).toBe(0);
    const page = readFileSync(course.at("feedback", "partly-right", "tiny", "tiny.html"), "utf8");
    expect(page).toContain("check-total");
    expect((await course.run("export")).code).toBe(0);
    const grades = readFileSync(course.at("grades.csv"), "utf8").split("\n");
    const column = grades[0]!.split(",").indexOf("score");
    const scoreOf = (student: string) =>
      Number(grades.find((line) => line.includes(`,${student},`))!.split(",")[column]);
    expect(scoreOf("partly-right")).toBe(1);
    expect(scoreOf("check-skipped")).toBe(0);
  }, 600_000);

  test("is not graded into a gradebook of another version, and nothing of it is lost", async () => {
    const whole = readFileSync(course.at("gradebook.db"));
    writeFileSync(course.at("gradebook.db"), "no database");
    const { code, stdout } = await course.run("grade");
    expect(code).toBe(1);
    expect(stdout).toMatch(/✗ course +gradebook.db cannot be read/);
    expect(readFileSync(course.at("gradebook.db"), "utf8")).toBe("no database");
    writeFileSync(course.at("gradebook.db"), whole);
    const older =
      "import sqlite3; db = sqlite3.connect('gradebook.db'); db.execute(\"update alembic_version set version_num = '167914646830'\"); db.commit()";
    execFileSync("python3", ["-c", older], { cwd: course.folder });
    expect((await course.run("grade")).stdout).toMatch(
      /made by an older version of nbgrader[\s\S]*nbgrader db upgrade/,
    );
    writeFileSync(course.at("gradebook.db"), whole);
  }, 600_000);

  test("is graded until the disk is full, and goes on where there is room again", async () => {
    const small = join(course.folder, "..", "small");
    mkdirSync(small);
    // The disk fills as the student's grading has begun.
    const script = `
      mount -t tmpfs -o size=600m tmpfs "${small}" && cp -r "${course.folder}/." "${small}" && rm "${small}/logs/tiny/right.log"
      (until [ -e "${small}/logs/tiny/right.log" ]; do sleep 0.1; done; cat /dev/zero > "${small}/filler" 2> /dev/null) &
      "${process.execPath}" "${PROGRAM}" grade "${small}" tiny --student right --again; echo "first: $?"
      wait; rm "${small}/filler"
      "${process.execPath}" "${PROGRAM}" grade "${small}" tiny; echo "second: $?"
      grep "| right" "${small}/reports/tiny.md"`;
    const args = ["--user", "--map-root-user", "--mount", "sh", "-c", script];
    const { stdout } = await output("unshare", args, { env: course.env, timeout: 1_200_000 });
    expect(stdout).toMatch(/✗ tiny +the disk is full; 0 of 1 graded/);
    expect(stdout).toMatch(/first: 1\n/);
    expect(stdout).toMatch(new RegExp(`✓ tiny +1 student graded, ${KINDS.length} before`));
    expect(stdout).toMatch(/second: 0\n\| right \| 3 of 4/);
  }, 1_500_000);
});

const PROGRAM = join(ROOT, "dist/kernel/class/main.js");

/** Processes of this course's grading whose command line holds a text. */
function running(what: string): string[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      return command.includes(what) && readlinkSync(`/proc/${pid}/cwd`).includes(scratch);
    } catch {
      return false; // it has ended
    }
  });
}

function digestOf(folder: string): string {
  const hash = createHash("sha256");
  for (const path of readdirSync(folder, { recursive: true }).map(String).sort()) {
    hash.update(path);
    if (path.endsWith(".ipynb")) hash.update(readFileSync(join(folder, path)));
  }
  return hash.digest("hex");
}
