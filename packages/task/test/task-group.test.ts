import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import {
  abortSignal,
  CancelScope,
  Future,
  getRunningLoop,
  isCancelled,
  RuntimeError,
  SystemExit,
} from "@aio/loop";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  createTask,
  currentTask,
  ExceptionGroup,
  sleep,
  type Task,
  TaskGroup,
  taskGroup,
  timeout,
  yieldNow,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { collectReports } from "./reports.ts";
import { thrownBy } from "./thrown-by.ts";

/** Sleeps for `delay`, then throws. */
async function failAfter(delay: number, message = `after ${delay}`): Promise<never> {
  await sleep(delay);
  throw new Error(message);
}

/** Sleeps until it is cancelled, and notes that. */
async function sleepOn(notes: string[], name = "cancelled"): Promise<void> {
  try {
    await sleep(60_000);
  } finally {
    notes.push(name);
  }
}

describe("TaskGroup", () => {
  test("ends when its body and all of its tasks have ended", () =>
    isolated(async () => {
      const result = await taskGroup(async (group) => {
        const slow = group.createTask(() => sleep(100, "slow"));
        const fast = group.createTask(() => sleep(10, "fast"));
        return { slow, fast };
      });

      expectTypeOf(result).toEqualTypeOf<{ slow: Task<string>; fast: Task<string> } | undefined>();
      expect([result?.slow.result(), result?.fast.result()]).toEqual(["slow", "fast"]);
      expect(getRunningLoop().time()).toBe(100);
    }));

  test("takes a body that is no async function, and one that starts nothing", () =>
    isolated(async () => {
      expect(await taskGroup(() => "nothing to do")).toBe("nothing to do");
    }));

  test("runs its body in the task that makes it, and its tasks beside", () =>
    isolated(async () => {
      const seen = await taskGroup((group) => {
        const task = group.createTask(() => ({ inside: currentTask() }));
        return { body: currentTask(), task };
      });

      expect(seen?.body).toBe(currentTask());
      expect(seen?.task.result().inside).toBe(seen?.task);
    }));

  test("takes tasks from its tasks, also while the body has ended", () =>
    isolated(async () => {
      const order: string[] = [];

      await taskGroup((group) => {
        void group.createTask(async () => {
          await sleep(10);
          void group.createTask(async () => {
            await sleep(10);
            order.push("grandchild");
          });
          order.push("child");
        });
      });

      expect(order).toEqual(["child", "grandchild"]);
    }));

  test("passes names and signals on to its tasks", () =>
    isolated(async () => {
      const controller = new AbortController();
      const task = await taskGroup((group) => {
        getRunningLoop().callLater(10, () => controller.abort());
        return {
          task: group.createTask(() => sleep(60_000), {
            name: "worker",
            signal: controller.signal,
          }),
        };
      });

      expect(task?.task.name).toBe("worker");
      expect(task?.task.cancelled).toBe(true);
    }));

  test("lets the others go on when one task is cancelled by itself", () =>
    isolated(async () => {
      const other = await taskGroup(async (group) => {
        const cancelled = group.createTask(() => sleep(60_000));
        const task = group.createTask(() => sleep(20, "goes on"));
        await sleep(10);
        cancelled.cancel();
        await sleep(20);
        return { task };
      });

      expect(other?.task.result()).toBe("goes on");
      expect(getRunningLoop().time()).toBe(30);
    }));

  test("gives its tasks the async context of the caller", () =>
    isolated(async () => {
      const user = new AsyncLocalStorage<string>();
      const seen: unknown[] = [];

      await user.run("caller", () =>
        taskGroup(async (group) => {
          void group.createTask(() => seen.push(user.getStore()));
          await yieldNow();
          seen.push(user.getStore());
        }),
      );

      expect(seen).toEqual(["caller", "caller"]);
    }));

  test("shows its state", () =>
    isolated(async () => {
      const group = new TaskGroup();
      const seen = [inspect(group)];
      const running = group.run(async () => {
        void group.createTask(() => sleep(60_000));
        seen.push(inspect(group));
        group.cancel();
        seen.push(inspect(group));
      });
      await running;

      expect(seen).toEqual([
        "<TaskGroup created tasks=0 errors=0>",
        "<TaskGroup entered tasks=1 errors=0>",
        "<TaskGroup cancelling tasks=1 errors=0>",
      ]);
    }));
});

