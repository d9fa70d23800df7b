import { describe, expect, test } from "vitest";
import {
  brandError,
  CancelledError,
  DeadlockError,
  isCancelled,
  RuntimeError,
} from "../src/index.ts";

/** A class as another copy of a package has it. */
function copy(): { new (message: string): Error } {
  return class Broken extends Error {
    static {
      brandError(this, "Broken");
    }
  };
}

describe("brandError", () => {
  test("gives the class its name, in the headline of stacks too", () => {
    const error = new (copy())("in two");

    expect([error.name, String(error), error.stack?.split("\n")[0]]).toEqual([
      "Broken",
      "Broken: in two",
      "Broken: in two",
    ]);
    expect(Object.keys(error)).toEqual([]);
  });

  test("has instanceof know the instances of another copy", () => {
    const [First, Second] = [copy(), copy()];

    expect(new First("") instanceof Second).toBe(true);
    expect([new Error(""), null, "Broken"].map((thing) => thing instanceof Second)).toEqual([
      false,
      false,
      false,
    ]);
  });

  test("has instanceof know subclasses, and tell them apart", () => {
    class Mine extends RuntimeError {}

    expect(new DeadlockError() instanceof RuntimeError).toBe(true);
    expect(new RuntimeError() instanceof DeadlockError).toBe(false);
    expect(new Mine() instanceof RuntimeError).toBe(true);
    expect(new RuntimeError() instanceof Mine).toBe(false);
  });

  test("lets isCancelled know what structuredClone makes of a CancelledError", () => {
    const clone: unknown = structuredClone(new CancelledError("enough"));

    expect(isCancelled(clone)).toBe(true);
    expect(isCancelled(structuredClone(new RuntimeError("enough")))).toBe(false);
  });
});
