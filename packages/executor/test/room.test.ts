import { EventLoop, getRunningLoop, type Operation, completed } from "@aio/loop";
import { createTask, gather, run, sleep } from "@aio/task";
import { describe, expect, test } from "vitest";
import { Executor, JobFuture, ThreadPoolExecutor } from "../src/index.ts";
import { functions, Gate, thrownBy } from "./functions.ts";

/** An executor whose room and end are what a test says. */
class Told extends Executor {
  override readonly maxWorkers = 1;
  room = 0;

  override get isFull(): boolean {
    return this.room === 0;
  }

  override submit<A extends unknown[], R>(
    fn: (...args: A) => R,
    ...args: A
  ): JobFuture<Awaited<R>> {
    this.room -= 1;
    const future = new JobFuture<Awaited<R>>({ loop: getRunningLoop() });
    future.setResult(fn(...args) as Awaited<R>);
    return future;
  }

  override shutdown({ wait = true } = {}): Operation<void> {
    return wait ? this.untilEnded() : completed(undefined);
  }

  make(room: number): void {
    this.room += room;
    this.roomMade();
  }

  end(): void {
    this.ended();
  }
}

describe("Room for another job", { timeout: 30_000 }, () => {
  test("is told to as many as there is room for, in the order in which they came", () =>
    run(async () => {
      const executor = new Told();
      const came: number[] = [];
      const tasks = [1, 2, 3].map((n) =>
        createTask(async () => {
          await executor.drain();
          await executor.submit(() => came.push(n));
        }),
      );
      await sleep(1);
      expect(came).toEqual([]);

      executor.make(2);
      await sleep(1);
      expect(came).toEqual([1, 2]);

      executor.make(1);
      await gather(tasks);
      expect(came).toEqual([1, 2, 3]);
    }));

  test("is told to the others when one does not wait any more, or its loop is closed", async () => {
    const executor = new Told();
    const gone = new EventLoop();
    gone.callSoon(() => {
      void executor.drain();
      gone.stop();
    });
    await gone.runForever();
    gone.close();

    await run(async () => {
      const cancelled = createTask(() => executor.drain());
      const waiting = createTask(() => executor.drain());
      await sleep(1);
      cancelled.cancel();

      executor.make(1);

      await waiting;
      expect(cancelled.cancelled).toBe(true);
    });
  });

  test("goes to the next one when the one who was told is cancelled at that very moment", () =>
    run(async () => {
      const executor = new Told();
      const take = async (n: number): Promise<number> => {
        await executor.drain();
        return executor.submit(() => n);
      };
      const [first, second] = [createTask(() => take(1)), createTask(() => take(2))];
      await sleep(1);

      executor.make(1);
      first.cancel();

      expect(await second).toBe(2);
      expect(first.cancelled).toBe(true);
    }));

  test("comes by a shutdown, too: then a job is refused, and nobody waits for ever", () =>
    run(async () => {
      const pool = new ThreadPoolExecutor({ maxWorkers: 1, maxQueue: 1 });
      const gate = new Gate();
      const running = pool.submit(functions.holdThread, gate.flags);
      const queued = pool.submit(functions.add, 1, 2);
      const late = createTask(async () => {
        await pool.drain();
        return pool.submit(functions.add, 3, 4);
      });
      await gate.entered();

      const end = pool.shutdown({ cancelFutures: true });
      expect(await thrownBy(() => late)).toMatchObject({
        name: "RuntimeError",
        message: "The executor was shut down; make a new one for more jobs",
      });
      gate.open();
      await end;

      expect(await running).toBe("released");
      expect(queued.cancelled).toBe(true);
    }));

  test("may be taken by others while map() waits for an item", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, maxQueue: 1 });
      async function* items(): AsyncGenerator<number> {
        for (let n = 1; n <= 5; n += 1) {
          await sleep(1);
          yield n;
        }
      }
      const slow = (n: number): number => {
        for (const end = performance.now() + 3; performance.now() < end;);
        return n;
      };
      const collect = async (): Promise<number[]> => {
        const all: number[] = [];
        for await (const n of pool.map(slow, items(), { concurrency: 3 })) all.push(n);
        return all;
      };

      expect(await gather(collect, collect, collect)).toEqual(
        Array.from({ length: 3 }, () => [1, 2, 3, 4, 5]),
      );
    }));
});

describe("The end of an executor", () => {
  test("is waited for by all who have shut it down, and later by nobody", () =>
    run(async () => {
      const executor = new Told();
      const [first, second] = [
        createTask(() => executor.shutdown()),
        createTask(() => executor.shutdown()),
      ];
      await sleep(1);
      expect([first.done, second.done]).toEqual([false, false]);

      executor.end();

      await gather(first, second);
      await executor.shutdown();
    }));
});
