import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.ts";
import type { Program } from "./programs.ts";
import { root } from "./workspace.ts";

/** What can run programs in TypeScript. */
export interface Host {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const release = join(root, "release/node_modules/.bin");

export const HOSTS: readonly Host[] = [
  { name: "Node 22", command: join(root, "node_modules/node22/bin/node"), args: [] },
  { name: "Node 24", command: join(root, "node_modules/node24/bin/node"), args: [] },
  { name: "Node 26", command: join(root, "node_modules/node/bin/node"), args: [] },
];

export const DENO: Host = {
  name: "Deno",
  command: join(release, "deno"),
  args: ["run", "--quiet", "--allow-all", "--node-modules-dir=manual"],
};

export const BUN: Host = { name: "Bun", command: join(release, "bun"), args: ["run"] };

/** Runs a program in a project, and returns what is wrong with it: null when it prints what it says. */
export async function tryProgram(
  host: Host,
  folder: string,
  { name, code, output }: Program,
): Promise<string | null> {
  const file = join(
    folder,
    "programs",
    name.replaceAll(/[^\w.]+/g, "-").replace(/(\.ts)?$/, ".ts"),
  );
  mkdirSync(join(folder, "programs"), { recursive: true });
  writeFileSync(file, code);
  const env = { ...process.env, NODE_NO_WARNINGS: "1", DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
  try {
    const { stdout } = await run(host.command, [...host.args, file], {
      cwd: folder,
      env,
      timeout: 30_000,
    });
    return stdout === output ? null : `printed ${JSON.stringify(stdout)}`;
  } catch (error) {
    return (error as Error).message;
  }
}
