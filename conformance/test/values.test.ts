import { CancelledError, EventLoop, InvalidStateError } from "@aio/loop";
import { describe, expect, test } from "vitest";
import { makeError } from "../src/errors.ts";
import { catches, describeError, describeValue, nameOf, stateOf } from "../src/values.ts";

describe("describeError", () => {
  test("names an error as CPython does", () => {
    expect(describeError(new RangeError("x"))).toEqual(["ValueError"]);
    expect(describeError(new InvalidStateError("x"))).toEqual(["InvalidStateError"]);
    expect(describeError(makeError("TimeoutError", "x"))).toEqual(["TimeoutError"]);
  });

  test("shows the argument of a scenario's own error and the message of a cancellation", () => {
    expect(describeError(makeError("E1"))).toEqual(["E1"]);
    expect(describeError(makeError("E1", "x"))).toEqual(["E1", "x"]);
    expect(describeError(new CancelledError())).toEqual(["CancelledError"]);
    expect(describeError(new CancelledError("why"))).toEqual(["CancelledError", "why"]);
  });
});

test("describeValue shows errors inside of lists", () => {
  expect(describeValue([1, undefined, makeError("E2"), ["x"]])).toEqual([
    1,
    null,
    { exc: ["E2"] },
    ["x"],
  ]);
});

test("catches knows that a cancellation is no Exception", () => {
  expect(catches("Exception", new CancelledError())).toBe(false);
  expect(catches("Exception", makeError("E1"))).toBe(true);
  expect(catches("all", new CancelledError())).toBe(true);
  expect(catches("ValueError", makeError("ValueError"))).toBe(true);
  expect(catches("E1", makeError("E2"))).toBe(false);
});

test("stateOf tells the four states of a future apart", () => {
  const loop = new EventLoop();
  const [pending, cancelled, failed, finished] = Array.from({ length: 4 }, () =>
    loop.createFuture<number>(),
  );
  cancelled?.cancel();
  failed?.setException(new Error("x"));
  finished?.setResult(1);

  const states = [pending, cancelled, failed, finished].map((future) => future && stateOf(future));
  expect(states).toEqual(["pending", "cancelled", "exception", "result"]);
  loop.close();
});

test("nameOf hides default names", () => {
  expect(nameOf(null)).toBeNull();
  expect(nameOf({ name: "Task-12" })).toBeNull();
  expect(nameOf({ name: "worker" })).toBe("worker");
});
