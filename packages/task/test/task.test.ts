import { AsyncLocalStorage } from "node:async_hooks";
import { EventEmitter, once } from "node:events";
import { inspect } from "node:util";
import {
  abortSignal,
  CancelledError,
  EventLoop,
  Future,
  getRunningLoop,
  interruptible,
  isCancelled,
  RuntimeError,
  SystemExit,
  VirtualClock,
} from "@aio/loop";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTask, gather, run, sleep, Task, timeout, yieldNow } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { collectReports } from "./reports.ts";
import { thrownBy } from "./thrown-by.ts";

describe("Task", () => {
  test("gives the result of its coroutine", () =>
    isolated(async () => {
      const task = createTask(async () => {
        await sleep(1_000);
        return "done";
      });

      expect(task.done).toBe(false);
      expect(await task).toBe("done");
      expect(task.done).toBe(true);
      expect(task.result()).toBe("done");
      expect(task.exception()).toBeNull();
    }));

  test("gives its error to everybody who awaits it", () =>
    isolated(async () => {
      const failure = new Error("no luck");
      const task = createTask(async () => {
        await sleep(10);
        throw failure;
      });

      const waiters = [createTask(() => thrownBy(task)), createTask(() => thrownBy(task))];

      expect(await gather(waiters)).toEqual([failure, failure]);
      expect(task.exception()).toBe(failure);
      expect(await thrownBy(task)).toBe(failure);
    }));

  test("takes a plain function, and what it throws", () =>
    isolated(async () => {
      const failure = new Error("at once");

      expect(await createTask(() => 5)).toBe(5);
      expect(
        await thrownBy(
          createTask(() => {
            throw failure;
          }),
        ),
      ).toBe(failure);
    }));

  test("waits for a Future that its coroutine returns", () =>
    isolated(async () => {
      const future = new Future<number>();
      const task = createTask(() => future);
      await yieldNow();

      future.setResult(7);

      expect(await task).toBe(7);
    }));

  test("cancels a Future that its coroutine returns", () =>
    isolated(async () => {
      const future = new Future<number>();
      const task = createTask(() => future);
      await yieldNow();

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(future.cancelled).toBe(true);
    }));

  test("waits for an operation that its coroutine returns, and cancels it", () =>
    isolated(async () => {
      const finished = createTask(() => sleep(10, "slept"));
      const cancelled = createTask(() => sleep(10, "slept"));
      getRunningLoop().callLater(5, () => cancelled.cancel("enough"));

      expect(await finished).toBe("slept");
      expect(await thrownBy(cancelled)).toMatchObject({ message: "enough" });
    }));

  test("fails when it cannot be told whether its coroutine returns a thenable", () =>
    isolated(async () => {
      const broken = new Error("broken getter");
      const task = createTask(() => ({
        get then(): unknown {
          throw broken;
        },
      }));

      expect(await thrownBy(task)).toBe(broken);
    }));

  test("waits for a foreign thenable that its coroutine returns", () =>
    isolated(async () => {
      const foreign: PromiseLike<string> = {
        then: (onFulfilled, onRejected) => Promise.resolve("foreign").then(onFulfilled, onRejected),
      };

      expect(await createTask(() => foreign)).toBe("foreign");
    }));

  test("keeps what was thrown when it is no Error", () =>
    isolated(async () => {
      // oxlint-disable-next-line promise/prefer-await-to-then, prefer-promise-reject-errors -- a value of another kind
      const task = createTask(() => Promise.reject("a string"));

      expect(await thrownBy(task)).toBe("a string");
      expect(task.exception()).toMatchObject({ cause: "a string" });
    }));

  test("is called by its name", () =>
    isolated(async () => {
      const named = createTask(() => undefined, { name: "reader" });
      const first = createTask(() => undefined);
      const second = createTask(() => undefined);

      expect(named.name).toBe("reader");
      expect(first.name).toMatch(/^Task-\d+$/);
      expect(Number(second.name.slice(5))).toBe(Number(first.name.slice(5)) + 1);

      named.name = "writer";

      expect(named.name).toBe("writer");
      expect(named.label).toBe("Task 'writer'");
    }));

  test("tells its coroutine", () =>
    isolated(async () => {
      expect(createTask(yieldNow).coroutine).toBe(yieldNow);
    }));

  test("refuses setResult and setException", () =>
    isolated(async () => {
      const task = createTask(() => sleep(1));

      expect(() => task.setResult()).toThrow(RuntimeError);
      expect(() => task.setException()).toThrow(RuntimeError);
      expect(task.done).toBe(false);
    }));

  test("cannot await itself", () =>
    isolated(async () => {
      const task: Task<unknown> = createTask(async () => {
        const itself: PromiseLike<unknown> = task;
        await itself;
      });

      const error = await thrownBy(task);

      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({ message: expect.stringContaining("cannot await itself") });
    }));

  test("cannot await a Future of another loop", () =>
    isolated(async () => {
      const other = new EventLoop();
      const future = other.createFuture<number>();

      const error = await thrownBy(createTask(async () => await future));

      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({ message: expect.stringContaining("another loop") });
      other.close();
    }));

  test("leaves the loop at once with SystemExit", async () => {
    let reached = false;
    const exit = new SystemExit(3);

    const program = isolated(async () => {
      collectReports(); // as in CPython, the task itself reports it too
      void createTask(() => {
        throw exit;
      });
      await yieldNow();
      await yieldNow();
      reached = true;
    });

    expect(await thrownBy(program)).toBe(exit);
    expect(reached).toBe(false);
  });

  test("reports an error that nobody has seen, once", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      void createTask(() => Promise.reject(new Error("unseen")), { name: "background" });
      await sleep(10);
      return collected;
    });

    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({
      message: "Task 'background' exception was never retrieved",
      exception: { message: "unseen" },
    });
  });

  test.each([
    ["exception()", (task: Task<unknown>) => void task.exception()],
    ["result()", (task: Task<unknown>) => expect(() => task.result()).toThrow("seen")],
  ])("reports nothing after %s was asked for", async (_, look) => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      const task = createTask(() => Promise.reject(new Error("seen")));
      await sleep(10);
      look(task);
      return collected;
    });

    expect(reports).toEqual([]);
  });

  test("reports nothing when it was cancelled", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      createTask(() => sleep(10)).cancel();
      await sleep(20);
      return collected;
    });

    expect(reports).toEqual([]);
  });

  test("calls its done callbacks, without a current task", () =>
    isolated(async () => {
      const seen: unknown[] = [];
      const task = createTask(() => sleep(10, "slept"));
      task.addDoneCallback((done) => seen.push(done, done.result()));

      await task;
      await yieldNow();

      expect(seen).toEqual([task, "slept"]);
    }));

  test("does not run the code behind an await before the one who wakes it has finished its step", () =>
    isolated(async () => {
      const order: string[] = [];
      const future = new Future<void>();
      void createTask(async () => {
        await future;
        order.push("woken");
      });
      await yieldNow();

      future.setResult();
      await Promise.resolve();
      order.push("step ends");
      await yieldNow();

      expect(order).toEqual(["step ends", "woken"]);
    }));
});

