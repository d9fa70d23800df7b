import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import type { DrainPath } from "@aio/loop";
import { createOracle } from "../oracle/cpython.mjs";
import { PROFILES } from "../oracle/generate.mjs";
import { type CorpusItem, ownCorpora, readCorpus, record, writeCorpus } from "./corpus.ts";
import { fuzz } from "./fuzz.ts";
import { runScenario } from "./interpreter.ts";
import { failureReport, sideBySide, summaryLine } from "./report.ts";
import { judgeAll, type Summary } from "./suite.ts";

const usage = `conformance [FILE…]          compare the traces of corpus files with ours
  --only NAME                only the scenario of that name
  --show                     print both traces side by side
conformance --fuzz N         compare N new scenarios with CPython
  --seed S                   the seed of the first one
  --profile P                one of ${PROFILES.join(", ")}
conformance --record FILE…   write the traces that CPython makes into corpus files
  --drain tick|microtask     the way the loop drains microtasks`;

/** The command was called wrongly. */
class UsageError extends Error {}

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    show: { type: "boolean", default: false },
    fuzz: { type: "string" },
    seed: { type: "string" },
    profile: { type: "string" },
    record: { type: "boolean", default: false },
    drain: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

try {
  await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n\n${usage}`);
  process.exitCode = 2;
}

async function main(): Promise<void> {
  if (options.help) console.log(usage);
  else if (options.fuzz !== undefined) await fuzzNew(count("fuzz", options.fuzz));
  else if (options.record) await recordCorpora();
  else await compareCorpora();
}

async function compareCorpora(): Promise<void> {
  const items = corpusFiles()
    .flatMap(readCorpus)
    .filter((item) => options.only === undefined || item.name === options.only);
  if (items.length === 0) throw new UsageError("No such scenario in these files");
  if (options.show) await showTraces(items);

  const summaries: Summary[] = [];
  for (const [profile, group] of Map.groupBy(items, (item) => item.profile)) {
    const summary = await judgeAll(profile, group, { drain: drainPath() });
    console.log(summaryLine(summary));
    summaries.push(summary);
  }
  for (const failure of summaries.flatMap((summary) => summary.failures))
    console.log(failureReport(failure));
  conclude(summaries);
}

async function showTraces(items: readonly CorpusItem[]): Promise<void> {
  for (const { name, scenario, trace } of items) {
    console.log(`${name}\n${JSON.stringify(scenario)}`);
    console.log(sideBySide(trace, await runScenario(scenario, { drain: drainPath() })));
  }
}

async function fuzzNew(scenarios: number): Promise<void> {
  const seed = options.seed === undefined ? randomInt(2 ** 31) : count("seed", options.seed);
  const { profile } = options;
  if (profile !== undefined && !PROFILES.includes(profile)) {
    throw new UsageError(
      `Expected \`--profile\` to be one of ${PROFILES.join(", ")}, got ${profile}`,
    );
  }
  const oracle = await createOracle();
  console.log(`CPython ${oracle.version}, seed ${seed}`);
  const summary = await fuzz(oracle, {
    drain: drainPath(),
    seed,
    count: scenarios,
    ...(profile === undefined ? {} : { profile }),
  });
  for (const failure of summary.failures) {
    const { item } = failure;
    console.log(`${failureReport(failure)}\n  scenario ${JSON.stringify(item.scenario)}`);
    console.log(`  again with --fuzz 1 --seed ${item.seed} --profile ${item.profile}`);
  }
  console.log(summaryLine(summary));
  conclude([summary]);
}

async function recordCorpora(): Promise<void> {
  const oracle = await createOracle();
  for (const file of corpusFiles()) {
    const items = readCorpus(file);
    writeCorpus(file, record(items, oracle));
    console.log(`${String(file)}: ${items.length} traces of CPython ${oracle.version}`);
  }
}

function conclude(summaries: readonly Summary[]): void {
  const passed = sum(summaries.map((summary) => summary.passed));
  const failed = sum(summaries.map((summary) => summary.failures.length));
  console.log(`${passed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((left, right) => left + right, 0);
}

/** The named files, from where the user stands: a package manager may have changed the folder. */
function corpusFiles(): readonly (string | URL)[] {
  if (positionals.length === 0) return ownCorpora;
  const folder = process.env["INIT_CWD"] ?? ".";
  return positionals.map((file) => (existsSync(file) ? file : resolve(folder, file)));
}

function drainPath(): DrainPath | undefined {
  const { drain } = options;
  if (drain === undefined || drain === "tick" || drain === "microtask") return drain;
  throw new UsageError(`Expected \`--drain\` to be "tick" or "microtask", got ${drain}`);
}

function count(option: string, text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`Expected \`--${option}\` to be an integer from 0, got ${text}`);
}
