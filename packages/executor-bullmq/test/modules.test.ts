import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { moduleName, readModules } from "../src/modules.ts";

const HERE = fileURLToPath(import.meta.url);

describe("The name of a module", () => {
  test.each([
    ["file:///app/src/hash.ts", "hash"],
    ["file:///srv/dist/hash.js", "hash"],
    ["file:///app/hash.worker.mts?version=1#top", "hash.worker"],
    ["file:///app/h%C3%A4sh.cjs", "häsh"],
    ["file:///app/hash", "hash"],
  ])("of %s is %s", (address, name) => {
    expect(moduleName(address)).toBe(name);
  });
});

describe("The modules of a worker", () => {
  test("have the name of their file, or another", () => {
    const url = pathToFileURL(HERE);

    expect([...readModules([HERE, `other=${HERE}`])]).toEqual([
      ["modules.test", url],
      ["other", url],
    ]);
    expect([...readModules([url])]).toEqual([["modules.test", url]]);
    expect([...readModules({ other: HERE })]).toEqual([["other", url]]);
  });

  test("are at least one, are there, and have names of their own", () => {
    expect(() => readModules([])).toThrow("A worker needs at least one module");
    expect(() => readModules(["none.ts"])).toThrow(
      /There is no module .*none.ts; paths are relative/,
    );
    expect(() => readModules([HERE, HERE])).toThrow(
      /Two modules are called `modules.test`.*other=path/,
    );
    expect(() => readModules([1 as never])).toThrow("to be a URL or a path, got 1");
  });
});
