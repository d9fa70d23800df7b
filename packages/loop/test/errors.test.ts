import { describe, expect, test } from "vitest";
import {
  cancellationOf,
  CancelledError,
  DeadlockError,
  InvalidStateError,
  isCancelled,
  KeyboardInterrupt,
  leavesLoop,
  RuntimeError,
  SystemExit,
  throwIfCancelled,
  TimeoutError,
  toError,
} from "../src/index.ts";

describe("The errors", () => {
  test.each([
    [new CancelledError("text"), "CancelledError", "AIO_CANCELLED"],
    [new InvalidStateError("text"), "InvalidStateError", "AIO_INVALID_STATE"],
    [new TimeoutError("text"), "TimeoutError", "AIO_TIMEOUT"],
    [new RuntimeError("text"), "RuntimeError", "AIO_RUNTIME"],
    [new DeadlockError("text"), "DeadlockError", "AIO_DEADLOCK"],
    [new KeyboardInterrupt("text"), "KeyboardInterrupt", "AIO_KEYBOARD_INTERRUPT"],
  ])("have a name and a stable code: %o", (error, name, code) => {
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message]).toEqual([name, code, "text"]);
  });

  test("show their name in their stack", () => {
    expect(new TimeoutError("text").stack).toMatch(/^TimeoutError: text\n/);
  });

  test("keep their cause", () => {
    const cause = new Error("below");

    expect(new TimeoutError("text", { cause }).cause).toBe(cause);
  });

  test("are told from others whose stack is no text", () => {
    const error = Object.defineProperty(new Error("other"), "stack", { value: [] });

    expect(isCancelled(error)).toBe(false);
  });

  test("DeadlockError is a RuntimeError", () => {
    expect(new DeadlockError("text")).toBeInstanceOf(RuntimeError);
  });
});

describe("CancelledError", () => {
  test("has an empty message and the reason `caller` by default", () => {
    expect(new CancelledError()).toMatchObject({ message: "", reason: "caller" });
  });

  test("tells the reason", () => {
    expect(new CancelledError("late", "deadline").reason).toBe("deadline");
  });
});

describe("SystemExit", () => {
  test("has the exit code 0 by default", () => {
    expect(new SystemExit()).toMatchObject({
      name: "SystemExit",
      code: "AIO_SYSTEM_EXIT",
      exitCode: 0,
    });
  });

  test("tells the exit code in its message", () => {
    expect(new SystemExit(3)).toMatchObject({ exitCode: 3, message: "exit code 3" });
  });
});

describe("isCancelled", () => {
  test("knows a CancelledError", () => {
    expect(isCancelled(new CancelledError())).toBe(true);
  });

  test("knows one of another copy of the package", () => {
    expect(isCancelled(Object.assign(new Error("foreign"), { code: "AIO_CANCELLED" }))).toBe(true);
  });

  test.each([
    new Error("other"),
    new TimeoutError(),
    { code: "AIO_CANCELLED" },
    "AIO_CANCELLED",
    null,
    undefined,
  ])("does not take %o for one", (error) => {
    expect(isCancelled(error)).toBe(false);
  });
});

describe("leavesLoop", () => {
  test("is true for KeyboardInterrupt and SystemExit alone", () => {
    const errors = [
      new KeyboardInterrupt(),
      new SystemExit(),
      new CancelledError(),
      new Error("x"),
    ];

    expect(errors.map(leavesLoop)).toEqual([true, true, false, false]);
  });
});

describe("cancellationOf", () => {
  test("is the CancelledError itself", () => {
    const error = new CancelledError();

    expect(cancellationOf(error)).toBe(error);
  });

  test("is the cause of an AbortError, as Node throws it for our signal", () => {
    const cause = new CancelledError();
    const aborted = Object.assign(new Error("aborted", { cause }), { name: "AbortError" });

    expect([cancellationOf(aborted), isCancelled(aborted)]).toEqual([cause, true]);
  });

  test.each([
    Object.assign(new Error("aborted", { cause: new Error("x") }), { name: "AbortError" }),
    Object.assign(new Error("aborted"), { name: "AbortError" }),
    new Error("other", { cause: new CancelledError() }),
    new TimeoutError("late", { cause: new CancelledError() }),
    undefined,
  ])("is null for %o", (error) => {
    expect(cancellationOf(error)).toBeNull();
  });
});

describe("throwIfCancelled", () => {
  test("throws a cancellation on", () => {
    const error = new CancelledError("enough");

    expect(() => throwIfCancelled(error)).toThrow(error);
  });

  test("does nothing for other errors", () => {
    expect(() => throwIfCancelled(new Error("other"))).not.toThrow();
  });
});

describe("toError", () => {
  test("gives an Error back as it is", () => {
    const error = new Error("boom");

    expect(toError(error)).toBe(error);
  });

  test("wraps anything else, as the cause", () => {
    expect(toError({ code: 7 })).toMatchObject({
      message: "A value that is no Error was thrown: { code: 7 }",
      cause: { code: 7 },
    });
  });
});
