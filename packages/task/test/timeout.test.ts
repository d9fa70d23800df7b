import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import {
  CancelledError,
  CancelScope,
  Future,
  getRunningLoop,
  RuntimeError,
  TimeoutError,
} from "@aio/loop";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  createTask,
  currentTask,
  gather,
  moveOnAfter,
  sleep,
  type Task,
  taskGroup,
  type Timeout,
  timeout,
  timeoutAt,
  yieldNow,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

describe("timeout", () => {
  test("gives the result of a body that is in time", () =>
    isolated(async () => {
      const result = await timeout(100, () => sleep(50, "in time"));

      expectTypeOf(result).toEqualTypeOf<string>();
      expect(result).toBe("in time");
      expect(getRunningLoop().time()).toBe(50);
    }));

  test("throws TimeoutError when the deadline passes, with the cancellation as its cause", () =>
    isolated(async () => {
      const error = await thrownBy(timeout(100, () => sleep(60_000)));

      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({
        code: "AIO_TIMEOUT",
        cause: { name: "CancelledError", reason: "deadline" },
      });
      expect(getRunningLoop().time()).toBe(100);
    }));

  test("interrupts a body of several functions, and runs every finally", () =>
    isolated(async () => {
      const cleaned: string[] = [];
      const inner = async (): Promise<void> => {
        try {
          await sleep(60_000);
        } finally {
          await sleep(10);
          cleaned.push("inner");
        }
      };

      const error = await thrownBy(
        timeout(100, async () => {
          try {
            await inner();
          } finally {
            cleaned.push("outer");
          }
        }),
      );

      expect(error).toBeInstanceOf(TimeoutError);
      expect(cleaned).toEqual(["inner", "outer"]);
      expect(getRunningLoop().time()).toBe(110);
    }));

  test("leaves the task as it was: it goes on and nothing counts", () =>
    isolated(async () => {
      await thrownBy(timeout(10, () => sleep(60_000)));

      expect(currentTask()?.cancelling()).toBe(0);
      await sleep(10);
      expect(getRunningLoop().time()).toBe(20);
    }));

  test("waits for a bare Future that the body returns, and cancels it", () =>
    isolated(async () => {
      const future = new Future<void>();

      expect(await thrownBy(timeout(10, () => future))).toBeInstanceOf(TimeoutError);
      expect(future.cancelled).toBe(true);
    }));

  test("takes a body that is no async function, and what it throws", () =>
    isolated(async () => {
      const failure = new Error("at once");

      expect(await timeout(10, () => 5)).toBe(5);
      expect(
        await thrownBy(
          timeout(10, () => {
            throw failure;
          }),
        ),
      ).toBe(failure);
    }));

  test("passes other errors, also those of a cleanup behind the deadline", () =>
    isolated(async () => {
      const failure = new Error("another");
      const cleanup = new Error("cleanup");

      expect(await thrownBy(timeout(10, () => Promise.reject(failure)))).toBe(failure);
      expect(
        await thrownBy(timeout(10, () => sleep(60_000).then(null, () => Promise.reject(cleanup)))),
      ).toBe(cleanup);
      expect(currentTask()?.cancelling()).toBe(0);
    }));

  test("gives the result of a body that swallows the interruption, and shows as expired", () =>
    isolated(async () => {
      let deadline: Timeout | undefined;

      const result = await timeout(10, async (own) => {
        deadline = own;
        await thrownBy(sleep(60_000));
        await sleep(10);
        return "anyway";
      });

      expect(result).toBe("anyway");
      expect(deadline?.expired).toBe(true);
      expect(currentTask()?.cancelling()).toBe(0);
    }));

  test.each([[0], [-1], [-Infinity]])("interrupts the first wait for %d", (delay) =>
    isolated(async () => {
      const steps: string[] = [];

      const error = await thrownBy(
        timeout(delay, async () => {
          steps.push("begins");
          await Promise.resolve();
          steps.push("goes on");
          await sleep(10);
          steps.push("not reached");
        }),
      );

      expect(error).toBeInstanceOf(TimeoutError);
      expect(steps).toEqual(["begins", "goes on"]);
      expect(getRunningLoop().time()).toBe(0);
    }),
  );

  test("lets a body that never waits end in spite of a deadline of zero", () =>
    isolated(async () => {
      expect(await timeout(0, async () => "ended")).toBe("ended");
      expect(await sleep(10, "undisturbed")).toBe("undisturbed");
    }));

  test.each([[null], [Infinity]])("has no limit for %o", (delay) =>
    isolated(async () => {
      expect(await timeout(delay, () => sleep(1e12, "at last"))).toBe("at last");
    }),
  );

  test("sets no timer that outlives the body", () =>
    isolated(async () => {
      await timeout(60_000, () => sleep(10));
      await sleep(1);

      expect(getRunningLoop().time()).toBe(11);
    }));

  test.each([null, Infinity])("sets none at all without a limit: %d", (limit) =>
    isolated(async () => {
      const { timers, when } = await timeout(limit, (deadline) => ({
        timers: getRunningLoop().workload.timers,
        when: deadline.when,
      }));

      expect([timers, when]).toEqual([0, limit]);
    }),
  );

  test("begins at the call", () =>
    isolated(async () => {
      const bounded = timeout(100, () => sleep(90, "in time"));
      await sleep(50);

      expect(await bounded).toBe("in time");
      expect(getRunningLoop().time()).toBe(90);
    }));

  test("is an unhandled rejection for nobody when it is cancelled and left alone", () =>
    isolated(async () => {
      timeout(100, () => sleep(60_000)).cancel();

      expect(await sleep(10, "nothing happened")).toBe("nothing happened");
    }));

  test("is interrupted by its own cancel, with a CancelledError", () =>
    isolated(async () => {
      const bounded = timeout(100, () => sleep(60_000));
      getRunningLoop().callLater(10, () => bounded.cancel("enough"));

      expect(await thrownBy(bounded)).toMatchObject({
        name: "CancelledError",
        message: "enough",
      });
    }));

  test("needs a task", () =>
    isolated(async () => {
      const thrown = new Future<unknown>();
      getRunningLoop().callSoon(() => {
        try {
          void timeout(10, () => 1);
        } catch (error) {
          thrown.setResult(error);
        }
      });

      expect(await thrown).toBeInstanceOf(RuntimeError);
      expect(await thrown).toMatchObject({ message: expect.stringContaining("needs a task") });
    }));

  test("needs a loop", () => {
    expect(() => timeout(10, () => 1)).toThrow(RuntimeError);
    expect(() => timeout(null, () => 1)).toThrow(RuntimeError);
  });

  test("refuses NaN, other values, and a promise for a body", () =>
    isolated(async () => {
      let called = false;
      const body = (): void => {
        called = true;
      };

      expect(() => timeout(NaN, body)).toThrow(RangeError);
      // @ts-expect-error -- no number
      expect(() => timeout("5", body)).toThrow(TypeError);
      // @ts-expect-error -- no number
      expect(() => timeout(undefined, body)).toThrow(TypeError);
      // @ts-expect-error -- has started already
      expect(() => timeout(5, Promise.resolve())).toThrow(/pass a function that starts the work/);
      expect(called).toBe(false);
    }));

  test("keeps the async context of the caller", () =>
    isolated(async () => {
      const user = new AsyncLocalStorage<string>();

      const seen = await user.run("caller", () =>
        timeout(100, async () => {
          await sleep(10);
          return user.getStore();
        }),
      );

      expect(seen).toBe("caller");
    }));

  test("stops what a task started inside it does not: that belongs to itself", () =>
    isolated(async () => {
      let task: Task<string> | undefined;

      await thrownBy(
        timeout(10, async () => {
          task = createTask(() => sleep(100, "goes on"));
          await sleep(60_000);
        }),
      );

      expect(await task).toBe("goes on");
    }));
});

