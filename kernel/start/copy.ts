import { join, relative, resolve } from "node:path";
import { packageRoot } from "../spec/package-root.ts";
import { lessonSource, workingCopy } from "./args.mjs";
import { copyLesson } from "./working-copy.ts";

// `npm run lesson:copy [-- FOLDER]`: the student's copy of the lesson, for those who open it elsewhere than with `npm start`.
const root = packageRoot();
const [wanted] = process.argv.slice(2);
const cwd = process.env.INIT_CWD ?? process.cwd();
const folder = wanted === undefined ? workingCopy(root) : resolve(cwd, wanted);
const { written, behind } = copyLesson(lessonSource(root), folder);
const place = relative(cwd, folder) || ".";
console.log(`Your copy of the lesson is in ${place}. Start with ${join(place, "00-hello.ipynb")}.`);
if (written.length > 0) console.log(`Added or updated: ${written.join(", ")}`);
if (behind.length > 0) console.log(`Not updated, because you have changed them: ${behind.join(", ")}`);
