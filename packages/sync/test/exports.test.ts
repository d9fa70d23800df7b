import { expect, test } from "vitest";
import * as sync from "../src/index.ts";

test("The package exports these names, and no others", () => {
  expect(Object.keys(sync).toSorted()).toEqual([
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "CapacityLimiter",
    "Condition",
    "Event",
    "LifoQueue",
    "Lock",
    "PriorityQueue",
    "Queue",
    "QueueEmpty",
    "QueueFull",
    "QueueShutDown",
    "RWLock",
    "Semaphore",
  ]);
});
