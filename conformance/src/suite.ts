import { type Difference, firstDifference } from "./compare.ts";
import type { CorpusItem } from "./corpus.ts";
import { runScenario, type RunOptions } from "./interpreter.ts";
import type { Scenario } from "./scenario.ts";
import type { Trace } from "./trace.ts";

/** What running one scenario of a corpus came to. */
export type Verdict = { readonly kind: "passed" } | ({ readonly kind: "failed" } & Wrong);

/** A trace that is not CPython's, and where it departs from it. */
interface Wrong {
  readonly actual: Trace;
  readonly difference: Difference;
}

/** Runs a scenario and compares its trace with CPython's. */
export async function judge(
  scenario: Scenario,
  expected: Trace,
  options: RunOptions = {},
): Promise<Verdict> {
  const actual = await runScenario(scenario, options);
  const difference = firstDifference(expected, actual);
  return difference === null ? { kind: "passed" } : { kind: "failed", actual, difference };
}

/** A scenario that came out wrong. */
export interface Failure extends Wrong {
  readonly item: CorpusItem;
}

/** How the scenarios of one profile came out. */
export interface Summary {
  readonly profile: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
}

/** Runs scenarios, which all count as of one profile. */
export async function judgeAll(
  profile: string,
  items: Iterable<CorpusItem>,
  options: RunOptions = {},
): Promise<Summary> {
  let passed = 0;
  const failures: Failure[] = [];
  for (const item of items) {
    const verdict = await judge(item.scenario, item.trace, options);
    if (verdict.kind === "passed") passed += 1;
    else failures.push({ item, actual: verdict.actual, difference: verdict.difference });
  }
  return { profile, passed, failures };
}
