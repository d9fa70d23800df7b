import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Trial, tryAll } from "../src/check.ts";
import { DIFFERENCES, TRIED } from "../src/differences.ts";
import { installPacked, type Project } from "../src/installed.ts";
import { readmePrograms } from "../src/programs.ts";
import { ownSizeOf, sizeOf } from "../src/sizes.ts";
import { packages, root } from "../src/workspace.ts";

let project: Project;
let trials: readonly Trial[];

beforeAll(async () => {
  project = await installPacked();
  trials = await tryAll(project.folder);
}, 900_000);

afterAll(() => project?.[Symbol.dispose]());

describe("The packed packages, installed by npm", { timeout: 60_000 }, () => {
  test("are what is published: compiled, and linked to nothing", () => {
    const wrong = packages().filter(({ name }) => {
      const folder = join(project.folder, "node_modules", name);
      const manifest = readFileSync(join(folder, "package.json"), "utf8");
      return !existsSync(join(folder, "dist/index.js")) || manifest.includes("workspace:");
    });

    expect(wrong).toEqual([]);
  });

  test.each(["Node 22", "Node 24", "Node 26"])("run the programs of the READMEs on %s", (host) => {
    expect(problemsOn(host)).toEqual([]);
    expect(trials.filter((trial) => trial.host === host).length).toBe(readmePrograms().length);
  });

  test.each(["Deno", "Bun"])("run the examples on %s, but for those that are known", (host) => {
    expect(problemsOn(host)).toEqual([]);
    expect(trials.filter((trial) => trial.host === host).length).toBeGreaterThan(30);
  });

  test("have nothing among what is known not to work that does, or is not there", () => {
    const works = trials.filter(({ problem, known }) => problem === null && known !== null);

    expect(works).toEqual([]);
  });

  test("have a program in the README of each package that other hosts run", () => {
    for (const name of TRIED.packages)
      expect(readmePrograms().some((program) => program.name.startsWith(`${name} `))).toBe(true);
  });

  test("have sizes", async () => {
    for (const { name } of packages()) {
      const { gzip } = await ownSizeOf(project.folder, name);
      expect({ name, isSmall: gzip > 0 && gzip < 20_000 }).toEqual({ name, isSmall: true });
    }
    const together = await sizeOf(project.folder, ["@aio/loop", "@aio/task", "@aio/sync"]);

    // The aim is 12,000: it is missed. This keeps them from growing unnoticed.
    expect(together.gzip).toBeLessThan(32_000);
  });
});

test("The README says what does not work on other hosts", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8").replaceAll(/\s+/g, " ");

  for (const differences of Object.values(DIFFERENCES))
    for (const reason of Object.values(differences)) expect(readme).toContain(reason);
});

function problemsOn(host: string): string[] {
  return trials
    .filter((trial) => trial.host === host && trial.known === null && trial.problem !== null)
    .map(({ program, problem }) => `${program}: ${problem}`);
}