describe("TaskGroup, when something fails", () => {
  test("cancels all other tasks and the body, and throws the error in a group", () =>
    isolated(async () => {
      const cancelled: string[] = [];

      const error = await thrownBy(
        taskGroup(async (group) => {
          void group.createTask(() => sleepOn(cancelled, "other"));
          void group.createTask(() => failAfter(10));
          await sleepOn(cancelled, "body");
        }),
      );

      expect(error).toBeInstanceOf(ExceptionGroup);
      expect(error).toMatchObject({
        message: "unhandled errors in a TaskGroup",
        errors: [{ message: "after 10" }],
      });
      expect(cancelled.toSorted()).toEqual(["body", "other"]);
      expect(getRunningLoop().time()).toBe(10);
      expect(currentTask()?.cancelling()).toBe(0);
    }));

  test("tells its tasks who asks", () =>
    isolated(async () => {
      const reasons: unknown[] = [];

      await thrownBy(
        taskGroup((group) => {
          void group.createTask(async () => {
            reasons.push(await thrownBy(sleep(60_000)));
          });
          void group.createTask(() => failAfter(10));
        }),
      );

      expect(reasons).toMatchObject([{ name: "CancelledError", reason: "group" }]);
    }));

  test("throws all errors: of the tasks in the order of their ends, of the body last", () =>
    isolated(async () => {
      const error = await thrownBy(
        taskGroup(async (group) => {
          void group.createTask(() => failAfter(20, "first"));
          void group.createTask(() => sleep(60_000).then(null, () => failAfter(20, "third")));
          void group.createTask(() => sleep(60_000).then(null, () => failAfter(10, "second")));
          await sleep(60_000).then(null, () => failAfter(30, "body"));
        }),
      );

      expect((error as ExceptionGroup).errors).toMatchObject([
        { message: "first" },
        { message: "second" },
        { message: "third" },
        { message: "body" },
      ]);
    }));

  test("cancels its tasks when the body fails, and puts that error into a group, too", () =>
    isolated(async () => {
      const cancelled: string[] = [];

      const error = await thrownBy(
        taskGroup(async (group) => {
          void group.createTask(() => sleepOn(cancelled));
          await failAfter(10, "body");
        }),
      );

      expect(error).toMatchObject({ errors: [{ message: "body" }] });
      expect(cancelled).toEqual(["cancelled"]);
    }));

  test("does so for a body that throws at once", () =>
    isolated(async () => {
      const error = await thrownBy(
        taskGroup(() => {
          throw new Error("at once");
        }),
      );

      expect(error).toMatchObject({ name: "ExceptionGroup", errors: [{ message: "at once" }] });
    }));

  test("keeps what was thrown when it is no Error", () =>
    isolated(async () => {
      const error = await thrownBy(
        taskGroup((group) => {
          // oxlint-disable-next-line prefer-promise-reject-errors -- a value of another kind
          void group.createTask(() => Promise.reject("a string"));
        }),
      );

      expect((error as ExceptionGroup).errors).toMatchObject([{ cause: "a string" }]);
    }));

  test("has those who listen to its signals run to their next wait before the loop goes on", () =>
    isolated(async () => {
      const log: string[] = [];
      const listening = async (): Promise<void> => {
        const signal = abortSignal();
        getRunningLoop().callSoon(() => log.push("next step")); // behind the end of the other task
        await new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => resolve(), { once: true });
        });
        log.push("stopped");
      };

      const error = await thrownBy(
        taskGroup((group) => {
          void group.createTask(() => Promise.reject(new Error("failed")));
          void group.createTask(listening);
        }),
      );

      expect(error).toBeInstanceOf(ExceptionGroup);
      expect(log).toEqual(["stopped", "next step"]);
    }));

  test("waits for tasks that are slow to end", () =>
    isolated(async () => {
      await thrownBy(
        taskGroup((group) => {
          void group.createTask(() => failAfter(10));
          void group.createTask(async () => {
            try {
              await sleep(60_000);
            } finally {
              await sleep(100);
            }
          });
        }),
      );

      expect(getRunningLoop().time()).toBe(110);
    }));

  test("reports nothing to the exception handler", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      await thrownBy(
        taskGroup((group) => {
          void group.createTask(() => failAfter(10));
          void group.createTask(() => failAfter(10));
        }),
      );
      return collected;
    });

    expect(reports).toEqual([]);
  });

  test("throws SystemExit bare, when all tasks have ended", async () => {
    const exit = new SystemExit(3);
    const cancelled: string[] = [];

    const error = await thrownBy(
      isolated(async () => {
        collectReports();
        await taskGroup(async (group) => {
          void group.createTask(() => sleepOn(cancelled));
          await yieldNow();
          throw exit;
        });
      }),
    );

    expect(error).toBe(exit);
    expect(cancelled).toEqual(["cancelled"]);
  });

  test("nests: the outer one gets the group of the inner one", () =>
    isolated(async () => {
      const error = await thrownBy(
        taskGroup(async (outer) => {
          void outer.createTask(() => failAfter(10, "outer"));
          await taskGroup((inner) => {
            void inner.createTask(() => failAfter(10, "inner"));
          });
        }),
      );

      expect(error).toMatchObject({
        errors: [{ message: "outer" }, { name: "ExceptionGroup", errors: [{ message: "inner" }] }],
      });
    }));

  test("interrupts an inner group when an outer one fails", () =>
    isolated(async () => {
      const cancelled: string[] = [];
      let inside: unknown;

      const error = await thrownBy(
        taskGroup(async (outer) => {
          void outer.createTask(() => failAfter(10, "outer"));
          inside = await thrownBy(
            taskGroup((inner) => {
              void inner.createTask(() => sleepOn(cancelled));
            }),
          );
          throw inside;
        }),
      );

      expect(isCancelled(inside)).toBe(true);
      expect(error).toMatchObject({ errors: [{ message: "outer" }] });
      expect(cancelled).toEqual(["cancelled"]);
    }));

  test("leaves an outer group and its tasks alone when the error is caught inside", () =>
    isolated(async () => {
      const result = await taskGroup(async (outer) => {
        const task = outer.createTask(() => sleep(50, "undisturbed"));
        await thrownBy(taskGroup(() => failAfter(10)));
        return { task };
      });

      expect(result?.task.result()).toBe("undisturbed");
    }));
});

