import type { Measurement } from "./harness.ts";
import type { Sample } from "./sample.ts";
import type { Metric, Scenario } from "./scenario.ts";
import { median, ratios, type Spread } from "./statistics.ts";

/** One line of a table: an implementation, and how it compares with the baseline. */
export interface Row {
  readonly name: string;
  readonly operations: number;
  /** Medians per operation: nanoseconds, or bytes. */
  readonly value: Record<Metric, number>;
  /** Ratios to the baseline of the same round. */
  readonly ratio: Record<Metric, Spread>;
  readonly target: number | null;
  readonly met: boolean | null;
  /** Network scenarios: how busy the load generator was. */
  readonly client: number | null;
  /** Network scenarios: the latency in nanoseconds, medians of the rounds. */
  readonly latency: readonly [p50: number, p99: number] | null;
}

/** Compares the measurements of `scenario` with the first of them; null for those not installed. */
export function summarize(
  { metric }: Scenario,
  measurements: readonly Measurement[],
): Record<string, Row | null> {
  const [baseline] = measurements;
  const rows: Record<string, Row | null> = {};
  for (const measurement of measurements) {
    const { name, operations, target, samples } = measurement;
    if (baseline === undefined || samples.length === 0) {
      rows[name] = null;
      continue;
    }
    const each = <R>(compute: (values: number[], base: number[]) => R): Record<Metric, R> => {
      const of = (key: Metric): R => compute(pick(samples, key), pick(baseline.samples, key));
      return { wall: of("wall"), cpu: of("cpu"), bytes: of("bytes") };
    };
    const ratio = each(ratios);
    const client = samples.flatMap((sample) => sample.client ?? []);
    rows[name] = {
      name,
      operations,
      value: each(median),
      ratio,
      target: target ?? null,
      met: target === undefined ? null : ratio[metric].median <= target,
      client: client.length === 0 ? null : median(client),
      latency: latencyOf(samples),
    };
  }
  return rows;
}

/** Renders the rows of `scenario` as text. */
export function render(scenario: Scenario, rows: Readonly<Record<string, Row | null>>): string {
  const head = scenario.connections === undefined ? HEADS[scenario.metric] : NETWORK_HEAD;
  const cells = Object.entries(rows).map(([name, row]) => renderRow(scenario, name, row));
  return `${scenario.id}  ${scenario.title}\n${align([head, ...cells])}\n`;
}

const TIME_HEAD = ["", "count", "ns each", "wall ratio", "CPU ns", "CPU ratio", "target", ""];
const HEADS = {
  wall: TIME_HEAD,
  cpu: TIME_HEAD,
  bytes: ["", "count", "bytes each", "ratio", "target", ""],
};
const NETWORK_HEAD = [
  "",
  "requests/s",
  "wall ratio",
  "CPU s per 100,000",
  "CPU ratio",
  "p50 µs",
  "p99 µs",
  "target",
  "",
];

function renderRow(scenario: Scenario, name: string, row: Row | null): string[] {
  if (row === null) return [name, "not installed"];
  const { value, ratio } = row;
  if (scenario.connections !== undefined) {
    const [p50, p99] = (row.latency ?? []).map((latency) => whole(latency / 1_000));
    return [
      name,
      whole(1e9 / value.wall),
      span(ratio.wall),
      (value.cpu / 1e4).toFixed(3),
      span(ratio.cpu),
      p50 ?? "",
      p99 ?? "",
      goal(scenario, row),
      remark(row),
    ];
  }
  const cells = [name, whole(row.operations)];
  if (scenario.metric === "bytes") cells.push(whole(value.bytes), span(ratio.bytes));
  else cells.push(whole(value.wall), span(ratio.wall), whole(value.cpu), span(ratio.cpu));
  cells.push(goal(scenario, row), remark(row));
  return cells;
}

function latencyOf(samples: readonly Sample[]): readonly [number, number] | null {
  const latencies = samples.flatMap(({ latency }) => (latency === undefined ? [] : [latency]));
  if (latencies.length === 0) return null;
  return [median(latencies.map(([p50]) => p50)), median(latencies.map(([, p99]) => p99))];
}

function pick(samples: readonly Sample[], key: Metric): number[] {
  return samples.map((sample) => sample[key]);
}

function goal({ metric }: Scenario, { target, met }: Row): string {
  if (target === null) return "";
  return `${metric} ≤ ${target}: ${met === true ? "met" : "MISSED"}`;
}

function remark({ client }: Row): string {
  if (client === null) return "";
  const busy = `client ${(100 * client).toFixed(0)} % busy`;
  return client > 0.9 ? `${busy}: it is the bottleneck` : busy;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString("en");
}

function span({ median: middle, min, max }: Spread): string {
  const digits = Math.max(middle, max) < 10 ? 2 : 1;
  const [a, b, c] = [middle, min, max].map((value) => value.toFixed(digits));
  return `${a} [${b}–${c}]`;
}

/** Puts rows of cells into columns: the first to the left, figures to the right. */
function align(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 || column >= columns - 2 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd();
  return rows.map((row) => `  ${line(row)}`).join("\n");
}
