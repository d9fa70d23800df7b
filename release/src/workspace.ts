import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const root = join(import.meta.dirname, "../..");

/** A package that is published. */
export interface Package {
  readonly name: string;
  readonly version: string;
  readonly folder: string;
  readonly readme: string;
}

/** All published packages that are in the tree. */
export function packages(tree = root): Package[] {
  return globSync("packages/*/package.json", { cwd: tree })
    .toSorted()
    .flatMap((file) => {
      const folder = join(tree, file, "..");
      const {
        name,
        version,
        private: isPrivate,
      } = JSON.parse(readFileSync(join(tree, file), "utf8")) as {
        name: string;
        version: string;
        private?: boolean;
      };
      const page = join(folder, "README.md");
      const readme = existsSync(page) ? readFileSync(page, "utf8") : "";
      return isPrivate === true ? [] : [{ name, version, folder, readme }];
    });
}
