import { CancelledError, DeadlockError, getRunningLoop, TimeoutError } from "@aio/loop";
import { describe, expect, test } from "vitest";
import { createTask, gather, sleep, type Task, timeout } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

/** Two tasks that await each other from 1 ms on; the second in `how` one says. */
function circle(how: (other: Task<void>) => PromiseLike<unknown> = (other) => other): {
  readonly a: Task<void>;
  readonly b: Task<void>;
} {
  const a: Task<void> = createTask(
    async () => {
      await sleep(1);
      await b;
    },
    { name: "a" },
  );
  const b: Task<void> = createTask(
    async () => {
      await sleep(1);
      await how(a);
    },
    { name: "b" },
  );
  return { a, b };
}

// In asyncio, cancelling such tasks ends in a RecursionError, and they stay as they are.
describe("Tasks that await each other", () => {
  test("are all cancelled with one of them", async () => {
    await isolated(async () => {
      const { a, b } = circle();
      await sleep(2);

      a.cancel("enough");

      expect(await thrownBy(a)).toMatchObject({ code: "AIO_CANCELLED", message: "enough" });
      expect(await thrownBy(b)).toBeInstanceOf(CancelledError);
      expect([a.cancelled, b.cancelled]).toEqual([true, true]);
    });
  });

  test("are cancelled through a gather between them", async () => {
    await isolated(async () => {
      const { a, b } = circle((other) => gather(other, () => sleep(Infinity)));
      await sleep(2);

      b.cancel();

      expect(await thrownBy(b)).toBeInstanceOf(CancelledError);
      expect(await thrownBy(a)).toBeInstanceOf(CancelledError);
    });
  });

  test("are cancelled through gathers of nothing but each other", async () => {
    await isolated(async () => {
      const reports: unknown[] = [];
      getRunningLoop().exceptionHandler = (_loop, context) => void reports.push(context);
      const a: Task<void> = createTask(async () => void (await gather(b, done)));
      const done = createTask(() => "done");
      const b: Task<void> = createTask(async () => void (await gather(a)));
      await sleep(1);

      a.cancel();
      await sleep(1);

      expect([a.cancelled, b.cancelled]).toEqual([true, true]);
      for (const record of getRunningLoop().unretrieved) record.report();
      expect(reports).toEqual([]);
    });
  });

  test("are cancelled when they are three", async () => {
    await isolated(async () => {
      const tasks: Task<void>[] = [0, 1, 2].map((index) =>
        createTask(async () => {
          await sleep(1);
          await tasks[(index + 1) % 3];
        }),
      );
      await sleep(2);

      tasks[1]?.cancel();
      await sleep(1);

      expect(tasks.map((task) => task.cancelled)).toEqual([true, true, true]);
    });
  });

  test("end when a timeout around one of them is over", async () => {
    await isolated(async () => {
      const { a, b } = circle();

      expect(await thrownBy(timeout(5, () => a))).toBeInstanceOf(TimeoutError);
      expect([a.done, b.done]).toEqual([true, true]);
    });
  });

  test("end with the run whose main has ended", async () => {
    const { a, b } = await isolated(async () => {
      const tasks = circle();
      await sleep(2);
      return tasks;
    });

    expect([a.cancelled, b.cancelled]).toEqual([true, true]);
  });

  test("are a deadlock that names them, when nothing else can happen", async () => {
    const error = await thrownBy(isolated(() => circle().a));

    expect(error).toBeInstanceOf(DeadlockError);
    expect(String(error)).toMatch(/'a'[^]*'b'/);
  });
});