describe("TaskGroup, when the task around it is cancelled", () => {
  test("cancels its tasks in the body, waits for them, and passes the cancellation", () =>
    isolated(async () => {
      const cancelled: string[] = [];
      const task = createTask(() =>
        taskGroup(async (group) => {
          void group.createTask(() => sleepOn(cancelled, "task"));
          await sleepOn(cancelled, "body");
        }),
      );
      await sleep(10);

      task.cancel("outside");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "outside" });
      expect(cancelled.toSorted()).toEqual(["body", "task"]);
      expect(task.cancelling()).toBe(1);
    }));

  test("cancels its tasks while it waits for them", () =>
    isolated(async () => {
      const cancelled: string[] = [];
      const task = createTask(() =>
        taskGroup((group) => {
          void group.createTask(() => sleepOn(cancelled));
        }),
      );
      await sleep(10);

      task.cancel("outside");

      expect(await thrownBy(task)).toMatchObject({ message: "outside" });
      expect(cancelled).toEqual(["cancelled"]);
    }));

  test("throws errors of its tasks instead, and the request is delivered at the next wait", () =>
    isolated(async () => {
      const errors: unknown[] = [];
      const task = createTask(async () => {
        errors.push(
          await thrownBy(
            taskGroup((group) => {
              void group.createTask(() => sleep(60_000).then(null, () => failAfter(1)));
            }),
          ),
        );
        await sleep(60_000);
      });
      await sleep(10);

      task.cancel();

      expect(isCancelled(await thrownBy(task))).toBe(true);
      expect(errors).toMatchObject([{ name: "ExceptionGroup", errors: [{ message: "after 1" }] }]);
      expect(task.cancelling()).toBe(1);
      expect(getRunningLoop().time()).toBe(11);
    }));

  test("passes the cancellation that comes at the moment when it ends", () =>
    isolated(async () => {
      const gate = new Future<void>();
      const task = createTask(() => taskGroup(async () => await gate));
      await yieldNow();

      gate.setResult();
      task.cancel("now");

      expect(await thrownBy(task)).toMatchObject({ message: "now" });
    }));

  test("is interrupted by a deadline around it", () =>
    isolated(async () => {
      const cancelled: string[] = [];

      const error = await thrownBy(
        timeout(10, () =>
          taskGroup((group) => {
            void group.createTask(() => sleepOn(cancelled));
          }),
        ),
      );

      expect(error).toMatchObject({ name: "TimeoutError" });
      expect(cancelled).toEqual(["cancelled"]);
    }));

  test("keeps another branch of the same task out of it when it fails", () =>
    isolated(async () => {
      const [error, other] = await Promise.all([
        thrownBy(taskGroup(() => failAfter(10))),
        sleep(20, "undisturbed"),
      ]);

      expect(error).toBeInstanceOf(ExceptionGroup);
      expect(other).toBe("undisturbed");
    }));
});

