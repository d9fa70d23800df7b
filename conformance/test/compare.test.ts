import { describe, expect, test } from "vitest";
import { firstDifference } from "../src/compare.ts";
import type { Trace } from "../src/trace.ts";

const trace: Trace = [
  [0, "main", "start", "main"],
  [1, "main", "except", ["E1", "x"]],
  [1, null, "done"],
];

describe("firstDifference", () => {
  test("finds none between equal traces", () => {
    expect(firstDifference(trace, structuredClone(trace))).toBeNull();
  });

  test("finds the first event that differs in a nested value", () => {
    const actual = trace.with(1, [1, "main", "except", ["E1"]]).with(2, [2, null, "done"]);

    expect(firstDifference(trace, actual)).toEqual({
      index: 1,
      expected: [1, "main", "except", ["E1", "x"]],
      actual: [1, "main", "except", ["E1"]],
    });
  });

  test("finds the event that the shorter trace lacks", () => {
    expect(firstDifference(trace, trace.slice(0, 2))).toEqual({
      index: 2,
      expected: [1, null, "done"],
      actual: undefined,
    });
    expect(firstDifference(trace.slice(0, 2), trace)).toMatchObject({
      index: 2,
      expected: undefined,
    });
  });

  test("tells a missing detail from a null one", () => {
    expect(firstDifference([[0, null, "ctx", null]], [[0, null, "ctx"]])).toMatchObject({
      index: 0,
    });
  });
});
