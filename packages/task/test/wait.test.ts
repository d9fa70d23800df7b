import { CancelledError, Future, getRunningLoop } from "@aio/loop";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  ALL_COMPLETED,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  sleep,
  type Task,
  timeout,
  wait,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

async function failAfter(delay: number): Promise<never> {
  await sleep(delay);
  throw new Error(`after ${delay}`);
}

describe("wait", () => {
  test("waits for all by default, and never throws their errors", () =>
    isolated(async () => {
      const tasks = [createTask(() => sleep(10)), createTask(() => failAfter(20))];
      tasks[0]?.addDoneCallback(() => undefined);

      const { done, pending } = await wait(tasks);

      expect(done).toEqual(new Set(tasks));
      expect(pending.size).toBe(0);
      expect(getRunningLoop().time()).toBe(20);
      expect(tasks[1]?.exception()).toMatchObject({ message: "after 20" });
    }));

  test("keeps the type of its futures", () =>
    isolated(async () => {
      const { done } = await wait([createTask(async () => 1)], { returnWhen: ALL_COMPLETED });

      expectTypeOf(done).toEqualTypeOf<Set<Task<number>>>();
      expect([...done].map((task) => task.result())).toEqual([1]);
    }));

  test("ends with the first that is done for FIRST_COMPLETED", () =>
    isolated(async () => {
      const slow = createTask(() => sleep(20));
      const fast = createTask(() => sleep(10));

      const { done, pending } = await wait([slow, fast], { returnWhen: FIRST_COMPLETED });

      expect([...done]).toEqual([fast]);
      expect([...pending]).toEqual([slow]);
      expect(slow.done).toBe(false);
    }));

  test("ends with the first that is cancelled for FIRST_COMPLETED", () =>
    isolated(async () => {
      const slow = createTask(() => sleep(20));
      const cancelled = createTask(() => sleep(60_000));
      getRunningLoop().callLater(10, () => cancelled.cancel());

      const { done } = await wait([slow, cancelled], { returnWhen: FIRST_COMPLETED });

      expect([...done]).toEqual([cancelled]);
    }));

  test("ends with the first error for FIRST_EXCEPTION", () =>
    isolated(async () => {
      const fast = createTask(() => sleep(10));
      const failing = createTask(() => failAfter(20));
      const slow = createTask(() => sleep(30));

      const { done, pending } = await wait([fast, failing, slow], { returnWhen: FIRST_EXCEPTION });

      expect([...done]).toEqual([fast, failing]);
      expect([...pending]).toEqual([slow]);
    }));

  test("does not take a cancellation for an error", () =>
    isolated(async () => {
      const cancelled = createTask(() => sleep(60_000));
      const slow = createTask(() => sleep(30));
      getRunningLoop().callLater(10, () => cancelled.cancel());

      const { pending } = await wait([cancelled, slow], { returnWhen: FIRST_EXCEPTION });

      expect(pending.size).toBe(0);
      expect(getRunningLoop().time()).toBe(30);
    }));

  test("ends when the time has passed, without an error and without cancelling", () =>
    isolated(async () => {
      const fast = createTask(() => sleep(10));
      const slow = createTask(() => sleep(30, "goes on"));

      const { done, pending } = await wait([fast, slow], { timeout: 20 });

      expect([...done]).toEqual([fast]);
      expect([...pending]).toEqual([slow]);
      expect(await slow).toBe("goes on");
    }));

  test.each([[0], [-5]])("looks once around for a timeout of %d", (limit) =>
    isolated(async () => {
      const slow = createTask(() => sleep(30));
      const quick = createTask(() => 1);

      const { done, pending } = await wait([slow, quick], { timeout: limit });

      expect([...done]).toEqual([quick]);
      expect([...pending]).toEqual([slow]);
      expect(getRunningLoop().time()).toBe(0);
    }),
  );

  test.each([[null], [undefined], [Infinity]])("has no limit for a timeout of %o", (limit) =>
    isolated(async () => {
      const { pending } = await wait([createTask(() => sleep(1e9))], { timeout: limit });

      expect(pending.size).toBe(0);
    }),
  );

  test("lets others run also when all are done already", () =>
    isolated(async () => {
      const future = new Future<number>();
      future.setResult(1);
      let turns = 0;
      getRunningLoop().callSoon(() => (turns += 1));

      await wait([future]);

      expect(turns).toBe(1);
    }));

  test("counts what is given twice once", () =>
    isolated(async () => {
      const task = createTask(() => sleep(10));

      const { done } = await wait([task, task]);

      expect([...done]).toEqual([task]);
    }));

  test("takes any iterable", () =>
    isolated(async () => {
      const tasks = new Set([createTask(() => 1)]);

      expect((await wait(tasks.values())).done).toEqual(tasks);
    }));

  test("lets the futures go on when it is cancelled", () =>
    isolated(async () => {
      const task = createTask(() => sleep(100, "goes on"));
      const waiting = createTask(() => wait([task]));
      await sleep(10);

      waiting.cancel();

      expect(await thrownBy(waiting)).toBeInstanceOf(CancelledError);
      expect(await task).toBe("goes on");
      expect(task.cancelling()).toBe(0);
    }));

  test("lets the futures go on when a deadline interrupts it", () =>
    isolated(async () => {
      const task = createTask(() => sleep(100, "goes on"));

      expect(await thrownBy(timeout(10, () => wait([task])))).toMatchObject({
        name: "TimeoutError",
      });
      expect(await task).toBe("goes on");
    }));

  test("can be cancelled by itself", () =>
    isolated(async () => {
      const waiting = wait([createTask(() => sleep(100))]);
      getRunningLoop().callLater(10, () => waiting.cancel("enough"));

      expect(await thrownBy(waiting)).toMatchObject({ message: "enough" });
    }));

  test("refuses to wait for nothing", () =>
    isolated(async () => {
      expect(() => wait([])).toThrow(RangeError);
    }));

  test("refuses functions, and says what to use", () =>
    isolated(async () => {
      // @ts-expect-error -- no Future
      expect(() => wait([async () => 1])).toThrow(/use createTask\(\) for a function$/);
    }));

  test("refuses a single Future, and what is not iterable", () =>
    isolated(async () => {
      const task = createTask(() => 1);

      // @ts-expect-error -- no iterable
      expect(() => wait(task)).toThrow(TypeError);
      // @ts-expect-error -- no iterable
      expect(() => wait(5)).toThrow(TypeError);
    }));

  test("refuses another returnWhen", () =>
    isolated(async () => {
      const task = createTask(() => 1);

      // @ts-expect-error -- none of the constants
      expect(() => wait([task], { returnWhen: "SOMETIMES" })).toThrow(RangeError);
    }));

  test("refuses a timeout that is no number of milliseconds", () =>
    isolated(async () => {
      const task = createTask(() => 1);

      expect(() => wait([task], { timeout: NaN })).toThrow(RangeError);
      // @ts-expect-error -- no number
      expect(() => wait([task], { timeout: "5" })).toThrow(TypeError);
    }));
});
