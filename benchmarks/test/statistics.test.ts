import { describe, expect, test } from "vitest";
import { median, medianInterval, ratios, spread } from "../src/statistics.ts";

describe("median", () => {
  test("is the middle one of an odd number of values", () => {
    expect(median([30, 1, 2])).toBe(2);
  });

  test("lies between the middle two of an even number of values", () => {
    expect(median([4, 1, 2, 30])).toBe(3);
  });

  test("leaves the values in their order", () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });

  test("refuses to be the median of nothing", () => {
    expect(() => median([])).toThrow(RangeError);
  });
});

describe("spread", () => {
  test("has the median and both ends", () => {
    expect(spread([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  });
});

describe("ratios", () => {
  test("compares the values of the same round", () => {
    // The second round was disturbed, in the same way for both.
    expect(ratios([20, 2_000, 30], [10, 1_000, 10])).toEqual({ median: 2, min: 2, max: 3 });
  });

  test("refuses different numbers of rounds", () => {
    expect(() => ratios([1, 2], [1])).toThrow("2 and 1");
  });
});

describe("medianInterval", () => {
  test("cuts as much off both ends as chance explains", () => {
    const values = Array.from({ length: 100 }, (_, index) => index + 1);
    expect(medianInterval(values)).toEqual([40, 61]);
  });

  test("is all of a few values", () => {
    expect(medianInterval([3, 1, 2])).toEqual([1, 3]);
  });

  test("is not disturbed by how far the values at the ends lie", () => {
    const values = Array.from({ length: 100 }, (_, index) => (index < 30 ? -1e9 : index + 1));
    expect(medianInterval(values)).toEqual([40, 61]);
  });

  test("refuses nothing", () => {
    expect(() => medianInterval([])).toThrow(RangeError);
  });
});
