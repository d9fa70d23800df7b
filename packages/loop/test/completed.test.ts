import { expect, test } from "vitest";
import { completed, operation } from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

test("A completed operation gives its value without a turn of the loop", () =>
  inLoop(async (loop) => {
    const order: string[] = [];
    loop.callSoon(() => order.push("next callback"));

    order.push(await completed("value"));

    expect(order).toEqual(["value"]);
  }));

test("A completed operation has nothing to cancel", async () => {
  const done = completed(7);

  expect(done.cancel()).toBe(false);
  expect(await done).toBe(7);
});

test("A completed operation is not interrupted by a cancellation of the scope that awaits it", () =>
  inLoop(async (loop) => {
    const around = operation(async () => {
      const value = await completed(7);
      await nextTurn(loop);
      return value;
    });

    around.cancel();

    expect(await around).toBe(7);
  }));

test("A completed operation leaves a promise that it is given as it is", async () => {
  const promise = Promise.resolve(1);

  expect(await completed(promise)).toBe(1);
  expect(promise).not.toHaveProperty("cancel");
});
