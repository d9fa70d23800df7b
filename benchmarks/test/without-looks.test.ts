import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CUT_FILES, cutLooks } from "../src/without-looks.ts";

const root = new URL("../../", import.meta.url);

describe("cutLooks", () => {
  test.each(CUT_FILES)("knows all that looks in %s", (path) => {
    const source = cutLooks(path, readFileSync(new URL(path, root), "utf8"));
    expect(source).not.toMatch(
      /hasSubscribers|\bobserver\.run|meter\?\.|(?:register|forget)Loop\(/u,
    );
  });

  test("leaves other files as they are", () => {
    expect(cutLooks("packages/loop/src/ring.ts", "const ring = 1;")).toBe("const ring = 1;");
  });

  test("refuses a file that has become another", () => {
    expect(() => cutLooks("packages/task/src/task.ts", "const task = 1;")).toThrow(
      "bring without-looks.ts up to date",
    );
  });
});