describe("Task, inspected", () => {
  test("shows its name and what it waits for", () =>
    isolated(async () => {
      const task = createTask(() => sleep(500), { name: "sleeper" });
      const waiter = createTask(async () => await task, { name: "waiter" });
      await yieldNow();

      expect(inspect(task)).toBe("<Task pending name='sleeper' waits for sleep(500)>");
      expect(inspect(waiter)).toBe("<Task pending name='waiter' waits for Task 'sleeper'>");
    }));

  test("shows every branch that waits", () =>
    isolated(async () => {
      const task = createTask(() => Promise.all([sleep(1), sleep(2)]), { name: "both" });
      await yieldNow();

      expect(inspect(task)).toContain("waits for sleep(1), sleep(2)");
    }));

  test("shows that it was asked to end", () =>
    isolated(async () => {
      const task = createTask(
        async () => {
          await sleep(1).then(null, () => undefined);
          await sleep(2);
        },
        { name: "stubborn" },
      );
      await yieldNow();
      task.cancel();
      await yieldNow();
      await yieldNow();

      expect(inspect(task)).toBe("<Task cancelling name='stubborn' waits for sleep(2)>");
    }));

  test("shows how it ended", () =>
    isolated(async () => {
      const finished = createTask(() => 1, { name: "a" });
      const failed = createTask(() => Promise.reject(new TypeError("bad")), { name: "b" });
      const cancelled = createTask(() => 1, { name: "c" });
      cancelled.cancel();
      await gather([finished, failed, cancelled], { returnExceptions: true });

      expect(inspect(finished)).toBe("<Task finished result=1 name='a'>");
      expect(inspect(failed)).toBe("<Task finished exception=TypeError: bad name='b'>");
      expect(inspect(cancelled)).toBe("<Task cancelled name='c'>");
    }));
});

