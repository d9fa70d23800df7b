import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bar, chart } from "./chart.ts";

const docs = join(import.meta.dirname, "..");

/** What `bench --json` writes, as far as it is shown. */
interface Results {
  readonly host: { readonly node: string; readonly cpus: string; readonly python: string | null };
  readonly rounds: number;
  readonly quick: boolean;
  readonly scenarios: Readonly<Record<string, { readonly title: string; readonly metric: Metric }>>;
  readonly results: Readonly<Record<string, Readonly<Record<string, Row | null>>>>;
}

type Metric = "wall" | "cpu" | "bytes";

interface Row {
  readonly name: string;
  readonly operations: number;
  readonly value: Readonly<Record<Metric, number>>;
  readonly ratio: Readonly<Record<Metric, Spread>>;
}

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const JUDGED: Readonly<Record<Metric, string>> = {
  wall: "wall time of an operation",
  cpu: "CPU time of an operation",
  bytes: "memory of each",
};

/** Writes what `benchmarks.md` includes: a chart and a table for each scenario of `benchmarks.json`. */
export function writeBenchmarks(): void {
  const results = JSON.parse(readFileSync(join(docs, "benchmarks.json"), "utf8")) as Results;
  mkdirSync(join(docs, "generated"), { recursive: true });
  const parts = Object.entries(results.results).map(([id, rows]) => scenario(id, rows, results));
  writeFileSync(join(docs, "generated/benchmarks.md"), `${machine(results)}\n${parts.join("\n")}`);
}

function machine({ host, rounds, quick }: Results): string {
  const haste = quick
    ? "\n::: warning\nThese figures are of a quick run (`--quick`), hardly warmed up, on a busy machine. They show the order of magnitude.\n:::\n"
    : "";
  return `Node ${host.node}, Python ${host.python ?? "not installed"}, ${host.cpus}; ${rounds} rounds.\n${haste}`;
}

function scenario(
  id: string,
  rows: Readonly<Record<string, Row | null>>,
  { scenarios }: Results,
): string {
  const about = scenarios[id];
  if (about === undefined) throw new Error(`benchmarks.json has results of ${id}, but no title`);
  const { title, metric } = about;
  const measured = Object.values(rows).filter((row) => row !== null);
  const bars: Bar[] = measured.map(({ name, ratio }) => ({ name, ...ratio[metric] }));
  const unit = metric === "bytes" ? "bytes" : "ns";
  const lines = measured.map(
    ({ name, value, ratio }) =>
      `| ${name} | ${Math.round(value[metric]).toLocaleString("en")} | ${figure(ratio[metric].median)} | ${figure(ratio[metric].min)}–${figure(ratio[metric].max)} |`,
  );
  const heading = `${title[0]?.toUpperCase()}${title.slice(1)}`;
  return `### ${heading} {#scenario-${id}}

Scenario ${id}: ${JUDGED[metric]}, as a multiple of ${bars[0]?.name ?? "the baseline"}. Shorter is better.

${chart(`${heading}, by ${JUDGED[metric]}`, bars)}

::: details Figures
| | ${unit} each | ratio | range |
| --- | --: | --: | --: |
${lines.join("\n")}
:::
`;
}

function figure(value: number): string {
  return value.toFixed(value < 10 ? 2 : 1);
}
