import { CancelledError, Future, getRunningLoop, TimeoutError } from "@aio/loop";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  createTask,
  currentTask,
  shield,
  sleep,
  taskGroup,
  waitFor,
  yieldNow,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

describe("waitFor", () => {
  test("gives the result of what is in time, whatever it is", () =>
    isolated(async () => {
      const future = new Future<string>();
      getRunningLoop().callLater(5, () => future.setResult("future"));

      const text = await waitFor(() => sleep(5, "function"), 100);

      expectTypeOf(text).toEqualTypeOf<string>();
      expect(text).toBe("function");
      expect(
        await waitFor(
          createTask(() => sleep(5, "task")),
          100,
        ),
      ).toBe("task");
      expect(await waitFor(future, 100)).toBe("future");
      expect(await waitFor(sleep(5, "operation"), 100)).toBe("operation");
      expect(await waitFor(Promise.resolve("promise"), 100)).toBe("promise");
    }));

  test("runs a function in the task that waits, not in another one", () =>
    isolated(async () => {
      const task = await waitFor(() => ({ current: currentTask() }), 100);

      expect(task.current).toBe(currentTask());
    }));

  test("throws the error of what it waits for", () =>
    isolated(async () => {
      const failure = new Error("failed");

      expect(await thrownBy(waitFor(() => Promise.reject(failure), 100))).toBe(failure);
      expect(
        await thrownBy(
          waitFor(
            createTask(() => Promise.reject(failure)),
            100,
          ),
        ),
      ).toBe(failure);
      expect(await thrownBy(waitFor(Promise.reject(failure), 100))).toBe(failure);
    }));

  test("cancels a task when the time has passed, and waits until it has ended", () =>
    isolated(async () => {
      const task = createTask(async () => {
        try {
          await sleep(60_000);
        } finally {
          await sleep(50);
        }
      });

      const error = await thrownBy(waitFor(task, 100));

      expect(error).toBeInstanceOf(TimeoutError);
      expect(task.cancelled).toBe(true);
      expect(getRunningLoop().time()).toBe(150);
    }));

  test("cancels a function, a Future and an operation when the time has passed", () =>
    isolated(async () => {
      const future = new Future<void>();
      let cleaned = false;
      const work = async (): Promise<void> => {
        try {
          await sleep(60_000);
        } finally {
          cleaned = true;
        }
      };
      const operation = taskGroup(() => sleep(60_000));

      expect(await thrownBy(waitFor(work, 10))).toBeInstanceOf(TimeoutError);
      expect(await thrownBy(waitFor(future, 10))).toBeInstanceOf(TimeoutError);
      expect(await thrownBy(waitFor(operation, 10))).toBeInstanceOf(TimeoutError);
      expect(cleaned).toBe(true);
      expect(future.cancelled).toBe(true);
      expect(getRunningLoop().time()).toBe(30);
    }));

  test("gives the result of a task that swallows the cancellation", () =>
    isolated(async () => {
      const stubborn = createTask(async () => {
        await thrownBy(sleep(60_000));
        return "anyway";
      });

      expect(await waitFor(stubborn, 10)).toBe("anyway");
    }));

  test("throws what a task throws when it is cancelled", () =>
    isolated(async () => {
      const failure = new Error("cleanup failed");
      const task = createTask(() => sleep(60_000).then(null, () => Promise.reject(failure)));

      expect(await thrownBy(waitFor(task, 10))).toBe(failure);
    }));

  test("leaves a foreign promise behind, and drops what it ends with", () =>
    isolated(async () => {
      const foreign = Promise.withResolvers<string>();

      expect(await thrownBy(waitFor(foreign.promise, 10))).toBeInstanceOf(TimeoutError);

      foreign.reject(new Error("too late")); // an unhandled rejection would fail the run of the tests
      expect(await sleep(10, "quiet")).toBe("quiet");
    }));

  test("leaves what is shielded alone", () =>
    isolated(async () => {
      const task = createTask(() => sleep(100, "saved"));

      expect(await thrownBy(waitFor(shield(task), 10))).toBeInstanceOf(TimeoutError);
      expect(await task).toBe("saved");
    }));

  test.each([[null], [Infinity]])("has no limit for %o", (limit) =>
    isolated(async () => {
      expect(await waitFor(() => sleep(1e12, "at last"), limit)).toBe("at last");
    }),
  );

  test("keeps what it waits for cancellable by others", () =>
    isolated(async () => {
      const task = createTask(() => sleep(60_000));
      getRunningLoop().callLater(10, () => task.cancel("by another"));

      expect(await thrownBy(waitFor(task, 100))).toMatchObject({
        name: "CancelledError",
        message: "by another",
      });
    }));

  test.each([[NaN, RangeError]])("refuses %o", (limit, type) =>
    isolated(async () => {
      expect(() => waitFor(sleep(1), limit)).toThrow(type);
    }),
  );

  test("refuses a limit that is no number, and what cannot be waited for", () =>
    isolated(async () => {
      // @ts-expect-error -- no number
      expect(() => waitFor(() => 1, "5")).toThrow(TypeError);
      // @ts-expect-error -- nothing to wait for
      expect(() => waitFor(5, 10)).toThrow(TypeError);
      // @ts-expect-error -- nothing to wait for
      expect(() => waitFor(undefined, 10)).toThrow(TypeError);
    }));
});