describe("Task.cancel", () => {
  test("interrupts a wait five plain async functions deep, and runs every finally", () =>
    isolated(async () => {
      const cleaned: number[] = [];
      const dive = async (depth: number): Promise<void> => {
        try {
          if (depth === 5) await sleep(60_000);
          else await dive(depth + 1);
        } finally {
          cleaned.push(depth);
        }
      };
      const task = createTask(() => dive(1));
      await sleep(1_000);

      expect(task.cancel()).toBe(true);

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(task.cancelled).toBe(true);
      expect(cleaned).toEqual([5, 4, 3, 2, 1]);
      expect(getRunningLoop().time()).toBe(1_000);
    }));

  test("tells the one who awaits the task the message and who asked", () =>
    isolated(async () => {
      const task = createTask(() => sleep(60_000));
      await yieldNow();

      task.cancel("shutting down", "shutdown");

      expect(await thrownBy(task)).toMatchObject({
        name: "CancelledError",
        code: "AIO_CANCELLED",
        message: "shutting down",
        reason: "shutdown",
      });
    }));

  test("says that a caller asked, without a message, by default", () =>
    isolated(async () => {
      const task = createTask(() => sleep(60_000));
      await yieldNow();

      task.cancel();

      expect(await thrownBy(task)).toMatchObject({ message: "", reason: "caller" });
    }));

  test("does not let a task begin that has not begun", () =>
    isolated(async () => {
      let began = false;
      const task = createTask(() => {
        began = true;
      });

      expect(task.cancel("too early")).toBe(true);

      expect(await thrownBy(task)).toMatchObject({ message: "too early" });
      expect(began).toBe(false);
      expect(task.cancelled).toBe(true);
    }));

  test("cancels the Future that the task waits for", () =>
    isolated(async () => {
      const future = new Future<void>();
      const task = createTask(async () => await future);
      await yieldNow();

      task.cancel("enough");

      expect(future.cancelled).toBe(true);
      expect(await thrownBy(task)).toMatchObject({ message: "enough" });
    }));

  test("takes the timer of a sleep back", () =>
    isolated(async () => {
      const task = createTask(() => sleep(60_000));
      await yieldNow();
      task.cancel();
      await thrownBy(task);

      await sleep(1);

      expect(getRunningLoop().time()).toBe(1);
    }));

  test("wins over a result at the moment of waking", () =>
    isolated(async () => {
      const future = new Future<string>();
      const seen: unknown[] = [];
      const task = createTask(async () => {
        try {
          seen.push(await future);
        } catch (error) {
          seen.push(error);
          throw error;
        }
      });
      await yieldNow();

      future.setResult("in time");
      task.cancel("too late");

      expect(await thrownBy(task)).toMatchObject({ message: "too late" });
      expect(seen).toEqual([expect.any(CancelledError)]);
      expect(future.result()).toBe("in time");
    }));

  test("wins over an error at the moment of waking", () =>
    isolated(async () => {
      const future = new Future<string>();
      const task = createTask(async () => await future);
      await yieldNow();

      future.setException(new Error("in time"));
      task.cancel("too late");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "too late" });
    }));

  test("interrupts a task that only gives way", () =>
    isolated(async () => {
      let turns = 0;
      const task = createTask(async () => {
        for (;;) {
          await yieldNow();
          turns += 1;
        }
      });
      await sleep(0);
      await sleep(0);

      task.cancel("enough");

      expect(await thrownBy(task)).toMatchObject({ message: "enough" });
      expect(turns).toBe(1);
    }));

  test("counts twice and interrupts once when nothing happens in between", () =>
    isolated(async () => {
      const interruptions: unknown[] = [];
      const task = createTask(async () => {
        for (;;) {
          try {
            await sleep(100);
            return "slept";
          } catch (error) {
            interruptions.push(error);
          }
        }
      });
      await yieldNow();

      task.cancel("first");
      task.cancel("second");

      expect(await task).toBe("slept");
      expect(interruptions).toEqual([expect.objectContaining({ message: "first" })]);
      expect(task.cancelling()).toBe(2);
    }));

  test("has the newest message when the task has not begun", () =>
    isolated(async () => {
      const task = createTask(() => sleep(100));

      task.cancel("first");
      task.cancel("second");

      expect(await thrownBy(task)).toMatchObject({ message: "second" });
    }));

  test("interrupts the cleanup when it is called again", () =>
    isolated(async () => {
      const steps: string[] = [];
      const task = createTask(async () => {
        try {
          await sleep(60_000);
        } finally {
          steps.push("cleaning");
          await sleep(60_000);
          steps.push("clean");
        }
      });
      await yieldNow();
      task.cancel("first");
      await sleep(1_000);

      task.cancel("second");

      expect(await thrownBy(task)).toMatchObject({ message: "second" });
      expect(steps).toEqual(["cleaning"]);
    }));

  test("lets the cleanup wait when it is called once", () =>
    isolated(async () => {
      const steps: string[] = [];
      const task = createTask(async () => {
        try {
          await sleep(60_000);
        } finally {
          await sleep(500);
          await timeout(1_000, () => sleep(500));
          steps.push("clean");
        }
      });
      await yieldNow();

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(steps).toEqual(["clean"]);
      expect(getRunningLoop().time()).toBe(1_000);
    }));

  test("ends the task with another error when the cleanup throws one", () =>
    isolated(async () => {
      const failure = new Error("cleanup failed");
      const task = createTask(async () => {
        try {
          await sleep(60_000);
        } finally {
          await Promise.reject(failure);
        }
      });
      await yieldNow();

      task.cancel();

      expect(await thrownBy(task)).toBe(failure);
      expect(task.cancelled).toBe(false);
    }));

  test("may be swallowed: the task goes on", () =>
    isolated(async () => {
      const task = createTask(async () => {
        await thrownBy(sleep(60_000));
        await sleep(1_000);
        return "still here";
      });
      await yieldNow();

      task.cancel();

      expect(await task).toBe("still here");
      expect(task.cancelled).toBe(false);
      expect(task.cancelling()).toBe(1);
    }));

  test("changes nothing when the task is done", () =>
    isolated(async () => {
      const task = createTask(() => 1);
      await task;

      expect(task.cancel()).toBe(false);
      expect(task.cancelling()).toBe(0);
      expect(task.result()).toBe(1);
    }));

  test("interrupts the next wait when a task calls it on itself", () =>
    isolated(async () => {
      const steps: string[] = [];
      const task: Task<void> = createTask(async () => {
        task.cancel("myself");
        steps.push("goes on");
        await sleep(0);
        steps.push("not reached");
      });

      expect(await thrownBy(task)).toMatchObject({ message: "myself" });
      expect(steps).toEqual(["goes on"]);
    }));

  test("does not interrupt an await of what is done", () =>
    isolated(async () => {
      const steps: unknown[] = [];
      const done = new Future<string>();
      done.setResult("done");
      const task: Task<void> = createTask(async () => {
        task.cancel();
        steps.push(await done, await Promise.resolve("native"));
        await sleep(10);
        steps.push("not reached");
      });

      await thrownBy(task);

      expect(steps).toEqual(["done", "native"]);
    }));

  test("cancels a task that returns before it waits again", () =>
    isolated(async () => {
      const task: Task<string> = createTask(async () => {
        task.cancel("at last");
        return "lost";
      });

      expect(await thrownBy(task)).toMatchObject({ message: "at last" });
      expect(task.cancelled).toBe(true);
    }));

  test("does not touch other tasks", () =>
    isolated(async () => {
      const other = createTask(() => sleep(100, "other"));
      const task = createTask(() => sleep(100));
      await yieldNow();

      task.cancel();

      expect(await other).toBe("other");
    }));
});

