import { inspect } from "node:util";
import { expect, test } from "vitest";
import { LifoQueue, Queue } from "../src/index.ts";

test("A LifoQueue gives the newest item first", () => {
  const queue = new LifoQueue<number>(3);
  for (const item of [1, 2, 3]) queue.putNowait(item);

  expect(queue).toBeInstanceOf(Queue);
  expect(queue.full).toBe(true);
  expect(inspect(queue)).toBe("<LifoQueue maxsize=3 items=[ 1, 2, 3 ] unfinished=3>");
  expect([queue.getNowait(), queue.getNowait(), queue.getNowait()]).toEqual([3, 2, 1]);
});