describe("TaskGroup.cancel", () => {
  test("cancels the tasks and the body, and ends without an error", () =>
    isolated(async () => {
      const cancelled: string[] = [];

      const result = await taskGroup(async (group) => {
        void group.createTask(() => sleepOn(cancelled, "task"));
        getRunningLoop().callLater(10, () => group.cancel());
        await sleepOn(cancelled, "body");
        return "not reached";
      });

      expect(result).toBeUndefined();
      expect(cancelled.toSorted()).toEqual(["body", "task"]);
      expect(currentTask()?.cancelling()).toBe(0);
      expect(await sleep(10, "goes on")).toBe("goes on");
    }));

  test("keeps the result of a body that has ended", () =>
    isolated(async () => {
      const result = await taskGroup((group) => {
        void group.createTask(() => sleep(60_000));
        getRunningLoop().callLater(10, () => group.cancel());
        return "the body's";
      });

      expect(result).toBe("the body's");
      expect(getRunningLoop().time()).toBe(10);
    }));

  test("may be called by one of its tasks, twice, and after the end", () =>
    isolated(async () => {
      const cancelled: string[] = [];
      const group = new TaskGroup();

      await group.run(() => {
        void group.createTask(() => sleepOn(cancelled));
        void group.createTask(async () => {
          await sleep(10);
          group.cancel();
          group.cancel();
        });
      });
      group.cancel();

      expect(cancelled).toEqual(["cancelled"]);
    }));

  test("may be called before the group is entered: its body is interrupted at the first wait", () =>
    isolated(async () => {
      const steps: string[] = [];
      const group = new TaskGroup();
      group.cancel();

      await group.run(async () => {
        steps.push("begins");
        await sleep(60_000);
        steps.push("not reached");
      });

      expect(steps).toEqual(["begins"]);
      expect(getRunningLoop().time()).toBe(0);
    }));

  test("ends without an error inside of a shield, though the task around was cancelled", () =>
    isolated(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        try {
          await sleep(60_000);
        } finally {
          await new CancelScope({ shielded: true }).run(async () => {
            await taskGroup(async (group) => {
              group.cancel();
              await sleep(60_000);
            });
            log.push("cleaned up");
          });
        }
      });
      await yieldNow();

      task.cancel("outside");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "outside" });
      expect(log).toEqual(["cleaned up"]);
    }));

  test("does not hide errors that the tasks throw on their way out", () =>
    isolated(async () => {
      const error = await thrownBy(
        taskGroup(async (group) => {
          void group.createTask(() => sleep(60_000).then(null, () => failAfter(1)));
          await sleep(10);
          group.cancel();
        }),
      );

      expect(error).toMatchObject({ errors: [{ message: "after 1" }] });
    }));

  test("is not what an outside cancellation during the shutdown is lost in", () =>
    isolated(async () => {
      const task = createTask(() =>
        taskGroup(async (group) => {
          void group.createTask(async () => {
            try {
              await sleep(60_000);
            } finally {
              await sleep(100);
            }
          });
          await sleep(10);
          group.cancel();
        }),
      );
      await sleep(50);

      task.cancel("outside");

      expect(isCancelled(await thrownBy(task))).toBe(true);
    }));

  test("cancels an eager task that calls it before its first wait", () =>
    isolated(async () => {
      await taskGroup(async (group) => {
        void group.createTask(
          async () => {
            group.cancel();
            await sleep(60_000);
          },
          { eagerStart: true },
        );
      });

      expect(getRunningLoop().time()).toBe(0);
    }));
});

