import { readFile } from "node:fs/promises";
import { EventLoop, Future, getRunningLoop, RuntimeError, VirtualClock } from "@aio/loop";
import { describe, expect, test } from "vitest";
import {
  allTasks,
  createTask,
  currentTask,
  gather,
  run,
  sleep,
  type Task,
  taskGroup,
  timeout,
  yieldNow,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";

describe("currentTask", () => {
  test("is the task that runs, through every wait", () =>
    isolated(async () => {
      const first = createTask(watch);
      const second = createTask(watch);

      expect(await first).toEqual([first, first, first, first]);
      expect(await second).toEqual([second, second, second, second]);
    }));

  test("is the same after a foreign await", () =>
    run(
      async () => {
        const before = currentTask();

        await readFile(import.meta.filename);

        expect(currentTask()).toBe(before);
        expect(currentTask()).not.toBeNull();
      },
      { clock: new VirtualClock() },
    ));

  test("is the task around a deadline, a group, and a nested one", () =>
    isolated(async () => {
      const task = currentTask();
      const seen: unknown[] = [];

      await timeout(10, () => taskGroup(() => timeout(5, () => seen.push(currentTask()))));

      expect(seen).toEqual([task]);
    }));

  test("is another one in each coroutine that runs beside", () =>
    isolated(async () => {
      const [first, second] = await gather(
        () => ({ task: currentTask() }),
        () => ({ task: currentTask() }),
      );

      expect(new Set([currentTask(), first.task, second.task, null]).size).toBe(4);
    }));

  test("is the task that runs, where a promise of another one is awaited", () =>
    isolated(async () => {
      const gate = Promise.withResolvers<void>();
      const waiter: Task<unknown> = createTask(async () => {
        await gate.promise;
        return { task: currentTask() };
      });
      await yieldNow();

      void createTask(() => gate.resolve());

      expect(await waiter).toEqual({ task: waiter });
    }));

  test("is null in callbacks, timers and done callbacks", () =>
    isolated(async () => {
      const loop = getRunningLoop();
      const seen: Record<string, unknown> = {};
      const future = new Future<void>();

      loop.callSoon(() => (seen["callback"] = currentTask()));
      loop.callLater(10, () => (seen["timer"] = currentTask()));
      future.addDoneCallback(() => (seen["done callback"] = currentTask()));
      future.setResult();
      await sleep(20);

      expect(seen).toEqual({ callback: null, timer: null, "done callback": null });
    }));

  test("is null for another loop", () =>
    isolated(async () => {
      const other = new EventLoop();

      expect(currentTask(other)).toBeNull();
      expect(currentTask(getRunningLoop())).toBe(currentTask());
      other.close();
    }));

  test("needs a loop that runs", () => {
    expect(() => currentTask()).toThrow(RuntimeError);
  });
});

describe("allTasks", () => {
  test("are those that are not done, in the order of their creation", () =>
    isolated(async () => {
      const main = currentTask();
      const done = createTask(() => 1);
      await done;
      const sleeping = createTask(() => sleep(10));
      await yieldNow();
      const notBegun = createTask(() => 1);

      expect([...allTasks()]).toEqual([main, sleeping, notBegun]);
    }));

  test("hold one that was cancelled until it has ended", () =>
    isolated(async () => {
      const task = createTask(() => sleep(10));
      await yieldNow();

      task.cancel();

      expect(allTasks().has(task)).toBe(true);
      await yieldNow();
      await yieldNow();
      expect(allTasks().has(task)).toBe(false);
    }));

  test("come in a new set each time", () =>
    isolated(async () => {
      allTasks().clear();

      expect(allTasks().size).toBe(1);
    }));

  test("are those of the loop that is given", () =>
    isolated(async () => {
      const other = new EventLoop();
      const task = createTask(() => 1, { loop: other });

      expect(allTasks(other)).toEqual(new Set([task]));
      expect(allTasks().has(task)).toBe(false);
      await Promise.resolve(); // the other loop never runs
      other.close();
    }));

  test("need a loop that runs", () => {
    expect(() => allTasks()).toThrow(RuntimeError);
  });
});

/** The current task at the beginning and after waits of all kinds. */
async function watch(): Promise<unknown[]> {
  const seen = [currentTask()];
  await yieldNow();
  seen.push(currentTask());
  await sleep(10);
  seen.push(currentTask());
  await Promise.resolve();
  return [...seen, currentTask()];
}
