import type { Oracle } from "../oracle/cpython.mjs";
import { generate, PROFILES } from "../oracle/generate.mjs";
import type { CorpusItem } from "./corpus.ts";
import type { RunOptions } from "./interpreter.ts";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";
import type { Trace } from "./trace.ts";
import { type Failure, judge, judgeAll, type Summary } from "./suite.ts";

export interface FuzzOptions extends RunOptions {
  /** The seed of the first scenario; the others have the seeds that follow. */
  readonly seed: number;
  /** How many scenarios to run; those that never end are left out. */
  readonly count: number;
  /** One profile; by default they take turns. */
  readonly profile?: string;
}

/** Shrinking asks the oracle hundreds of times; more failures than these only give their seeds. */
const shrunkFailures = 10;

/** Compares the library with CPython on scenarios that nobody has seen before. */
export async function fuzz(oracle: Oracle, options: FuzzOptions): Promise<Summary> {
  const summary = await judgeAll("fuzz", generatedItems(oracle, options), options);
  const failures: Failure[] = [];
  for (const [index, failure] of summary.failures.entries()) {
    failures.push(index < shrunkFailures ? await shrinkFailure(oracle, failure, options) : failure);
  }
  return { ...summary, failures };
}

function* generatedItems(oracle: Oracle, options: FuzzOptions): Generator<CorpusItem, undefined> {
  let made = 0;
  // Bounded: of some profiles hardly any can run.
  const end = options.seed + 100 * options.count;
  for (let seed = options.seed; seed < end && made < options.count; seed += 1) {
    const profile = options.profile ?? profileOf(seed);
    const scenario = generate(seed, profile);
    const trace = oracle.run(scenario);
    if (isEndless(trace)) continue;
    made += 1;
    yield { name: `${profile}-${seed}`, seed, profile, scenario, trace };
  }
}

/** Whether CPython was stopped because the program did not end. */
function isEndless(trace: Trace): boolean {
  return trace.at(-1)?.[2] === "budget";
}

/** The profile depends on the seed alone, so that one failure can be run again by its seed. */
function profileOf(seed: number): string {
  const profile = PROFILES[seed % PROFILES.length];
  if (profile === undefined)
    throw new RangeError(`Expected \`seed\` to be an integer from 0, got ${seed}`);
  return profile;
}

async function shrinkFailure(
  oracle: Oracle,
  failure: Failure,
  options: RunOptions,
): Promise<Failure> {
  let smallest = failure;
  const fails = async (candidate: Scenario): Promise<boolean> => {
    const trace = oracle.run(candidate);
    if (isEndless(trace)) return false;
    const verdict = await judge(candidate, trace, { ...options, limit: 1000 });
    if (verdict.kind !== "failed") return false;
    smallest = { ...verdict, item: { ...failure.item, scenario: candidate, trace } };
    return true;
  };
  await shrink(failure.item.scenario, fails);
  return smallest;
}
