import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

test("The example of the README prints what its comments say", () => {
  const readme = readFileSync(join(root, "README.md"), "utf8");
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? "";
  const promised = example
    .split("\n")
    .filter((line) => line.includes("console.log"))
    .map((line) => line.split(" // ")[1]);

  // Evaluated in the folder of the package, so that it can import the package by its name.
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ["--input-type=module-typescript", "--eval", example],
    { cwd: root, encoding: "utf8" },
  );

  expect(stderr).toBe("");
  expect(stdout.trimEnd().split("\n")).toEqual(promised);
});