describe("Task.cancel of a task that awaits another", () => {
  test("passes on to the other", () =>
    isolated(async () => {
      const cleaned: string[] = [];
      const inner = createTask(async () => {
        try {
          await sleep(60_000);
        } finally {
          cleaned.push("inner");
        }
      });
      const outer = createTask(async () => {
        try {
          await inner;
        } finally {
          cleaned.push("outer");
        }
      });
      await sleep(1);

      outer.cancel("pass it on");

      expect(await thrownBy(outer)).toMatchObject({ message: "pass it on" });
      expect(inner.cancelled).toBe(true);
      expect(inner.cancelling()).toBe(1);
      expect(cleaned).toEqual(["inner", "outer"]);
    }));

  test("is over when the other swallows it", () =>
    isolated(async () => {
      const inner = createTask(async () => {
        await thrownBy(sleep(60_000));
        return "inner's";
      });
      const outer = createTask(async () => {
        const value = await inner;
        await sleep(10);
        return value;
      });
      await sleep(1);

      outer.cancel();

      expect(await outer).toBe("inner's");
      expect(outer.cancelling()).toBe(1);
    }));

  test("reaches every other waiter by way of the task that they share", () =>
    isolated(async () => {
      const shared = createTask(() => sleep(60_000));
      const first = createTask(async () => await shared);
      const second = createTask(async () => await shared);
      await sleep(1);

      first.cancel();

      expect(await thrownBy(second)).toBeInstanceOf(CancelledError);
      expect(first.cancelled).toBe(true);
      expect(shared.cancelled).toBe(true);
      expect(second.cancelling()).toBe(0);
    }));

  test("is seen by all waiters when the shared task itself is cancelled, with its message by the first", () =>
    isolated(async () => {
      const shared = createTask(() => sleep(60_000));
      const waiters = ["a", "b", "c"].map((name) =>
        createTask(async () => await thrownBy(shared), { name }),
      );
      await sleep(1);

      shared.cancel("gone");

      const errors = await gather(waiters);
      expect(errors.map(isCancelled)).toEqual([true, true, true]);
      expect(errors).toMatchObject([{ message: "gone" }, { message: "" }, { message: "" }]); // as in CPython
    }));
});

