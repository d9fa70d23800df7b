import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pages } from "../pages.ts";

const root = join(import.meta.dirname, "../../..");

/** A piece of TypeScript in the documentation. */
export interface CodeBlock {
  /** Where it stands: `packages/loop/README.md:14`. */
  readonly place: string;
  /** The package whose documentation it is: `loop`; empty outside of packages. */
  readonly home: string;
  readonly code: string;
  /** What it says that it prints; null when it does not say. */
  readonly output: string | null;
  /** Whether the page says `no-run` behind the language. */
  readonly isRun: boolean;
}

/** All code blocks of all pages, and of the TSDoc of all packages. */
export function codeBlocks(): CodeBlock[] {
  const sources = globSync("packages/*/src/**/*.ts", { cwd: root });
  return [
    ...pages().flatMap((file) => blocksOf(file, readFileSync(join(root, file), "utf8"))),
    ...sources.flatMap((file) => blocksOf(file, comments(readFileSync(join(root, file), "utf8")))),
  ];
}

/** The blocks of a page in Markdown. */
export function blocksOf(file: string, page: string): CodeBlock[] {
  const fences = /^( *)```(?:ts|typescript|js|javascript)( no-run)?\n(.*?)^ *```$/gms;
  return Array.from(
    page.matchAll(fences),
    ({ 0: all, index, 1: indent = "", 2: mark, 3: text = "" }) => {
      const code = text.replaceAll(new RegExp(`^${indent}`, "gm"), "");
      return {
        place: `${file}:${page.slice(0, index).split("\n").length}`,
        home: /^packages\/([\w-]+)\//.exec(file)?.[1] ?? "",
        code,
        output: outputOf(code, page.slice(index + all.length)),
        isRun: mark === undefined,
      };
    },
  );
}

/** What a block prints: the next block, of text; or the comments behind each of its `console.log`. */
function outputOf(code: string, behind: string): string | null {
  const [, indent = "", text] = /(?<![^])\n\s*?( *)```text\n(.*?)^ *```$/ms.exec(behind) ?? [];
  if (text !== undefined) return text.replaceAll(new RegExp(`^${indent}`, "gm"), "");
  const logs = code.split("\n").filter((line) => line.includes("console.log"));
  const promised = logs.map((line) => line.split(" // ")[1]);
  const isComplete = promised.length > 0 && !promised.includes(undefined);
  return isComplete && isProgram(code) ? `${promised.join("\n")}\n` : null;
}

/** Whether it stands alone, as a module of its own; otherwise it is a part of a task. */
export function isProgram(code: string): boolean {
  return /^(import|export) |^await (run|sweepCancellations)\(|new EventLoop\(|new Runner\(/m.test(
    code,
  );
}

/** Doc comments without their stars; all other lines are empty. */
function comments(source: string): string {
  let isInside = false;
  return source
    .split("\n")
    .map((line) => {
      if (/^\s*\/\*\*/.test(line)) isInside = true;
      const text = isInside ? line.replace(/^\s*(\/\*\*|\*\/|\*) ?/, "") : "";
      if (line.includes("*/")) isInside = false;
      return text;
    })
    .join("\n");
}
