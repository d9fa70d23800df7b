import { readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { packages, root } from "./workspace.ts";

// Writes into each package.json where its sources are, which provenance needs: name-repository.ts https://github.com/owner/name

const [url] = process.argv.slice(2);
if (url === undefined || !URL.canParse(url))
  throw new TypeError(`Expected the address of the repository, got ${url}`);

for (const { folder } of packages()) {
  const file = join(folder, "package.json");
  const manifest = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  manifest["repository"] = {
    type: "git",
    url: `git+${url}.git`,
    directory: relative(root, folder),
  };
  writeFileSync(file, `${JSON.stringify(manifest, undefined, 2)}\n`);
}