describe("A cancelled task", () => {
  test("tells later waiters who asked, too", () =>
    isolated(async () => {
      const task = createTask(() => sleep(60_000));
      await sleep(1);
      task.cancel("shutting down", "shutdown");

      const errors = [await thrownBy(task), await thrownBy(task)];
      const later = await thrownBy(createTask(async () => await task));

      expect([...errors, later]).toMatchObject([
        { name: "CancelledError", message: "shutting down", reason: "shutdown" },
        { name: "CancelledError", message: "", reason: "shutdown" },
        { name: "CancelledError", message: "", reason: "shutdown" },
      ]);
    }));

  test("tells them also when it has not begun", () =>
    isolated(async () => {
      const task = createTask(() => sleep(60_000));
      task.cancel("shutting down", "shutdown");

      const reasons = [await thrownBy(task), await thrownBy(task), await thrownBy(task)];

      expect(reasons).toMatchObject([
        { name: "CancelledError", reason: "shutdown" },
        { name: "CancelledError", reason: "shutdown" },
        { name: "CancelledError", reason: "shutdown" },
      ]);
    }));

  test("tells those who ask for its result and exception who asked", () =>
    isolated(async () => {
      const task = createTask(() => 1, { signal: AbortSignal.abort() });
      await thrownBy(task);
      const bySignal = expect.objectContaining({ reason: "signal" }) as Error;

      expect(() => task.result()).toThrow(bySignal);
      expect(() => task.exception()).toThrow(bySignal);
    }));
});

