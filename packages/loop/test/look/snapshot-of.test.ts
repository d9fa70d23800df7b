import { expect, test } from "vitest";
import { idOf } from "../../src/index.ts";

test("A number of its own is none that another copy of the package has given", async () => {
  const address = new URL("../../src/look/snapshot-of.ts?copy", import.meta.url).href;
  const copy = (await import(address)) as typeof import("../../src/look/snapshot-of.ts");

  const ids = [idOf({}), copy.idOf({}), idOf({}), copy.idOf({})];

  expect(copy.idOf).not.toBe(idOf);
  expect(new Set(ids).size).toBe(4);
});
