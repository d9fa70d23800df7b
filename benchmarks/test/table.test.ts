import { describe, expect, test } from "vitest";
import type { Measurement } from "../src/harness.ts";
import type { Scenario } from "../src/scenario.ts";
import { render, summarize } from "../src/table.ts";

const scenario: Scenario = {
  id: "0",
  title: "nothing",
  metric: "cpu",
  operations: 1_000,
  implementations: {},
};

function measurement(name: string, cpu: readonly number[], target?: number): Measurement {
  const samples = cpu.map((value) => ({ wall: 7, cpu: value, bytes: 0, client: 0.95 }));
  return { name, operations: 1_000, target, samples };
}

describe("summarize", () => {
  test("judges a target by the metric of the scenario", () => {
    const baseline = measurement("native", [10, 20, 10]);
    const rows = summarize(scenario, [
      baseline,
      measurement("good", [12, 24, 90], 1.2),
      measurement("bad", [13, 26, 0], 1.2),
    ]);
    expect(rows["native"]?.met).toBeNull();
    expect(rows["good"]?.ratio.cpu).toEqual({ median: 1.2, min: 1.2, max: 9 });
    expect(rows["good"]?.met).toBe(true);
    expect(rows["bad"]?.met).toBe(false);
  });

  test("has no row for what is not installed", () => {
    const rows = summarize(scenario, [measurement("native", [1]), measurement("uvloop", [])]);
    expect(rows["uvloop"]).toBeNull();
    expect(render(scenario, rows)).toContain("not installed");
  });
});

describe("render", () => {
  test("says when a target is missed, and when the client was the bottleneck", () => {
    const rows = summarize(scenario, [measurement("native", [1]), measurement("aio", [2], 1.5)]);
    expect(render(scenario, rows)).toContain("cpu ≤ 1.5: MISSED");
    expect(render(scenario, rows)).toContain("it is the bottleneck");
  });
});
