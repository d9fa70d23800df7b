import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { parseArgs } from "node:util";
import { build, BUILT } from "./build.ts";
import { measureRounds } from "./harness.ts";
import { findPython } from "./python.ts";
import type { Scenario } from "./scenario.ts";
import { findScenario, scenarios } from "./scenarios.ts";
import { render, type Row, summarize } from "./table.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    quick: { type: "boolean", default: false },
    json: { type: "string" },
    only: { type: "string" },
    list: { type: "boolean", default: false },
  },
});

if (options.list) list();
else await measureAll();

function list(): void {
  for (const { id, title, implementations } of scenarios)
    console.log(`${id.padEnd(5)}${title}\n     ${Object.keys(implementations).join(", ")}`);
}

async function measureAll(): Promise<void> {
  const chosen = positionals.length === 0 ? scenarios : positionals.map(findScenario);
  const rounds = Number(options.rounds ?? (options.quick ? 2 : 5));
  if (!Number.isInteger(rounds) || rounds < 1)
    throw new RangeError(`Expected --rounds to be a positive number, got ${options.rounds}`);
  const python = findPython();
  build();
  const host = {
    node: process.version,
    cpus: `${availableParallelism()} × ${cpus()[0]?.model ?? "unknown"}`,
    python: python?.version ?? null,
    uvloop: python?.uvloop ?? null,
  };
  console.log(
    `Node ${host.node}, Python ${host.python ?? "not installed"}, uvloop ${host.uvloop ?? "not installed"}, ${host.cpus}; ` +
      `${rounds} rounds${options.quick ? " of a tenth" : ""}, medians [min–max]\n`,
  );
  const results: Record<string, Record<string, Row | null>> = {};
  for (const scenario of chosen) {
    const measurements = await measureRounds(scenario, {
      rounds,
      duration: options.quick ? 100 : 1_000,
      divisor: options.quick ? 10 : 1,
      python,
      nodeOptions: [BUILT],
      names: options.only?.split(","),
      onProgress: (round, name) => progress(`${scenario.id}  round ${round}  ${name}`),
    });
    progress("");
    const rows = (results[scenario.id] = summarize(scenario, measurements));
    console.log(render(scenario, rows));
  }
  if (options.json !== undefined)
    await writeFile(
      options.json,
      `${JSON.stringify({ host, rounds, quick: options.quick, scenarios: about(chosen), results }, undefined, 2)}\n`,
    );
}

/** What each figure is about, for those who draw the results. */
function about(chosen: readonly Scenario[]): Record<string, Pick<Scenario, "title" | "metric">> {
  return Object.fromEntries(chosen.map(({ id, title, metric }) => [id, { title, metric }]));
}

/** Says what is going on, in one line that is written over; only to a terminal. */
function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u{1B}[K${line}`);
}
