import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packages, root } from "./workspace.ts";

/** A program that says what it prints. */
export interface Program {
  /** `@aio/task README 1`, or `examples/tasks/cancel.ts`. */
  readonly name: string;
  readonly code: string;
  readonly output: string;
}

/** The programs in the READMEs of the packages: blocks of TypeScript with imports, and with their output. */
export function readmePrograms(): Program[] {
  return packages().flatMap(({ name, readme }) =>
    programsOf(readme).map(({ code, output }, index) => ({
      name: `${name} README ${index + 1}`,
      code,
      output,
    })),
  );
}

function programsOf(page: string): { code: string; output: string }[] {
  const blocks = page.matchAll(/^```ts\n(import .*?)^```(?:\n+```text\n(.*?)^```)?/gms);
  return Array.from(blocks, ([, code = "", output]) => ({
    code,
    output: output ?? commentsOf(code),
  }));
}

/** Where there is no block of text, comments behind each `console.log` say what is printed. */
function commentsOf(code: string): string {
  const logs = code.split("\n").filter((line) => line.includes("console.log"));
  return logs.map((line) => `${line.split(" // ")[1] ?? ""}\n`).join("");
}

/** The small programs of some folders of the examples, which have their output at their end. */
export function examplePrograms(folders: readonly string[]): Program[] {
  return globSync(
    folders.map((folder) => `examples/${folder}/*.ts`),
    { cwd: root },
  )
    .toSorted()
    .flatMap((file) => {
      const code = readFileSync(join(root, file), "utf8");
      const output = /\n\/\/ Output:\n((?:\/\/.*\n)+)$/.exec(code)?.[1];
      if (output === undefined) return [];
      return [{ name: file, code, output: output.replaceAll(/^\/\/ ?/gm, "") }];
    });
}