describe.each([[0], [-1]])("waitFor with a limit of %d", (limit) => {
  test("gives what is done already", () =>
    isolated(async () => {
      const future = new Future<string>();
      future.setResult("done");

      expect(await waitFor(future, limit)).toBe("done");
    }));

  test("throws the error of what has failed already", () =>
    isolated(async () => {
      const future = new Future<string>();
      future.setException(new Error("failed"));

      expect(await thrownBy(waitFor(future, limit))).toMatchObject({ message: "failed" });
    }));

  test("does not let a function begin", () =>
    isolated(async () => {
      let began = false;

      const error = await thrownBy(
        waitFor(() => {
          began = true;
        }, limit),
      );

      expect(error).toBeInstanceOf(TimeoutError);
      expect(began).toBe(false);
    }));

  test("cancels a task that is not done, and waits until it has ended", () =>
    isolated(async () => {
      const task = createTask(async () => {
        try {
          await sleep(60_000);
        } finally {
          await sleep(50);
        }
      });
      await yieldNow();

      expect(await thrownBy(waitFor(task, limit))).toBeInstanceOf(TimeoutError);
      expect(task.cancelled).toBe(true);
      expect(getRunningLoop().time()).toBe(50);
    }));

  test("leaves a foreign promise behind", () =>
    isolated(async () => {
      const foreign = Promise.withResolvers<string>();

      expect(await thrownBy(waitFor(foreign.promise, limit))).toBeInstanceOf(TimeoutError);

      foreign.reject(new Error("too late"));
      expect(await sleep(10, "quiet")).toBe("quiet");
    }));
});

describe("waitFor, cancelled", () => {
  test("cancels what it waits for", () =>
    isolated(async () => {
      const inner = createTask(() => sleep(60_000));
      const task = createTask(() => waitFor(inner, 1_000));
      await sleep(10);

      task.cancel("pass it on");

      expect(await thrownBy(task)).toMatchObject({
        name: "CancelledError",
        message: "pass it on",
      });
      expect(inner.cancelled).toBe(true);
      expect(getRunningLoop().time()).toBe(10);
    }));

  test("interrupts a function in it", () =>
    isolated(async () => {
      let cleaned = false;
      const task = createTask(() =>
        waitFor(async () => {
          try {
            await sleep(60_000);
          } finally {
            cleaned = true;
          }
        }, 1_000),
      );
      await sleep(10);

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(cleaned).toBe(true);
    }));

  test("leaves a foreign promise behind", () =>
    isolated(async () => {
      const foreign = Promise.withResolvers<string>();
      const task = createTask(() => waitFor(foreign.promise, 1_000));
      await sleep(10);

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(getRunningLoop().time()).toBe(10);
    }));

  test("at the moment when the result is there, throws the cancellation", () =>
    isolated(async () => {
      const future = new Future<string>();
      const task = createTask(() => waitFor(future, 1_000));
      await sleep(10);

      future.setResult("lost");
      task.cancel("now");

      expect(await thrownBy(task)).toMatchObject({ message: "now" });
    }));
});
