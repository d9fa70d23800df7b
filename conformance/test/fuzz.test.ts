import { randomInt } from "node:crypto";
import { expect, test } from "vitest";
import { createOracle } from "../oracle/cpython.mjs";
import { fuzz } from "../src/fuzz.ts";
import { failureReport } from "../src/report.ts";

test("new scenarios make the traces of CPython", { timeout: 120_000 }, async () => {
  const oracle = await createOracle();
  const seed = randomInt(2 ** 31);
  console.log(`fuzz seed ${seed}`);

  const { failures } = await fuzz(oracle, { seed, count: 90 });

  expect(failures.map(failureReport).join("\n"), `seed ${seed}`).toBe("");
});
