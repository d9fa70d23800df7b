import { describe, expect, test } from "vitest";
import { EventLoop, isThenable, operation } from "../src/index.ts";

describe("isThenable", () => {
  test("knows promises, Futures and operations", () => {
    const future = new EventLoop().createFuture();

    expect([Promise.resolve(), future, operation(() => 1)].map(isThenable)).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("knows functions and objects with a method `then`", () => {
    const thenable = Object.assign(() => 1, { then: () => undefined });

    expect([thenable, { then: () => undefined }].map(isThenable)).toEqual([true, true]);
  });

  test.each([null, undefined, 0, "then", {}, { then: 1 }, () => 1])("does not know %o", (value) => {
    expect(isThenable(value)).toBe(false);
  });
});
