import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { run } from "./command.ts";
import { type Package, packages, root } from "./workspace.ts";

/** What the next release would make of a package. */
export interface NextVersion {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  readonly changelog: string;
}

/** Has the changesets make versions and changelogs, in a copy of the repository. */
export async function nextVersions(): Promise<NextVersion[]> {
  const copy = mkdtempSync(join(tmpdir(), "aio-versions-"));
  try {
    cpSync(root, copy, { recursive: true, filter: isSource });
    // The changelogs name commits.
    await run("git", ["init", "--quiet"], { cwd: copy });
    await run("git", ["add", "--all"], { cwd: copy });
    const author = ["-c", "user.name=dry run", "-c", "user.email=dry-run@example.org"];
    await run("git", [...author, "commit", "--quiet", "--message", "dry run"], { cwd: copy });
    await run(process.execPath, [join(root, "node_modules/@changesets/cli/bin.js"), "version"], {
      cwd: copy,
    });
    return packages(copy).map((one) => next(one));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function next({ name, version, folder }: Package): NextVersion {
  const file = join(folder, "CHANGELOG.md");
  const changelog = existsSync(file) ? readFileSync(file, "utf8") : "";
  const before = packages().find((one) => one.name === name);
  return { name, from: before?.version ?? "", to: version, changelog };
}

const MADE = new Set([".git", ".turbo", "dist", "node_modules", "reports", "cache"]);

function isSource(path: string): boolean {
  return !MADE.has(basename(path));
}
