import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { programs } from "../programs.ts";

const root = join(import.meta.dirname, "..");
const small = programs().filter(({ file }) => !existsSync(join(root, dirname(file), "main.ts")));

describe("The small program", { concurrent: true, timeout: 120_000 }, () => {
  test.each(small)("$name prints what it says at its end", async ({ file }) => {
    const imports = isAlone(file) ? ["--import", join(import.meta.dirname, "virtual-time.ts")] : [];
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [...imports, join(root, file)],
      // Most of a start is stripping types: once is enough for all.
      { env: { ...process.env, NODE_COMPILE_CACHE: join(root, "node_modules/.cache/node") } },
    );

    expect(stderr).toBe("");
    expect(stdout).toBe(promised(file));
  });
});

test("The README lists every program with its command, in the words of its first line", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const rows = Array.from(readme.matchAll(/^\| \[`(.*?)`\]\((.*?)\) +\| (.*?) +\|$/gm), (row) => ({
    name: row[1],
    file: row[2],
    title: row[3],
  }));

  expect(rows.toSorted((a, b) => (String(a.file) < String(b.file) ? -1 : 1))).toEqual(programs());
});

describe("The command that runs examples", { timeout: 120_000 }, () => {
  const command = join(root, "run.ts");

  test("lists them all without a name", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [command]);

    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => line.split(" ")[0]),
    ).toEqual(programs().map(({ name }) => name));
  });

  test("passes arguments on", async () => {
    const args = [command, "job-runner", join(root, "package.json")];
    const { stdout } = await promisify(execFile)(process.execPath, args);

    expect(stdout).toMatch(/^[\da-f]{64} {2}.*package\.json\n$/);
  });

  test("says so when there is no such example", async () => {
    const running = promisify(execFile)(process.execPath, [command, "nothing"]);

    await expect(running).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^There is no example "nothing"/),
    });
  });
});

/** What a program says that it prints. */
function promised(file: string): string | undefined {
  const text = readFileSync(join(root, file), "utf8");
  return /\n\/\/ Output:\n((?:\/\/.*\n)+)$/.exec(text)?.[1]?.replaceAll(/^\/\/ ?/gm, "");
}

/** Whether it waits for nothing but its own loop. */
function isAlone(file: string): boolean {
  const text = readFileSync(join(root, file), "utf8");
  return !/from "(@aio\/(streams|transports|subprocess|executor)|node:http)"/.test(text);
}