describe("timeout, nested", () => {
  test("throws TimeoutError from the inner one only, when that is over", () =>
    isolated(async () => {
      const result = await timeout(100, async (outer) => {
        const error = await thrownBy(timeout(10, () => sleep(60_000)));
        await sleep(50);
        return { error, expired: outer.expired };
      });

      expect(result).toMatchObject({ error: { name: "TimeoutError" }, expired: false });
    }));

  test("passes the cancellation of the outer one through the inner one", () =>
    isolated(async () => {
      let inside: unknown;

      const error = await thrownBy(
        timeout(10, async () => {
          inside = await thrownBy(timeout(100, () => sleep(60_000)));
          throw inside;
        }),
      );

      expect(inside).toBeInstanceOf(CancelledError);
      expect(error).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(10);
    }));

  test("throws TimeoutError from the outer one when both are over at once", () =>
    isolated(async () => {
      const expired: boolean[] = [];
      let inside: unknown;

      const error = await thrownBy(
        timeoutAt(10, async (outer) => {
          try {
            await timeoutAt(10, async (inner) => {
              try {
                await sleep(60_000);
              } finally {
                expired.push(inner.expired, outer.expired);
              }
            });
          } catch (thrown) {
            inside = thrown;
            throw thrown;
          }
        }),
      );

      expect(inside).toBeInstanceOf(CancelledError);
      expect(error).toBeInstanceOf(TimeoutError);
      expect(expired).toEqual([true, true]);
      expect(currentTask()?.cancelling()).toBe(0);
    }));

  test("throws TimeoutError from the outermost of those that are over first, for any delays", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 5 }),
        fc.integer({ min: 1, max: 6 }),
        async (delays, work) => {
          const seen = await isolated(async () => {
            const names: string[] = []; // what comes out of each, innermost first
            const nest = async (depth: number): Promise<void> => {
              const delay = delays[depth];
              if (delay === undefined) return await sleep(work);
              try {
                await timeout(delay, () => nest(depth + 1));
                names.unshift("result");
              } catch (error) {
                names.unshift((error as Error).name);
                throw error;
              }
            };
            await nest(0).then(null, () => undefined);
            return [...names, getRunningLoop().time(), currentTask()?.cancelling()];
          });

          const first = Math.min(...delays);
          const place = delays.indexOf(first);
          const expected = delays.map((_, depth) => {
            if (work < first) return "result";
            return depth > place ? "CancelledError" : "TimeoutError";
          });
          expect(seen).toEqual([...expected, Math.min(first, work), 0]);
        },
      ),
    ));
});

