import { describe, expect, test } from "vitest";
import { inlineSource } from "../src/inline-function.ts";

const outside = 1;
const other = 2;

function countUp(n: number): number {
  return n + 1;
}

class Thing {
  readonly field = 1;
}

class Keeper {
  readonly #secret = 1;
  readonly tell = function (this: void, keeper: Keeper): number {
    return keeper.#secret;
  };
}

const holder = {
  add(this: void, a: number): number {
    return a + 1;
  },
};

describe("An inline function", () => {
  test.each([
    ["an arrow function", (a: number) => a + 1],
    [
      "a function",
      function twice(a: number) {
        return 2 * a;
      },
    ],
    ["an async one", async (a: number) => await Promise.resolve(a)],
    ["a method", holder.add],
    [
      "one with its own variables",
      (a: number) => {
        const inner = (b: number): number => a + b;
        return inner(1);
      },
    ],
    [
      "one that uses what every worker has",
      () => [Buffer.from("a"), new URL("http://a"), Math.max(1), structuredClone(1), undefined],
    ],
  ])("may be %s", (_what, fn) => {
    expect(() => inlineSource(fn)).not.toThrow();
  });

  test("is refused when it uses names from outside, with the names and the way out", () => {
    const fn = (): number => outside + other;

    expect(() => inlineSource(fn)).toThrow(TypeError);
    expect(() => inlineSource(fn)).toThrow(
      "`fn` uses `outside`, `other` from outside, which do not exist in a worker; pass values as arguments, and take functions of modules by inThread(",
    );
  });

  test("is told what takes the place of `require`", () => {
    const fn = (): unknown => require("node:crypto");

    expect(() => inlineSource(fn)).toThrow(
      "`fn` uses `require` from outside, which does not exist in a worker; there, `await import(…)` takes its place; pass",
    );
  });

  test("is refused when it writes to names from outside", () => {
    let count = 0;
    const fn = (): number => (count = 1);

    expect(() => inlineSource(fn)).toThrow("`count`");
    expect(count).toBe(0);
  });

  test("is refused when it takes `this` from outside", () => {
    class Counter {
      count = 0;
      read = (): number => this.count;
    }

    expect(() => inlineSource(new Counter().read)).toThrow("`this`");
  });

  test.each([
    ["a part of Node", Math.max, "has no source"],
    ["bound", countUp.bind(null), "has no source"],
    ["a class", Thing, "is a class"],
    ["one with the secrets of a class", new Keeper().tell, "Private field '#secret'"],
  ])("is refused when it is %s", (_what, fn, message) => {
    expect(() => inlineSource(fn)).toThrow(message);
  });
});
