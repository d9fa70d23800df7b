import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

describe("The floors", () => {
  test("keep a package from importing its own floor and those above", () => {
    const forbidden = [
      "packages/loop/src: @aio/task",
      "packages/task/src: @aio/sync",
      "packages/sync/src: @aio/task",
      "packages/transports/src: @aio/streams",
      "packages/executor/src: @aio/task",
      "packages/streams/src: @aio/sync",
      "packages/subprocess/src: @aio/task",
      "packages/inspect/src: @aio/task",
    ];

    expect(refused(forbidden)).toEqual(forbidden);
  });

  test("keep everyone from importing the private files of a package", () => {
    const forbidden = [
      "packages/loop/src: @aio/task/src/task.ts",
      "packages/task/src: @aio/loop/src/pump.ts",
      "packages/streams/src: @aio/loop/src/pump.ts",
      "packages/subprocess/src: @aio/loop/src/pump.ts",
      "packages/sync/test: @aio/loop/src/pump.ts",
      "apps/echo-server/src: @aio/loop/src/pump.ts",
    ];

    expect(refused(forbidden)).toEqual(forbidden);
  });

  test("let a package import from floors below, its tests and the apps from all", () => {
    const allowed = [
      "packages/task/src: @aio/loop",
      "packages/sync/src: @aio/loop",
      "packages/sync/test: @aio/task",
      "packages/transports/src: @aio/loop",
      "packages/executor/src: @aio/loop",
      "packages/streams/src: @aio/transports",
      "packages/streams/src: @aio/task",
      "packages/subprocess/src: @aio/streams",
      "packages/inspect/src: @aio/loop",
      "apps/echo-server/src: @aio/sync",
    ];

    expect(refused(allowed)).toEqual([]);
  });
});

/** Those of the imports (`folder: specifier`) that oxlint refuses with the settings of the house. */
function refused(imports: string[]): string[] {
  const house = mkdtempSync(join(tmpdir(), "aio-floors-"));
  try {
    cpSync(join(root, ".oxlintrc.json"), join(house, ".oxlintrc.json"));
    const files = imports.map((line, index) => {
      const [folder = "", specifier] = line.split(": ");
      mkdirSync(join(house, folder), { recursive: true });
      writeFileSync(join(house, folder, `file-${index}.ts`), `export { x } from "${specifier}";\n`);
      return `${folder}/file-${index}.ts`;
    });
    const oxlint = join(root, "node_modules/oxlint/bin/oxlint");
    const { stdout } = spawnSync(process.execPath, [oxlint, "--format=json"], { cwd: house });
    const { diagnostics, number_of_files }: Report = JSON.parse(stdout.toString());
    expect(number_of_files).toBe(imports.length);

    const found = new Set(
      diagnostics
        .filter(({ code }) => code === "eslint(no-restricted-imports)")
        .map(({ filename }) => filename),
    );
    return imports.filter((_, index) => found.has(files[index] ?? ""));
  } finally {
    rmSync(house, { recursive: true });
  }
}

interface Report {
  diagnostics: { code: string; filename: string }[];
  number_of_files: number;
}