describe("The report of an error that nobody has seen", () => {
  test("is made in the async context of the task", async () => {
    const request = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];

    await isolated(async () => {
      getRunningLoop().exceptionHandler = () => seen.push(request.getStore());
      request.run("request 7", () => void createTask(() => Promise.reject(new Error("unseen"))));
      await sleep(10);
    });

    expect(seen).toEqual(["request 7"]);
  });
});

describe("Task.uncancel", () => {
  test("takes a request back that was caught", () =>
    isolated(async () => {
      const counts: number[] = [];
      const task: Task<void> = createTask(async () => {
        await thrownBy(sleep(60_000));
        counts.push(task.cancelling(), task.uncancel(), task.cancelling());
      });
      await yieldNow();
      task.cancel();
      await task;

      expect(counts).toEqual([1, 0, 0]);
    }));

  test("drops a request that was not delivered", () =>
    isolated(async () => {
      const task: Task<string> = createTask(async () => {
        task.cancel();
        task.uncancel();
        return await sleep(10, "slept");
      });

      expect(await task).toBe("slept");
    }));

  test("leaves other requests to be delivered", () =>
    isolated(async () => {
      const task: Task<void> = createTask(async () => {
        task.cancel();
        task.cancel();
        task.uncancel();
        await sleep(10);
      });

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(task.cancelling()).toBe(1);
    }));

  test("stays at zero", () =>
    isolated(async () => {
      const task = createTask(() => sleep(10));

      expect(task.uncancel()).toBe(0);
      expect(task.cancelling()).toBe(0);
      task.cancel();
      expect(task.cancelling()).toBe(1);
    }));
});

describe("Task with several branches", () => {
  test("keeps the deadline of one away from the other", () =>
    isolated(async () => {
      const task = createTask(() =>
        Promise.all([
          timeout(10, () => sleep(60_000)).then(
            () => "not reached",
            (error: Error) => error.name,
          ),
          timeout(100, () => sleep(50, "in time")),
        ]),
      );

      expect(await task).toEqual(["TimeoutError", "in time"]);
      expect(task.cancelling()).toBe(0);
      expect(getRunningLoop().time()).toBe(50);
    }));

  test("lets each deadline interrupt its own", () =>
    isolated(async () => {
      const loop = getRunningLoop();
      const branch = async (delay: number): Promise<number> => {
        await thrownBy(timeout(delay, () => sleep(60_000)));
        return loop.time();
      };

      expect(await Promise.all([branch(30), branch(10), branch(20)])).toEqual([30, 10, 20]);
    }));

  test("has all of them interrupted when it is cancelled", () =>
    isolated(async () => {
      const cleaned: string[] = [];
      const branch = async (name: string): Promise<void> => {
        try {
          await sleep(60_000);
        } finally {
          cleaned.push(name);
        }
      };
      const task = createTask(() => Promise.all([branch("a"), branch("b"), branch("c")]));
      await yieldNow();

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(cleaned).toEqual(["a", "b", "c"]);
    }));

  test("cancels inside the deadlines of its branches, without a TimeoutError", () =>
    isolated(async () => {
      const seen: string[] = [];
      const branch = async (delay: number): Promise<void> => {
        try {
          await timeout(delay, () => sleep(60_000));
        } catch (error) {
          seen.push((error as Error).name);
          throw error;
        }
      };
      const task = createTask(() => Promise.all([branch(100), branch(200)]));
      await sleep(50);

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(seen).toEqual(["CancelledError", "CancelledError"]);
    }));

  test("lets the loser of a race go on, and a later cancellation reach it", () =>
    isolated(async () => {
      const seen: string[] = [];
      const loser = async (): Promise<string> => {
        try {
          await sleep(60_000);
        } catch (error) {
          seen.push((error as Error).name);
        }
        return "loser";
      };
      const task = createTask(async () => {
        seen.push(await Promise.race([sleep(10, "winner"), loser()]));
        await sleep(1_000);
      });
      await sleep(100);
      expect(seen).toEqual(["winner"]);

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(seen).toEqual(["winner", "CancelledError"]);
    }));

  test("lets go of a branch that still waits when it ends", () =>
    isolated(async () => {
      const seen: string[] = [];
      const branch = async (): Promise<void> => {
        await sleep(100);
        seen.push("first wait");
        await sleep(100);
        seen.push("second wait");
      };
      const task = createTask(async () => {
        void branch();
        return "ended";
      });

      expect(await task).toBe("ended");
      expect(task.cancel()).toBe(false);
      expect(seen).toEqual([]);
      await sleep(300);
      expect(seen).toEqual(["first wait", "second wait"]);
    }));

  test("lets go of the branches of a cancelled task that has ended", () =>
    isolated(async () => {
      let cleaned = false;
      const branch = async (): Promise<void> => {
        try {
          await sleep(60_000);
        } catch {
          await sleep(100); // the task has ended meanwhile
          cleaned = true;
        }
      };
      const task = createTask(async () => {
        void branch();
        await sleep(60_000);
      });
      await yieldNow();

      task.cancel();
      await thrownBy(task);
      expect(cleaned).toBe(false);
      await sleep(200);

      expect(cleaned).toBe(true);
    }));
});

