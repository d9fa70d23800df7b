import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A program that can be run. */
export interface Program {
  readonly name: string;
  readonly file: string;
  /** What its first line says. */
  readonly title: string;
}

/** All examples: files that begin with a comment of one line. Others are parts of them. */
export function programs(): Program[] {
  return globSync("*/*.ts", { cwd: import.meta.dirname })
    .filter((file) => !/^(node_modules|reports|test)\//.test(file))
    .toSorted()
    .flatMap((file) => {
      const text = readFileSync(join(import.meta.dirname, file), "utf8");
      const title = /^\/\/ (.*)\n\n/.exec(text)?.[1];
      return title === undefined ? [] : [{ name: nameOf(file), file, title }];
    });
}

function nameOf(file: string): string {
  return file.replace(/\/main\.ts$|\.ts$/, "");
}
