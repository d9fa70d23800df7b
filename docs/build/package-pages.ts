import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { moved } from "./markdown.ts";
import { type Package, packages } from "./packages.ts";

const docs = join(import.meta.dirname, "..");

/** Writes `docs/packages`: the README of each package, and an overview. */
export function writePackagePages(): void {
  const out = join(docs, "packages");
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const all = packages();
  for (const one of all) writeFileSync(join(out, `${one.folder}.md`), pageOf(one));
  writeFileSync(join(out, "index.md"), overview(all));
}

function pageOf({ folder, readme }: Package): string {
  return `${moved(readme, `packages/${folder}/README.md`).trimEnd()}

## Reference

All that it exports is in the [reference](/api/${folder}/).
`;
}

function overview(all: readonly Package[]): string {
  const rows = all.map(
    ({ folder, name, description }) => `| [\`${name}\`](/packages/${folder}) | ${description} |`,
  );
  return `# Packages

Each is useful alone. A package uses only those above it in this list.

| package | what it is |
| --- | --- |
${rows.join("\n")}
`;
}
