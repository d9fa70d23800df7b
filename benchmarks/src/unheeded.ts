import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { NO_PROBE } from "./measure.ts";
import { median, medianInterval } from "./statistics.ts";
import { loadPackagesTwice, WITH, WITHOUT } from "./without-looks.ts";

// What it costs a program that it can be looked at, while nobody looks: see README.md.

const WARM_UP = 4; // pairs that do not count

type Variant = typeof WITH | typeof WITHOUT;

/** Runs a scenario once. Returns the CPU time in microseconds. */
type Run = () => Promise<number>;

/** A scenario with packages of its own. */
async function load(id: string, query: Variant): Promise<Run> {
  const { findScenario } = (await import(
    `./scenarios.ts${query}`
  )) as typeof import("./scenarios.ts");
  const { implementations, operations } = findScenario(id);
  const body = implementations["aio"]?.body;
  if (typeof body !== "function") throw new RangeError(`Scenario ${id} has no "aio"`);
  return async () => {
    const before = process.cpuUsage();
    await body(operations, NO_PROBE);
    const { user, system } = process.cpuUsage(before);
    return user + system;
  };
}

/** By chance: what comes first is compiled first, and leaves its garbage to the other. */
function inAnyOrder(): readonly Variant[] {
  return Math.random() < 0.5 ? [WITH, WITHOUT] : [WITHOUT, WITH];
}

/** Measures both in turn in this process, so that what else the machine does hits both. Prints the ratio of each pair. */
async function measure(id: string, pairs: number): Promise<void> {
  loadPackagesTwice();
  const runs: Partial<Record<Variant, Run>> = {};
  for (const query of inAnyOrder()) runs[query] = await load(id, query);
  const ratios: number[] = [];
  for (let pair = -WARM_UP; pair < pairs; pair += 1) {
    const times = { [WITH]: 0, [WITHOUT]: 0 };
    for (const query of inAnyOrder()) times[query] = (await runs[query]?.()) ?? 0;
    if (pair >= 0) ratios.push(times[WITH] / times[WITHOUT]);
  }
  console.log(JSON.stringify(ratios));
}

/**
 * Measures in several processes: in one, the ratio hardly varies; from one to the next it does by 5 %, as code and data
 * happen to lie in memory.
 */
async function compare(id: string, processes: number, pairs: number): Promise<string> {
  const medians: number[] = [];
  for (let left = processes; left > 0; left -= 1) {
    const child = spawn(
      process.execPath,
      [fileURLToPath(import.meta.url), "--measure", id, "--pairs", String(pairs)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    medians.push(median(JSON.parse(await text(child.stdout)) as number[]));
  }
  const [low, high] = medianInterval(medians);
  return `${id.padEnd(4)} CPU ${percent(median(medians))} [${percent(low)} to ${percent(high)}]`;
}

function percent(ratio: number): string {
  return `${(100 * (ratio - 1)).toFixed(1)} %`;
}

const { values } = parseArgs({
  options: {
    measure: { type: "string" },
    processes: { type: "string", default: "200" },
    pairs: { type: "string", default: "4" },
    only: { type: "string", multiple: true, default: ["1a", "1b", "2a", "2b"] },
  },
});
const pairs = Number(values.pairs);
if (values.measure !== undefined) await measure(values.measure, pairs);
else for (const id of values.only) console.log(await compare(id, Number(values.processes), pairs));
