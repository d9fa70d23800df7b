import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import { CancelledError, getRunningLoop, RuntimeError } from "@aio/loop";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createTask, gather, sleep, yieldNow } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

describe("sleep", () => {
  test("lets the time pass", () =>
    isolated(async () => {
      await sleep(86_400_000);

      expect(getRunningLoop().time()).toBe(86_400_000);
    }));

  test("ends in the order of the times, and of the calls where they are equal", () =>
    isolated(async () => {
      const order: number[] = [];
      const delays = [30, 10, 20, 10.5, 10];

      await gather(
        delays.map((delay, place) => async () => {
          await sleep(delay);
          order.push(place);
        }),
      );

      expect(order).toEqual([1, 4, 3, 2, 0]);
    }));

  test("begins at the call, not at the await", () =>
    isolated(async () => {
      const wait = sleep(100);
      await sleep(60);

      await wait;

      expect(getRunningLoop().time()).toBe(100);
    }));

  test("gives its result", () =>
    isolated(async () => {
      const text = await sleep(10, "text");
      const nothing = await sleep(10);

      expectTypeOf(text).toEqualTypeOf<string>();
      expectTypeOf(nothing).toEqualTypeOf<void>();
      expect(text).toBe("text");
      expect(nothing).toBeUndefined();
      expect(await sleep(0, "at once")).toBe("at once");
    }));

  test.each([[0], [-0], [-1], [-Infinity]])("takes one turn of the loop for %d", (delay) =>
    isolated(async () => {
      const order: string[] = [];
      getRunningLoop().callSoon(() => {
        order.push("first turn");
        getRunningLoop().callSoon(() => order.push("second turn"));
      });

      await sleep(delay);

      expect(order).toEqual(["first turn"]);
      expect(getRunningLoop().time()).toBe(0);
    }),
  );

  test("never ends for Infinity", () =>
    isolated(async () => {
      const task = createTask(() => sleep(Infinity));
      await sleep(1e15);
      expect(task.done).toBe(false);

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
    }));

  test("refuses NaN", () =>
    isolated(async () => {
      expect(() => sleep(NaN)).toThrow(
        new RangeError("Expected `delay` to be a number of milliseconds, got NaN"),
      );
    }));

  test.each([["5"], [undefined], [null], [5n], [new Date(0)]])("refuses %o", (delay) =>
    isolated(async () => {
      // @ts-expect-error -- no number
      expect(() => sleep(delay)).toThrow(TypeError);
    }),
  );

  test("needs a loop that runs", () => {
    expect(() => sleep(1)).toThrow(RuntimeError);
  });

  test("is interrupted by its own cancel, and the task goes on", () =>
    isolated(async () => {
      const wait = sleep(60_000);
      getRunningLoop().callLater(10, () => wait.cancel("wake up"));

      expect(await thrownBy(wait)).toMatchObject({ name: "CancelledError", message: "wake up" });
      await sleep(10);
      expect(getRunningLoop().time()).toBe(20);
    }));

  test("cannot be cancelled when it is over", () =>
    isolated(async () => {
      const wait = sleep(10);
      await wait;

      expect(wait.cancel()).toBe(false);
    }));

  test("is cancelled at the moment when it ends", () =>
    isolated(async () => {
      const task = createTask(() => sleep(10, "slept"));
      getRunningLoop().callLater(10, () => task.cancel("now"));

      expect(await thrownBy(task)).toMatchObject({ message: "now" });
    }));

  test("may be cancelled without being awaited", () =>
    isolated(async () => {
      expect(sleep(10).cancel()).toBe(true);
      expect(sleep(0).cancel()).toBe(true);

      await sleep(20);
    }));

  test("may end without being awaited", () =>
    isolated(async () => {
      const wait = sleep(10, "slept");
      await sleep(20);

      expect(await wait).toBe("slept");
    }));

  test("may be awaited by several, and each is woken", () =>
    isolated(async () => {
      const wait = sleep(10, "slept");
      const yielding = sleep(0, "yielded");

      const waiters = [wait, wait, yielding, yielding].map((one) => async () => await one);

      expect(await gather(waiters)).toEqual(["slept", "slept", "yielded", "yielded"]);
    }));

  test("shows its state", () =>
    isolated(async () => {
      expect(inspect(sleep(10))).toContain("await of sleep(10)");
    }));
});

describe("yieldNow", () => {
  test("lets every other task that is ready run once", () =>
    isolated(async () => {
      const order: string[] = [];
      const work = async (name: string): Promise<void> => {
        for (const turn of [1, 2, 3]) {
          order.push(`${name}${turn}`);
          await yieldNow();
        }
      };

      await gather(
        () => work("a"),
        () => work("b"),
        () => work("c"),
      );

      expect(order.join(" ")).toBe("a1 b1 c1 a2 b2 c2 a3 b3 c3");
    }));

  test("is interrupted by its own cancel", () =>
    isolated(async () => {
      const turn = yieldNow();

      expect(turn.cancel("enough")).toBe(true);

      expect(await thrownBy(turn)).toMatchObject({ name: "CancelledError", message: "enough" });
      expect(turn.cancel()).toBe(false);
    }));

  test("throws a cancellation of the task before it goes on", () =>
    isolated(async () => {
      let wentOn = false;
      const task = createTask(async () => {
        await yieldNow();
        wentOn = true;
      });
      await yieldNow();

      task.cancel("enough");

      expect(await thrownBy(task)).toMatchObject({ message: "enough" });
      expect(wentOn).toBe(false);
    }));

  test("that nobody awaits is no unhandled rejection when its task is cancelled", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);

    await isolated(async () => {
      const foreign = Promise.withResolvers<void>();
      const task = createTask(() => {
        void yieldNow();
        return foreign.promise;
      });
      await yieldNow();
      task.cancel();
      await yieldNow();
      foreign.resolve();
      await task;
    });
    await setImmediate(); // the host looks when its queues are empty

    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  test("needs a loop that runs", () => {
    expect(() => yieldNow()).toThrow(RuntimeError);
  });
});
