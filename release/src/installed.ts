import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "./command.ts";
import { packages, root } from "./workspace.ts";

/** A project outside of the workspace, with the packages as npm installs them. */
export interface Project extends Disposable {
  readonly folder: string;
}

/** Compiles and packs all packages, and installs the tarballs with npm into an empty project. */
export async function installPacked(): Promise<Project> {
  const folder = mkdtempSync(join(tmpdir(), "aio-release-"));
  const tarballs = join(folder, "tarballs");
  mkdirSync(tarballs);
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  await run(process.execPath, [tsc, "-b", ...packages().map((one) => one.folder)], { cwd: root });
  for (const one of packages())
    await run("npx", ["-y", "pnpm@12", "pack", "--pack-destination", tarballs], {
      cwd: one.folder,
    });
  const manifest = { name: "somebodys-project", private: true, type: "module" };
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  const files = readdirSync(tarballs).map((file) => `./tarballs/${file}`);
  await run("npm", ["install", "--no-audit", "--no-fund", ...files], { cwd: folder });
  return {
    folder,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