describe("Task in a foreign promise", () => {
  test("is cancelled at its next wait", () =>
    isolated(async () => {
      const steps: string[] = [];
      const foreign = Promise.withResolvers<string>();
      const task = createTask(async () => {
        steps.push(await foreign.promise);
        await sleep(60_000);
        steps.push("not reached");
      });
      await yieldNow();

      expect(task.cancel("remembered")).toBe(true);
      await sleep(1_000);
      expect(task.done).toBe(false);
      foreign.resolve("foreign");

      expect(await thrownBy(task)).toMatchObject({ message: "remembered" });
      expect(steps).toEqual(["foreign"]);
      expect(getRunningLoop().time()).toBe(1_000);
    }));

  test("is cancelled in the end when it waits for nothing else", () =>
    isolated(async () => {
      const foreign = Promise.withResolvers<string>();
      const task = createTask(async () => await foreign.promise);
      await yieldNow();

      task.cancel();
      foreign.resolve("lost");

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
    }));

  test("stops a foreign operation that it gave abortSignal(), and ends as cancelled", () =>
    isolated(async () => {
      const emitter = new EventEmitter();
      const task = createTask(() => once(emitter, "never", { signal: abortSignal() }));
      await yieldNow();

      task.cancel("stop");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "stop" });
      expect(task.cancelled).toBe(true);
      expect(emitter.listenerCount("never")).toBe(0);
    }));

  test("is interrupted at once in interruptible()", () =>
    isolated(async () => {
      const foreign = Promise.withResolvers<void>();
      const task = createTask(async () => await interruptible(foreign.promise));
      await yieldNow();

      task.cancel("at once");

      expect(await thrownBy(task)).toMatchObject({ message: "at once" });
      foreign.reject(new Error("too late"));
      expect(await sleep(10, "quiet")).toBe("quiet");
    }));

  test("keeps its place: awaits of ours behind it belong to it", () =>
    run(
      async () => {
        const { readFile } = await import("node:fs/promises");
        const task = createTask(async () => {
          await readFile(import.meta.filename);
          await sleep(60_000);
        });
        const watch = new Future<void>();
        task.addDoneCallback(() => watch.setResult());
        getRunningLoop().callLater(30_000, () => task.cancel("found"));

        await watch;

        expect(task.cancelled).toBe(true);
      },
      { clock: new VirtualClock() },
    ));
});

