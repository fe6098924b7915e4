import { createRequire } from "node:module";
import { type Json, PROTOCOL_VERSION } from "../wire/index.ts";

const require = createRequire(import.meta.url);
const { version } = require("../../../package.json") as { version: string };

/** Answer to `kernel_info_request`. */
export function kernelInfo(): Json {
  const typescript = (require("typescript/package.json") as { version: string }).version;
  return {
    status: "ok",
    protocol_version: PROTOCOL_VERSION,
    implementation: "difflab",
    implementation_version: version,
    language_info: {
      name: "typescript",
      version: typescript,
      mimetype: "application/typescript",
      file_extension: ".ts",
      pygments_lexer: "typescript",
      codemirror_mode: { name: "javascript", typescript: true },
      nbconvert_exporter: "script",
    },
    banner: `difflab ${version}: TypeScript ${typescript} on Node.js ${process.versions.node}`,
    debugger: false,
    supported_features: ["kernel subshells"],
    help_links: [
      { text: "TypeScript", url: "https://www.typescriptlang.org/docs/handbook/intro.html" },
      { text: "Observable Plot", url: "https://observablehq.com/plot/" },
      { text: "MDN: JavaScript", url: "https://developer.mozilla.org/docs/Web/JavaScript" },
    ],
  };
}
