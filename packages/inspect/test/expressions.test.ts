import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { runInThisContext } from "node:vm";
import { EventLoop } from "@aio/loop";
import { enter, leave, measure, SIGN_OF_LIFE, snapshot, visit } from "../src/expressions.ts";

// What is evaluated in a program, evaluated here; the inspector is not a real one.

const close = vi.fn<() => void>();
let hasGone = false;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setImmediate", "setInterval", "clearInterval", "Date"] });
  hasGone = false;
  Reflect.set(globalThis, "require", () => ({ close, existsSync: () => hasGone }));
});

afterEach(() => {
  vi.advanceTimersByTime(10 * SIGN_OF_LIFE); // those of a test that failed are gone then
  vi.useRealTimers();
  Reflect.deleteProperty(globalThis, "require");
  close.mockReset();
});

function evaluate(expression: string): unknown {
  return runInThisContext(expression);
}

describe("The inspector that a look has opened", () => {
  test("is closed behind the last one, once, a moment after its session has gone", () => {
    evaluate(enter("first", false));
    evaluate(enter("second", true));

    expect(evaluate(leave("first", "sign"))).toBe(false);
    expect(evaluate(leave("second", "sign"))).toBe(true);
    vi.advanceTimersByTime(1_000);
    hasGone = true;
    vi.advanceTimersByTime(20);
    expect(close).not.toHaveBeenCalled();
    vi.advanceTimersByTime(20);
    expect(close).toHaveBeenCalledOnce();
    vi.advanceTimersByTime(10 * SIGN_OF_LIFE);
    expect(close).toHaveBeenCalledOnce();
  });

  test("is closed though a question of one that has left is still under way", () => {
    evaluate(enter("only", false));
    evaluate(leave("only", "sign"));
    evaluate(visit("only"));
    hasGone = true;

    vi.advanceTimersByTime(100);
    expect(close).toHaveBeenCalledOnce();
  });

  test("is closed some seconds later where nobody can tell that the session has gone", () => {
    evaluate(enter("only", false));
    evaluate(leave("only", "sign"));

    vi.advanceTimersByTime(2_900);
    expect(close).not.toHaveBeenCalled();
    vi.advanceTimersByTime(100);
    expect(close).toHaveBeenCalledOnce();
  });

  test("stays open for one that comes while the last one leaves", () => {
    evaluate(enter("first", false));
    evaluate(leave("first", "sign"));
    evaluate(enter("second", true));
    hasGone = true;

    vi.advanceTimersByTime(SIGN_OF_LIFE);
    expect(close).not.toHaveBeenCalled();
  });

  test("is closed when all that have come were killed", () => {
    evaluate(enter("killed", false));

    vi.advanceTimersByTime(2 * SIGN_OF_LIFE);
    expect(close).not.toHaveBeenCalled();
    vi.advanceTimersByTime(3 * SIGN_OF_LIFE);
    expect(close).toHaveBeenCalledOnce();
  });

  test("stays open for one that asks for nothing, and gives signs of life", () => {
    evaluate(enter("paused", false));
    for (let sign = 1; sign <= 20; sign += 1) {
      vi.advanceTimersByTime(SIGN_OF_LIFE);
      evaluate(visit("paused"));
    }
    evaluate(enter("other", true));
    evaluate(leave("other", "sign"));
    vi.advanceTimersByTime(SIGN_OF_LIFE);

    expect(close).not.toHaveBeenCalled();
  });

  test("stays open when somebody else has opened it", () => {
    expect(evaluate(enter("guest", true))).toBe(false);
    expect(evaluate(leave("guest", "sign"))).toBe(false);

    vi.advanceTimersByTime(10 * SIGN_OF_LIFE);
    expect(close).not.toHaveBeenCalled();
  });
});

describe("What interrupts the program, and Node in its work on timers, perhaps,", () => {
  test.each([
    ["that a visitor has come", enter("second", false)],
    ["a sign of life", visit("first")],
    ["the figures", measure("first")],
    ["a snapshot", snapshot()],
    ["that the last visitor leaves", leave("first", "sign")],
  ])("neither sets nor clears one: %s", (_, expression) => {
    new EventLoop().close(); // whoever tells of the loops is there
    if (!expression.includes("second")) evaluate(enter("first", false));
    const spies = (["setTimeout", "setInterval", "clearTimeout", "clearInterval"] as const).map(
      (name) => vi.spyOn(globalThis, name),
    );

    evaluate(expression);

    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });
});
