import { inspect } from "node:util";
import { RuntimeError } from "@aio/loop";
import { createTask, currentTask, gather, sleep, waitFor, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import { Condition, Lock } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

/** Starts tasks that wait for `condition` and say so when they go on. */
function waitersOf(condition: Condition, names: readonly string[], order: string[]) {
  return names.map((name) =>
    createTask(
      async () => {
        using _held = await condition.acquire();
        await condition.wait();
        order.push(name);
      },
      { name },
    ),
  );
}

describe("Condition", () => {
  test("wakes as many as it is told, in the order in which they came", () =>
    isolated(async () => {
      const condition = new Condition();
      const order: string[] = [];
      const tasks = waitersOf(condition, ["a", "b", "c"], order);
      await sleep(1);

      await condition.with(() => condition.notify(2));
      await sleep(1);
      expect(order).toEqual(["a", "b"]);
      await condition.with(() => condition.notifyAll());
      await gather(tasks);

      expect(order).toEqual(["a", "b", "c"]);
    }));

  test("lets nobody go on before the lock is released", () =>
    isolated(async () => {
      const condition = new Condition();
      const order: string[] = [];
      const [task] = waitersOf(condition, ["woken"], order);
      await sleep(1);

      await condition.acquire();
      condition.notify();
      await sleep(10);
      order.push("released");
      condition.release();
      await task;

      expect(order).toEqual(["released", "woken"]);
    }));

  test("wakes another with each notification, and skips who was notified", () =>
    isolated(async () => {
      const condition = new Condition();
      const order: string[] = [];
      const tasks = waitersOf(condition, ["a", "b", "c"], order);
      await sleep(1);

      await condition.with(() => {
        condition.notify();
        condition.notify();
      });
      await sleep(1);

      expect(order).toEqual(["a", "b"]);
      tasks[2]?.cancel();
    }));

  test("wakes nobody when nobody waits, and keeps nothing of it", () =>
    isolated(async () => {
      const condition = new Condition();
      await condition.with(() => condition.notify(5));
      const order: string[] = [];
      void waitersOf(condition, ["late"], order);

      await sleep(10);

      expect(order).toEqual([]);
    }));

  test("may share a lock with others", () =>
    isolated(async () => {
      const lock = new Lock();
      const [one, other] = [new Condition(lock), new Condition(lock)];

      await one.acquire();

      expect(lock.locked).toBe(true);
      expect(other.locked).toBe(true);
      expect(() => other.notify()).not.toThrow();
      other.release();
      expect(one.locked).toBe(false);
    }));

  test("refuses what is no lock", () => {
    expect(() => new Condition({} as never)).toThrow("Expected `lock` to be a Lock, got {}");
  });

  test("throws when nobody holds the lock", async () => {
    const condition = new Condition();

    expect(() => condition.notify()).toThrow(RuntimeError);
    expect(() => condition.notifyAll()).toThrow(RuntimeError);
    expect(await thrownBy(condition.wait())).toMatchObject({
      name: "RuntimeError",
      message: "Condition is not held; call acquire() before wait()",
    });
  });

  test.each([-1, 1.5])("refuses to wake %d", (count) => {
    expect(() => new Condition().notify(count)).toThrow(RangeError);
  });

  test("shows who holds its lock, and who waits", () =>
    isolated(async () => {
      const condition = new Condition();
      void waitersOf(condition, ["a", "b"], []);
      await sleep(1);

      expect(inspect(condition)).toBe(
        "<Condition of <Lock unlocked> waiters=2 (Task 'a', Task 'b')>",
      );
    }));
});

describe("Condition.waitFor", () => {
  test("looks at once, and gives what the predicate gives", () =>
    isolated(async () => {
      const condition = new Condition();
      await condition.acquire();

      expect(await condition.waitFor(() => "ready")).toBe("ready");
    }));

  test("looks again after each notification, as the task that waits", () =>
    isolated(async () => {
      const condition = new Condition();
      let stock = 0;
      const seen: unknown[] = [];
      const task = createTask(async () => {
        using _held = await condition.acquire();
        await condition.waitFor(() => {
          seen.push([stock, currentTask()]);
          return stock >= 2;
        });
      });
      for (let i = 0; i < 2; i += 1) {
        await sleep(1);
        await condition.with(() => {
          stock += 1;
          condition.notify();
        });
      }
      await task;

      expect(seen).toEqual([
        [0, task],
        [1, task],
        [2, task],
      ]);
    }));

  test("throws what the predicate throws, with the lock held", () =>
    isolated(async () => {
      const condition = new Condition();
      await condition.acquire();
      const failing = condition.waitFor(() => {
        throw new Error("broken");
      });

      expect(await thrownBy(failing)).toMatchObject({ message: "broken" });
      expect(condition.locked).toBe(true);
    }));
});

describe("Condition.wait, cancelled", () => {
  test("throws only when it has the lock again, the newest error", () =>
    isolated(async () => {
      const condition = new Condition();
      let error: unknown;
      const task = createTask(async () => {
        await condition.acquire();
        error = await thrownBy(condition.wait());
        expect(condition.locked).toBe(true);
        condition.release();
      });
      await sleep(1);
      await condition.acquire();

      task.cancel("first");
      await sleep(1);
      expect(task.done).toBe(false);
      task.cancel("second");
      await sleep(1);
      condition.release();
      await task;

      expect(error).toMatchObject({ name: "CancelledError", message: "second" });
    }));

  test("after it was notified, passes that on to another", () =>
    isolated(async () => {
      const condition = new Condition();
      const order: string[] = [];
      const [first, second] = waitersOf(condition, ["first", "second"], order);
      await sleep(1);

      await condition.acquire();
      condition.notify();
      first?.cancel();
      condition.release();
      await second;

      expect(order).toEqual(["second"]);
      expect(first?.cancelled).toBe(true);
    }));

  test("by a signal, has the lock again", () =>
    isolated(async () => {
      const condition = new Condition();
      const controller = new AbortController();
      await condition.acquire();
      const waiting = condition.wait({ signal: controller.signal });
      await yieldNow();
      controller.abort();

      expect(await thrownBy(waiting)).toMatchObject({ reason: "signal" });
      expect(condition.locked).toBe(true);
    }));
});

describe("Condition, by a signal,", () => {
  test("stops waiting for its lock", () =>
    isolated(async () => {
      const condition = new Condition();
      const controller = new AbortController();
      const { signal } = controller;
      await condition.acquire();
      const waiting = [
        createTask(() => condition.acquire({ signal })),
        createTask(() => condition.with(() => undefined, { signal })),
      ];
      await yieldNow();
      controller.abort();

      for (const task of waiting) expect(await thrownBy(task)).toMatchObject({ reason: "signal" });
      condition.release();
      expect(inspect(condition)).toBe("<Condition of <Lock unlocked>>");
    }));

  test("stops waiting for its predicate, and has the lock again", () =>
    isolated(async () => {
      const condition = new Condition();
      const controller = new AbortController();
      let looks = 0;
      await condition.acquire();
      const waiting = condition.waitFor(() => (looks += 1) > 2, { signal: controller.signal });
      await yieldNow();
      await condition.with(() => condition.notify());
      await yieldNow();
      controller.abort();

      expect(await thrownBy(waiting)).toMatchObject({ reason: "signal" });
      expect(looks).toBe(2);
      expect(condition.locked).toBe(true);
    }));

  test("that is aborted already, does not even release the lock", () =>
    isolated(async () => {
      const condition = new Condition();
      const signal = AbortSignal.abort();
      await condition.acquire();
      const other = createTask(() => condition.acquire());
      await yieldNow();

      expect(await thrownBy(condition.wait({ signal }))).toMatchObject({ reason: "signal" });
      expect(await thrownBy(condition.waitFor(() => true, { signal }))).toMatchObject({
        reason: "signal",
      });
      await yieldNow();

      expect(other.done).toBe(false);
      other.cancel();
    }));
});

describe("Condition.wait", () => {
  test("gives true, without holding the lock meanwhile, and holds it afterwards", () =>
    isolated(async () => {
      const condition = new Condition();
      const task = createTask(async () => {
        using _held = await condition.acquire();
        return [await condition.wait(), condition.locked];
      });
      await sleep(1);
      expect(condition.locked).toBe(false);

      await condition.with(() => condition.notify());

      expect(await task).toEqual([true, true]);
      expect(condition.locked).toBe(false);
    }));

  test("is ended by its own condition only, though others share the lock", () =>
    isolated(async () => {
      const lock = new Lock();
      const [one, other] = [new Condition(lock), new Condition(lock)];
      const order: string[] = [];
      const tasks = [...waitersOf(one, ["one"], order), ...waitersOf(other, ["other"], order)];
      await sleep(1);

      await lock.with(() => other.notifyAll());
      await sleep(1);
      expect(order).toEqual(["other"]);
      await lock.with(() => one.notifyAll());
      await gather(tasks);

      expect(order).toEqual(["other", "one"]);
    }));

  test("throws in another loop than the first", async () => {
    const condition = new Condition();
    await isolated(() => thrownBy(condition.with(() => waitFor(condition.wait(), 1))));

    expect(await isolated(() => thrownBy(condition.with(() => condition.wait())))).toMatchObject({
      name: "RuntimeError",
      message: expect.stringContaining("bound to a different event loop"),
    });
  });
});

test("Condition.waitFor refuses what is no function", () => {
  expect(() => new Condition().waitFor(true as never)).toThrow(TypeError);
});

test("Condition.waitFor refuses an async predicate, whose promise would always count as true", () => {
  expect(() => new Condition().waitFor(async () => false)).toThrow(
    "Expected `predicate` to be a plain function, got an async one",
  );
});
