import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createTask, gather, run, sleep } from "@aio/task";
import { expect, test } from "vitest";
import { Event, Lock, Queue, Semaphore } from "../src/index.ts";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

function usedHeap(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed;
}

test("A million free acquires, puts and gets leave nothing", { timeout: 60_000 }, () =>
  run(async () => {
    const lock = new Lock();
    const semaphore = new Semaphore(2);
    const queue = new Queue<number>();
    const once = async (): Promise<void> => {
      await lock.acquire();
      lock.release();
      await semaphore.acquire();
      semaphore.release();
      await queue.put(1);
      await queue.get();
      queue.taskDone();
    };
    for (let i = 0; i < 1_000; i += 1) await once();
    const before = usedHeap();

    for (let i = 0; i < 1_000_000; i += 1) await once();

    expect(usedHeap() - before).toBeLessThan(1_000_000);
  }),
);

test("A hundred thousand cancelled waiters leave nothing", { timeout: 60_000 }, () =>
  run(async () => {
    const lock = new Lock();
    const semaphore = new Semaphore(0);
    const event = new Event();
    const queue = new Queue<number>();
    await lock.acquire();
    const round = async (count: number): Promise<void> => {
      const waits = [
        () => lock.acquire(),
        () => semaphore.acquire(),
        () => event.wait(),
        () => queue.get(),
      ];
      const tasks = Array.from({ length: count }, (_, i) =>
        createTask(async () => void (await waits[i % waits.length]?.())),
      );
      await sleep(0);
      for (const task of tasks) task.cancel();
      await gather(tasks, { returnExceptions: true });
    };
    await round(1_000);
    const before = usedHeap();

    await round(100_000);
    await sleep(0); // the step that ends the round holds its outcome until it is over

    expect(usedHeap() - before).toBeLessThan(2_000_000);
  }),
);