describe("timeout, cancelled from outside", () => {
  test("passes the CancelledError before the deadline", () =>
    isolated(async () => {
      const task = createTask(() => timeout(100, () => sleep(60_000)));
      await sleep(10);

      task.cancel("outside");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "outside" });
      expect(task.cancelling()).toBe(1);
    }));

  test.each([
    ["just before", true],
    ["just after", false],
  ])("passes the CancelledError %s the deadline in the same turn", (_, before) =>
    isolated(async () => {
      const loop = getRunningLoop();
      const cancel = (): void => void task.cancel("outside");
      if (before) loop.callAt(10, cancel);
      const task = createTask(() => timeoutAt(10, () => sleep(60_000)));
      await sleep(5);
      if (!before) loop.callAt(10, cancel);

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(task.cancelled).toBe(true);
      expect(task.cancelling()).toBe(1);
    }),
  );

  test.each([
    ["timeout", "TimeoutError"],
    ["moveOnAfter", "nothing"],
  ])("is a deadline like any other inside of a shield: %s", (name, expected) =>
    isolated(async () => {
      const log: string[] = [];
      const limited = name === "timeout" ? timeout : moveOnAfter;
      const task = createTask(async () => {
        await new CancelScope({ shielded: true }).run(async () => {
          const error = await limited(100, () => sleep(60_000)).then(null, (thrown) => thrown);
          log.push(error instanceof Error ? error.name : "nothing");
        });
        await sleep(10);
        log.push("unreachable");
      });
      await sleep(50);

      task.cancel("outside");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "outside" });
      expect(log).toEqual([expected]);
    }),
  );

  test("throws a request that came during the cleanup behind the deadline", () =>
    isolated(async () => {
      const task = createTask(() =>
        timeout(10, async () => {
          try {
            await sleep(60_000);
          } finally {
            await sleep(100);
          }
        }),
      );
      await sleep(50);

      task.cancel("outside");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "outside" });
      expect(getRunningLoop().time()).toBe(50);
    }));

  test("has the task interrupted at its next wait when the body was done already", () =>
    isolated(async () => {
      const future = new Future<string>();
      const steps: unknown[] = [];
      const task = createTask(async () => {
        try {
          steps.push(await timeout(100, async () => await future));
        } catch (error) {
          steps.push((error as Error).message);
          throw error;
        }
      });
      await sleep(10);

      future.setResult("done");
      task.cancel("at the moment of waking");

      await thrownBy(task);
      expect(steps).toEqual(["at the moment of waking"]);
    }));
});

