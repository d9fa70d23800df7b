import { expect, test } from "vitest";
import { createOracle } from "../oracle/cpython.mjs";
import { ownCorpora, readCorpus, record } from "../src/corpus.ts";

test("the corpus holds what CPython does", { timeout: 120_000 }, async () => {
  const oracle = await createOracle();
  const items = ownCorpora.flatMap(readCorpus);

  expect(record(items, oracle)).toEqual(items);
});
