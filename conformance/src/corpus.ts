import { readFileSync, writeFileSync } from "node:fs";
import type { Oracle } from "../oracle/cpython.mjs";
import type { Scenario } from "./scenario.ts";
import type { Trace } from "./trace.ts";

/** A scenario with the trace that CPython makes of it. */
export interface CorpusItem {
  readonly name: string;
  /** The seed of a generated scenario; 0 for one that was written by hand. */
  readonly seed: number;
  readonly profile: string;
  readonly scenario: Scenario;
  readonly trace: Trace;
}

/** The corpus files of this package. */
export const ownCorpora: readonly URL[] = ["handwritten", "random"].map(
  (name) => new URL(`../corpus/${name}.json`, import.meta.url),
);

export function readCorpus(file: string | URL): CorpusItem[] {
  return JSON.parse(readFileSync(file, "utf8")) as CorpusItem[];
}

/** Writes one item a line, so that changes can be read. */
export function writeCorpus(file: string | URL, items: readonly CorpusItem[]): void {
  writeFileSync(file, `[\n${items.map((item) => JSON.stringify(item)).join(",\n")}\n]\n`);
}

/** Runs every scenario on CPython again; returns the items with the traces it makes now. */
export function record(items: readonly CorpusItem[], oracle: Oracle): CorpusItem[] {
  return items.map((item) => ({ ...item, trace: oracle.run(item.scenario) }));
}
