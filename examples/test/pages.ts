import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");

/** All pages that people have written: not those of others, nor what is generated. */
export function pages(): string[] {
  const ignored = readFileSync(join(root, ".gitignore"), "utf8")
    .split("\n")
    .filter((line) => line.endsWith("/"))
    .map((line) => (/\/./.test(line) ? `${line.replace(/^\//, "")}**` : `**/${line}**`));
  const exclude = [...ignored, "**/CHANGELOG.md", ".changeset/**"];
  return globSync("**/*.md", { cwd: root, exclude });
}