describe("TaskGroup, misused", () => {
  test("takes no tasks before it is entered, and says where to create them", () =>
    isolated(async () => {
      const group = new TaskGroup();

      expect(() => group.createTask(() => 1)).toThrow(
        new RuntimeError(
          "The task group is not entered yet; create its tasks in the body of run()",
        ),
      );
    }));

  test("takes no tasks after its end", () =>
    isolated(async () => {
      const group = new TaskGroup();
      await group.run(() => undefined);

      expect(() => group.createTask(() => 1)).toThrow(/^The task group is finished/);
    }));

  test("takes no tasks while it is shutting down", () =>
    isolated(async () => {
      let refused: unknown;
      await taskGroup(async (group) => {
        group.cancel();
        try {
          void group.createTask(() => 1);
        } catch (error) {
          refused = error;
        }
      });

      expect(refused).toBeInstanceOf(RuntimeError);
      expect(refused).toMatchObject({ message: expect.stringContaining("shutting down") });
    }));

  test("runs once", () =>
    isolated(async () => {
      const group = new TaskGroup();
      await group.run(() => undefined);

      expect(() => group.run(() => undefined)).toThrow(
        new RuntimeError("The task group is finished; make a new one"),
      );
    }));

  test("needs a task", () =>
    isolated(async () => {
      const thrown = new Future<unknown>();
      getRunningLoop().callSoon(() => {
        try {
          void taskGroup(() => 1);
        } catch (error) {
          thrown.setResult(error);
        }
      });

      expect(await thrown).toBeInstanceOf(RuntimeError);
      expect(() => new TaskGroup()).not.toThrow();
    }));

  test("refuses promises for its body and its tasks", () =>
    isolated(async () => {
      // @ts-expect-error -- has started already
      expect(() => taskGroup(Promise.resolve())).toThrow(TypeError);
      await taskGroup((group) => {
        // @ts-expect-error -- has started already
        expect(() => group.createTask(Promise.resolve())).toThrow(/pass a function/);
      });
    }));
});

describe("TaskGroup with a limit", () => {
  test("runs so many at a time, in the order in which they came", () =>
    isolated(async () => {
      const log: string[] = [];
      const loop = getRunningLoop();

      await taskGroup(
        (group) => {
          for (const name of ["a", "b", "c", "d"]) {
            void group.createTask(async () => {
              log.push(`${name}@${loop.time()}`);
              await sleep(10);
            });
          }
        },
        { limit: 2 },
      );

      expect(log).toEqual(["a@0", "b@0", "c@10", "d@10"]);
    }));

  test("gives the slot of a cancelled task to the next", () =>
    isolated(async () => {
      const result = await taskGroup(
        async (group) => {
          const first = group.createTask(() => sleep(60_000));
          const waiting = group.createTask(() => sleep(1, "cancelled while it waited"));
          const last = group.createTask(() => sleep(10, "last"));
          await sleep(10);
          waiting.cancel();
          first.cancel();
          return { last };
        },
        { limit: 1 },
      );

      expect(result?.last.result()).toBe("last");
      expect(getRunningLoop().time()).toBe(20);
    }));

  test("loses no slot to a task that is cancelled at the moment when its turn comes", () =>
    isolated(async () => {
      const gate = new Future<void>();
      const result = await taskGroup(
        async (group) => {
          const first = group.createTask(async () => await gate);
          const next = group.createTask(() => "not begun");
          const last = group.createTask(() => "last");
          await yieldNow();
          gate.setResult();
          await first;
          next.cancel();
          return { last };
        },
        { limit: 1 },
      );

      expect(result?.last.result()).toBe("last");
    }));

  test("cancels those that wait for their turn when one fails", () =>
    isolated(async () => {
      const begun: string[] = [];

      const error = await thrownBy(
        taskGroup(
          (group) => {
            void group.createTask(() => failAfter(10));
            void group.createTask(() => begun.push("second"));
          },
          { limit: 1 },
        ),
      );

      expect(error).toMatchObject({ errors: [{ message: "after 10" }] });
      expect(begun).toEqual([]);
    }));

  test.each([[0], [-1], [1.5], [NaN]])("refuses a limit of %d", (limit) => {
    expect(() => new TaskGroup({ limit })).toThrow(RangeError);
  });

  test("never runs more than the limit, and all in the end, for any tasks", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 9 }))),
        async (limit, works) => {
          await isolated(async () => {
            let running = 0;
            let most = 0;
            const begun: number[] = [];
            const work = async (delay: number, place: number): Promise<void> => {
              begun.push(place);
              running += 1;
              most = Math.max(most, running);
              try {
                await sleep(delay);
              } finally {
                running -= 1;
              }
            };

            await taskGroup(
              (group) => {
                for (const [place, [delay, cancelAt]] of works.entries()) {
                  const task = group.createTask(() => work(delay, place));
                  if (cancelAt < 5) getRunningLoop().callLater(cancelAt, () => task.cancel());
                }
              },
              { limit },
            );

            expect(most).toBeLessThanOrEqual(limit);
            expect(running).toBe(0);
            expect(begun).toEqual(begun.toSorted((a, b) => a - b));
            const sure = works.flatMap(([, cancelAt], place) => (cancelAt < 5 ? [] : [place]));
            expect(begun).toEqual(expect.arrayContaining(sure));
          });
        },
      ),
    ));
});

