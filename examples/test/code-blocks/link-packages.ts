import { existsSync, globSync, mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";

const packages = join(import.meta.dirname, "../../../packages");

/** Has all packages found in `folder`, and what they depend on, as if they were installed there. */
export function linkPackages(folder: string): void {
  for (const home of globSync("*/", { cwd: packages }))
    link(folder, `@aio/${home}`, join(packages, home));
  // `node_modules/name`, `node_modules/@scope/name`
  for (const path of globSync("*/node_modules/{[!@.]*,@*/*}", { cwd: packages })) {
    const [, name = ""] = path.split("/node_modules/");
    if (!name.startsWith("@aio/")) link(folder, name, join(packages, path));
  }
}

function link(folder: string, name: string, target: string): void {
  const place = join(folder, "node_modules", name);
  if (existsSync(place)) return; // several packages may have it
  mkdirSync(dirname(place), { recursive: true });
  symlinkSync(target, place, "junction");
}