describe("Timeout", () => {
  test("tells its deadline", () =>
    isolated(async () => {
      await sleep(5);

      const seen = await gather(
        () => timeout(10, (own) => own.when),
        () => timeoutAt(7, (own) => own.when),
        () => timeout(null, (own) => own.when),
        () => timeout(-3, (own) => own.when),
      );

      expect(seen).toEqual([15, 7, null, 2]);
    }));

  test("can be moved to a later time", () =>
    isolated(async () => {
      const result = await timeout(10, async (own) => {
        await sleep(5);
        own.reschedule(100);
        return await sleep(50, own.when);
      });

      expect(result).toBe(100);
    }));

  test("can be moved to an earlier time", () =>
    isolated(async () => {
      const error = await thrownBy(
        timeout(100, async (own) => {
          own.reschedule(10);
          await sleep(60_000);
        }),
      );

      expect(error).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(10);
    }));

  test("interrupts the next wait when it is moved into the past", () =>
    isolated(async () => {
      await sleep(20);

      const error = await thrownBy(
        timeout(null, async (own) => {
          own.reschedule(10);
          await sleep(60_000);
        }),
      );

      expect(error).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(20);
    }));

  test("can be taken back", () =>
    isolated(async () => {
      const result = await timeout(10, async (own) => {
        own.reschedule(null);
        return await sleep(100, own.when);
      });

      expect(result).toBeNull();
    }));

  test("cannot be moved when it has expired, nor when the body has ended", () =>
    isolated(async () => {
      const deadlines: Timeout[] = [];
      const errors: unknown[] = [];
      await timeout(10, async (own) => {
        deadlines.push(own);
        errors.push(await thrownBy(sleep(60_000).then(null, () => own.reschedule(100))));
      });
      await timeout(10, (own) => deadlines.push(own));

      const [expired, finished] = deadlines;
      expect(errors).toEqual([expect.any(RuntimeError)]);
      expect(() => expired?.reschedule(100)).toThrow(/is expired/);
      expect(() => finished?.reschedule(100)).toThrow(/is finished/);
    }));

  test("refuses a deadline that is no number of milliseconds", () =>
    isolated(async () => {
      await timeout(10, (own) => {
        expect(() => own.reschedule(NaN)).toThrow(RangeError);
        // @ts-expect-error -- no number
        expect(() => own.reschedule("5")).toThrow(TypeError);
        expect(own.when).toBe(10);
      });
    }));

  test("shows its state", () =>
    isolated(async () => {
      const seen: string[] = [];
      let deadline: Timeout | undefined;
      await timeout(10, async (own) => {
        deadline = own;
        seen.push(inspect(own));
        await thrownBy(sleep(60_000));
        seen.push(inspect(own));
      });
      seen.push(inspect(deadline));
      await timeout(null, (own) => {
        deadline = own;
      });

      expect([...seen, inspect(deadline)]).toEqual([
        "<Timeout active when=10>",
        expect.stringMatching(/^<Timeout expiring/),
        expect.stringMatching(/^<Timeout expired/),
        "<Timeout finished when=null>",
      ]);
    }));
});

describe("timeoutAt", () => {
  test("throws when the clock shows the time", () =>
    isolated(async () => {
      await sleep(20);

      expect(await thrownBy(timeoutAt(50, () => sleep(60_000)))).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(50);
    }));

  test("interrupts the first wait when the time has passed", () =>
    isolated(async () => {
      await sleep(20);

      expect(await thrownBy(timeoutAt(10, () => sleep(60_000)))).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(20);
    }));

  test("refuses NaN", () =>
    isolated(async () => {
      expect(() => timeoutAt(NaN, () => 1)).toThrow(RangeError);
    }));
});

describe("moveOnAfter", () => {
  test("gives the result of a body that is in time, and nothing for one that is not", () =>
    isolated(async () => {
      const inTime = await moveOnAfter(100, () => sleep(10, "in time"));

      expectTypeOf(inTime).toEqualTypeOf<string | undefined>();
      expect(inTime).toBe("in time");
      expect(await moveOnAfter(100, () => sleep(60_000, "late"))).toBeUndefined();
      expect(getRunningLoop().time()).toBe(110);
    }));

  test("throws a TimeoutError that is not its own", () =>
    isolated(async () => {
      const own = new TimeoutError("of the body");

      expect(await thrownBy(moveOnAfter(100, () => Promise.reject(own)))).toBe(own);
      expect(
        await thrownBy(timeout(10, () => moveOnAfter(100, () => sleep(60_000)))),
      ).toBeInstanceOf(TimeoutError);
    }));

  test("gives the result of a body that swallows the interruption", () =>
    isolated(async () => {
      const result = await moveOnAfter(10, async (own) => {
        await thrownBy(sleep(60_000));
        return own.expired;
      });

      expect(result).toBe(true);
    }));

  test("refuses what timeout refuses", () =>
    isolated(async () => {
      expect(() => moveOnAfter(NaN, () => 1)).toThrow(RangeError);
      // @ts-expect-error -- has started already
      expect(() => moveOnAfter(5, Promise.resolve())).toThrow(TypeError);
    }));

  test("throws a cancellation from outside that was still to strike at the call, though the deadline passes, too", () =>
    isolated(async () => {
      const log: string[] = [];
      const foreign = Promise.withResolvers<void>();
      const task = createTask(async () => {
        await foreign.promise;
        await moveOnAfter(0, () => sleep(60_000));
        log.push("unreachable");
      });
      await yieldNow();

      task.cancel("outside");
      foreign.resolve();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(log).toEqual([]);
    }));

  test("throws a cancellation from outside", () =>
    isolated(async () => {
      const task = createTask(() => moveOnAfter(100, () => sleep(60_000)));
      await sleep(10);

      task.cancel("outside");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "outside" });
    }));

  test("interrupts a group inside it, and all of its tasks", () =>
    isolated(async () => {
      const cleaned: string[] = [];

      await moveOnAfter(10, () =>
        taskGroup((group) => {
          for (const name of ["a", "b"]) {
            void group.createTask(async () => {
              try {
                await sleep(60_000);
              } finally {
                cleaned.push(name);
              }
            });
          }
        }),
      );

      expect(cleaned).toEqual(["a", "b"]);
    }));
});
