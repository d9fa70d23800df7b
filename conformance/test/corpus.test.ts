import { describe, expect, test } from "vitest";
import { ownCorpora, readCorpus } from "../src/corpus.ts";
import { failureReport } from "../src/report.ts";
import { judgeAll } from "../src/suite.ts";

const profiles = Map.groupBy(ownCorpora.flatMap(readCorpus), (item) => item.profile);

describe.for(["tick", "microtask"] as const)("the corpus, draining by %s", (drain) => {
  test.for([...profiles])(
    "profile %s makes the traces of CPython",
    { timeout: 60_000 },
    async ([profile, items]) => {
      const { failures } = await judgeAll(profile, items, { drain });

      expect(failures.map(failureReport).join("\n")).toBe("");
    },
  );
});
