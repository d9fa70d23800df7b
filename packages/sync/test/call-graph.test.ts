import { VirtualClock } from "@aio/loop";
import {
  captureCallGraph,
  createTask,
  type FutureCallGraph,
  run,
  sleep,
  Task,
  wait,
} from "@aio/task";
import { describe, expect, test } from "vitest";
import { Lock, Queue, Semaphore } from "../src/index.ts";

const virtual = () => ({ clock: new VirtualClock() });

/** The names of those who wait for a task, each with those who wait for it in brackets. */
function waiters(graph: FutureCallGraph | null): string {
  return (graph?.awaitedBy ?? [])
    .map((part) =>
      part.awaitedBy.length === 0 ? nameOf(part) : `${nameOf(part)} (${waiters(part)})`,
    )
    .join(", ");
}

/** Takes one lock, and a moment later the other. */
const both = (one: Lock, other: Lock) => async () => {
  await one.acquire();
  await sleep(1);
  await other.acquire();
};

function nameOf({ future, isCircle }: FutureCallGraph): string {
  return `${future instanceof Task ? future.name : "a future"}${isCircle ? " again" : ""}`;
}

describe("captureCallGraph", () => {
  test("goes from the holder of a lock to those who want it, and to those who await them", async () => {
    const graph = await run(async () => {
      const lock = new Lock();
      const holder = createTask(() => lock.with(() => sleep(10)), { name: "holder" });
      const first = createTask(() => lock.with(() => sleep(10)), { name: "first" });
      const second = createTask(() => lock.with(() => sleep(10)), { name: "second" });
      const outer = createTask(async () => await second, { name: "outer" });
      await sleep(1);
      const before = waiters(captureCallGraph(holder));
      await holder;
      await sleep(1);
      const after = [holder, first].map((task) => waiters(captureCallGraph(task)));
      await outer;
      return { before, after };
    }, virtual());

    expect(graph.before).toBe("first, second (outer)");
    expect(graph.after).toEqual(["", "second (outer)"]);
  });

  test("names a deadlock of two locks as a circle", async () => {
    const graph = await run(async () => {
      const [a, b] = [new Lock(), new Lock()];
      const tasks = [
        createTask(both(a, b), { name: "left" }),
        createTask(both(b, a), { name: "right" }),
      ];
      await sleep(2);
      const found = waiters(captureCallGraph(tasks[0]));
      for (const task of tasks) task.cancel();
      await wait(tasks);
      return found;
    }, virtual());

    expect(graph).toBe("right (left again)");
  });

  test("goes through a semaphore in debug mode, which knows who holds it", async () => {
    const graph = await run(
      async () => {
        const semaphore = new Semaphore(1);
        const holder = createTask(() => semaphore.with(() => sleep(10)), { name: "holder" });
        const next = createTask(() => semaphore.with(() => sleep(1)), { name: "next" });
        await sleep(1);
        const found = waiters(captureCallGraph(holder));
        await wait([holder, next]);
        return found;
      },
      { ...virtual(), debug: true },
    );

    expect(graph).toBe("next");
  });

  test("ends at a task that waits for a queue: nobody knows who will fill it", async () => {
    const graph = await run(async () => {
      const queue = new Queue<number>();
      const reader = createTask(() => queue.get(), { name: "reader" });
      const writer = createTask(() => sleep(10), { name: "writer" });
      const outer = createTask(async () => void (await reader), { name: "outer" });
      await sleep(1);
      const found = [reader, writer].map((task) => waiters(captureCallGraph(task)));
      queue.putNowait(1);
      await outer;
      return found;
    }, virtual());

    expect(graph).toEqual(["outer", ""]);
  });
});
