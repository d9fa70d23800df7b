import { describe, expect, test } from "vitest";
import { FlowControl } from "../src/flow-control.ts";

describe("FlowControl", () => {
  test.each([
    [{}, [16_384, 65_536]],
    [{ high: 1_000 }, [250, 1_000]],
    [{ high: 7 }, [1, 7]],
    [{ low: 100 }, [100, 400]],
    [{ high: 10, low: 5 }, [5, 10]],
    [{ high: 0 }, [0, 0]],
    [{ high: null, low: null }, [16_384, 65_536]],
  ])("makes of %o the marks %o", (limits, expected) => {
    const flow = new FlowControl();

    flow.setLimits(limits);

    expect(flow.limits).toEqual(expected);
  });

  test.each([
    [{ high: 1, low: 2 }, RangeError],
    [{ low: -1 }, RangeError],
    [{ high: -1 }, RangeError],
    [{ high: Number.NaN }, TypeError],
    [{ high: "1" as never }, TypeError],
  ])("refuses %o, and keeps the old marks", (limits, error) => {
    const flow = new FlowControl();
    flow.setLimits({ high: 100 });

    expect(() => flow.setLimits(limits)).toThrow(error);

    expect(flow.limits).toEqual([25, 100]);
  });

  test("pauses strictly above high, resumes at low, in turns", () => {
    const flow = new FlowControl();
    flow.setLimits({ high: 10, low: 5 });

    expect(flow.grown(10)).toBe(false);
    expect(flow.shrunk(0)).toBe(false);
    expect(flow.grown(11)).toBe(true);
    expect(flow.grown(12)).toBe(false);
    expect(flow.shrunk(6)).toBe(false);
    expect(flow.shrunk(5)).toBe(true);
    expect(flow.shrunk(0)).toBe(false);
    expect(flow.grown(11)).toBe(true);
  });
});
