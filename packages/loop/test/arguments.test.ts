import { describe, expect, test } from "vitest";
import { checkFunction, checkMilliseconds, checkOptions } from "../src/index.ts";

describe("checkMilliseconds", () => {
  test.each([0, -1, 0.5, Infinity, -Infinity, Number.MAX_VALUE])("accepts %d", (value) => {
    expect(() => checkMilliseconds("delay", value)).not.toThrow();
  });

  test("refuses NaN with a RangeError that names the argument", () => {
    expect(() => checkMilliseconds("delay", Number.NaN)).toThrow(
      new RangeError("Expected `delay` to be a number of milliseconds, got NaN"),
    );
  });

  test.each([
    ["5", "'5'"],
    [undefined, "undefined"],
    [null, "null"],
    [5n, "5n"],
    [new Date(0), "1970-01-01T00:00:00.000Z"],
    [{ seconds: 5 }, "{ seconds: 5 }"],
  ])("refuses %o with a TypeError that shows it", (value, shown) => {
    expect(() => checkMilliseconds("when", value)).toThrow(
      new TypeError(`Expected \`when\` to be a number of milliseconds, got ${shown}`),
    );
  });
});

describe("checkFunction", () => {
  test("accepts a function", () => {
    expect(() => checkFunction("callback", () => undefined)).not.toThrow();
  });

  test.each([
    [undefined, "undefined"],
    ["work", "'work'"],
    [{ run: 1 }, "{ run: 1 }"],
  ])("refuses %o with a TypeError that shows it", (value, shown) => {
    expect(() => checkFunction("callback", value)).toThrow(
      new TypeError(`Expected \`callback\` to be a function, got ${shown}`),
    );
  });

  test("tells whoever passes a promise to pass a function", () => {
    expect(() => checkFunction("coroutine", Promise.resolve(1))).toThrow(
      "got Promise { 1 }; that has started already: pass a function that starts the work",
    );
  });
});

describe("checkOptions", () => {
  test("accepts an object", () => {
    expect(() => checkOptions({}, "{ host, port }")).not.toThrow();
  });

  test.each([
    [undefined, "undefined"],
    [null, "null"],
    ["127.0.0.1", "'127.0.0.1'"],
    [8000, "8000"],
  ])("refuses %o with a TypeError that shows it, and what options look like", (value, shown) => {
    expect(() => checkOptions(value, "{ host, port }")).toThrow(
      new TypeError(`Expected options, such as \`{ host, port }\`, got ${shown}`),
    );
  });
});
