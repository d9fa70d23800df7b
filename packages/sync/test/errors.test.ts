import { RuntimeError } from "@aio/loop";
import { describe, expect, test } from "vitest";
import { BrokenBarrierError, QueueEmpty, QueueFull, QueueShutDown } from "../src/index.ts";

describe.each([
  { Type: BrokenBarrierError, name: "BrokenBarrierError", code: "AIO_BROKEN_BARRIER" },
  { Type: QueueEmpty, name: "QueueEmpty", code: "AIO_QUEUE_EMPTY" },
  { Type: QueueFull, name: "QueueFull", code: "AIO_QUEUE_FULL" },
  { Type: QueueShutDown, name: "QueueShutDown", code: "AIO_QUEUE_SHUT_DOWN" },
])("$name", ({ Type, name, code }) => {
  test("has a name, a code, a message and a cause", () => {
    const cause = new Error("why");

    expect(new Type("what", { cause })).toMatchObject({ name, code, message: "what", cause });
  });

  test("is known across copies of the package", () => {
    const foreign: unknown = Object.assign(new Error("what"), {
      [Symbol.for(`@aio/${name}`)]: true,
    });

    expect(foreign).toBeInstanceOf(Type);
    expect(new Error("what")).not.toBeInstanceOf(Type);
  });

  test("says its name in the headline of its stack, which a clone keeps", () => {
    expect(structuredClone(new Type("what")).stack).toMatch(new RegExp(`^${name}: what`));
  });
});

test("A BrokenBarrierError is a RuntimeError, as in asyncio", () => {
  expect(new BrokenBarrierError("what")).toBeInstanceOf(RuntimeError);
});
