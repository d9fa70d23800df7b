import { execFile } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const topics = globSync("*/", { cwd: root, exclude: ["node_modules", "reports", "test"] });

/** What a program says it prints, in the comment at its end; undefined for a part of one. */
function promised(file: string): string | undefined {
  const [, lines] = /\n\/\/ Output:\n((?:\/\/.*\n)+)$/.exec(readFileSync(join(root, file), "utf8")) ?? [];
  return lines?.replaceAll(/^\/\/ ?/gm, "");
}