// A program is a list of tasks; a task is a list of delays: 0 gives way, more sleeps.
const programs = fc.array(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 6 }), {
  minLength: 1,
  maxLength: 8,
});

/** In which order the waits end: tasks that are ready go in turns; time stands still until none is. */
function predict(program: readonly (readonly number[])[]): string[] {
  const order: string[] = [];
  const next = program.map(() => 0);
  let now = 0;
  let registered = 0;
  let ready = program.map((_, task) => task);
  const sleeping: { readonly task: number; readonly when: number; readonly order: number }[] = [];
  while (ready.length > 0 || sleeping.length > 0) {
    if (ready.length === 0) {
      now = Math.min(...sleeping.map(({ when }) => when));
      const due = sleeping.filter(({ when }) => when === now).toSorted((a, b) => a.order - b.order);
      for (const timer of due) sleeping.splice(sleeping.indexOf(timer), 1);
      ready = due.map(({ task }) => task);
    }
    const batch = ready;
    ready = [];
    for (const task of batch) {
      const place = next[task] ?? 0;
      order.push(`${task}:${place}@${now}`);
      const delay = program[task]?.[place];
      next[task] = place + 1;
      if (delay === 0) ready.push(task);
      else if (delay !== undefined)
        sleeping.push({ task, when: now + delay, order: (registered += 1) });
    }
  }
  return order;
}

describe("Tasks of any program", () => {
  test("take turns as the model of the loop predicts", () =>
    fc.assert(
      fc.asyncProperty(programs, async (program) => {
        const order = await isolated(async () => {
          const seen: string[] = [];
          const loop = getRunningLoop();
          const work = async (delays: readonly number[], task: number): Promise<void> => {
            seen.push(`${task}:0@${loop.time()}`);
            for (const [place, delay] of delays.entries()) {
              await sleep(delay);
              seen.push(`${task}:${place + 1}@${loop.time()}`);
            }
          };
          await gather(program.map((delays, task) => () => work(delays, task)));
          return seen;
        });

        expect(order).toEqual(predict(program));
      }),
      { numRuns: 200 },
    ));

  test("are done, with every finally run, wherever they are cancelled", () =>
    fc.assert(
      fc.asyncProperty(
        programs,
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 12 }),
        async (program, yields, delay) => {
          await isolated(async () => {
            const counts = { entered: 0, left: 0 };
            const guarded = async (delays: readonly number[]): Promise<void> => {
              const [first, ...rest] = delays;
              if (first === undefined) return;
              counts.entered += 1;
              try {
                await sleep(first);
                await guarded(rest);
              } finally {
                counts.left += 1;
                await yieldNow();
              }
            };
            const tasks = program.map((delays) => createTask(() => guarded(delays)));
            if (delay > 0) await sleep(delay);
            for (let turn = 0; turn < yields; turn += 1) await yieldNow();

            const requested = tasks.map((task) => task.cancel());
            await gather(tasks, { returnExceptions: true });

            expect(tasks.map((task) => task.done)).toEqual(tasks.map(() => true));
            expect(tasks.map((task) => task.cancelled)).toEqual(requested);
            expect(counts.left).toBe(counts.entered);
          });
        },
      ),
      { numRuns: 200 },
    ));

  test("end with the request that came, when several branches of one are cancelled at any moment", () =>
    fc.assert(
      fc.asyncProperty(programs, fc.integer({ min: 0, max: 12 }), async (program, delay) => {
        await isolated(async () => {
          let open = 0;
          const branch = async (delays: readonly number[]): Promise<void> => {
            open += 1;
            try {
              for (const one of delays) await sleep(one + 1);
            } finally {
              open -= 1;
            }
          };
          const task = createTask(() => Promise.all(program.map(branch)));
          await sleep(delay + 0.5);

          const requested = task.cancel("now");
          const outcome = await task.then(
            () => "finished",
            (error: unknown) => (error as Error).message,
          );

          expect(open).toBe(0);
          expect(outcome).toBe(requested ? "now" : "finished");
        });
      }),
      { numRuns: 200 },
    ));
});