describe("TaskGroup.start", () => {
  test("waits until the task says that it has started; the task goes on", () =>
    isolated(async () => {
      const log: string[] = [];

      await taskGroup(async (group) => {
        const port = await group.start<number>(async (started) => {
          await sleep(10);
          started(8080);
          await sleep(10);
          log.push("served");
        });
        log.push(`listening on ${port}`);
      });

      expect(log).toEqual(["listening on 8080", "served"]);
    }));

  test("throws what the task throws before, and the group does not", () =>
    isolated(async () => {
      const result = await taskGroup(async (group) => {
        const error = await thrownBy(group.start(() => failAfter(10, "port in use")));
        return (error as Error).message;
      });

      expect(result).toBe("port in use");
    }));

  test("has the group throw what the task throws afterwards", () =>
    isolated(async () => {
      const error = await thrownBy(
        taskGroup(async (group) => {
          await group.start(async (started) => {
            started();
            await failAfter(10, "crashed");
          });
          await sleep(60_000);
        }),
      );

      expect(error).toMatchObject({ errors: [{ message: "crashed" }] });
    }));

  test("throws when the task ends without a word", () =>
    isolated(async () => {
      const error = await taskGroup((group) => thrownBy(group.start(() => sleep(10))));

      expect(error).toBeInstanceOf(RuntimeError);
    }));

  test("cancels the task when the wait for it is cancelled", () =>
    isolated(async () => {
      const cancelled: string[] = [];

      const error = await taskGroup((group) =>
        thrownBy(timeout(10, () => group.start(() => sleepOn(cancelled)))),
      );

      expect(error).toMatchObject({ name: "TimeoutError" });
      expect(cancelled).toEqual(["cancelled"]);
    }));

  test("lets the task go on when the wait for it is cancelled just behind its start", () =>
    isolated(async () => {
      const log: string[] = [];

      await taskGroup(async (group) => {
        const starting = group.start(async (started) => {
          await sleep(10);
          started();
          starting.cancel("too late");
          await sleep(10);
          log.push("served");
        });
        log.push(String(await thrownBy(starting)));
      });

      expect(log).toEqual(["CancelledError: too late", "served"]);
    }));

  test("is cancelled without an error of the group at the moment when the task starts", () =>
    isolated(async () => {
      const gate = new Future<void>();

      const error = await taskGroup(async (group) => {
        const starting = group.start(async (started) => {
          await gate;
          started();
          await sleep(10);
        });
        await yieldNow();
        gate.setResult();
        starting.cancel("changed my mind");
        return await thrownBy(starting);
      });

      expect(error).toMatchObject({ name: "CancelledError", message: "changed my mind" });
    }));
});
