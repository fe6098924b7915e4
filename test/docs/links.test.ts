import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");
const pages = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"];

test.each(pages)("every link of %s to a file of this repository leads somewhere", (page) => {
  const links = [...readFileSync(join(root, page), "utf8").matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)].map(
    ([, link]) => link!,
  );
  const broken = links.filter((link) => !/^[a-z]+:/.test(link) && !existsSync(join(root, dirname(page), link)));
  expect(broken).toEqual([]);
});

test("every npm command that the README names is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const text = readFileSync(join(root, "README.md"), "utf8");
  const named = [...text.matchAll(/npm (?:run ([\w:]+)|(start|test)\b)/g)].map(([, run, short]) => run ?? short!);
  expect(named.filter((name) => !(name in scripts))).toEqual([]);
  expect(named.length).toBeGreaterThan(5);
});

test("npm commands begin without a warning, and onnxruntime's install step still fetches nothing", () => {
  const { stderr, stdout } = spawnSync("npm", ["config", "get", "onnxruntime-node-install"], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
    env: { ...process.env, npm_config_loglevel: undefined },
  });
  expect(stdout.trim()).toBe("skip");
  expect(stderr).toBe("");
});

test("npm start says in --help what the README says of it", () => {
  const help = execFileSync(process.execPath, ["kernel/start/start.mjs", "--help"], { cwd: root, encoding: "utf8" });
  for (const option of ["--check", "--port", "--no-browser", "NOTEBOOK"]) expect(help).toContain(option);
});
