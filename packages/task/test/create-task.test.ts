import { AsyncLocalStorage } from "node:async_hooks";
import { EventLoop, Future, getRunningLoop, RuntimeError } from "@aio/loop";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  allTasks,
  createEagerTaskFactory,
  createTask,
  currentTask,
  eagerTaskFactory,
  ensureFuture,
  gather,
  getTaskFactory,
  setTaskFactory,
  sleep,
  Task,
  taskGroup,
  yieldNow,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { collectReports } from "./reports.ts";
import { thrownBy } from "./thrown-by.ts";

describe("createTask", () => {
  test("runs nothing inside the call", () =>
    isolated(async () => {
      const steps: string[] = [];
      const task = createTask(() => void steps.push("task"));
      steps.push("caller");

      await task;

      expect(steps).toEqual(["caller", "task"]);
    }));

  test("starts tasks in the order of the calls", () =>
    isolated(async () => {
      const order: number[] = [];

      const tasks = [1, 2, 3].map((number) => createTask(() => void order.push(number)));
      await gather(tasks);

      expect(order).toEqual([1, 2, 3]);
    }));

  test("infers the result", () =>
    isolated(async () => {
      const number = createTask(async () => 1);
      const text = createTask(() => "plain");

      expectTypeOf(number).toEqualTypeOf<Task<number>>();
      expectTypeOf(text).toEqualTypeOf<Task<string>>();
      expect(await gather(number, text)).toEqual([1, "plain"]);
    }));

  test("keeps the task alive when nobody holds it", () =>
    isolated(async () => {
      let ended = false;
      void createTask(async () => {
        await sleep(1_000);
        ended = true;
      });

      await sleep(2_000);

      expect(ended).toBe(true);
    }));

  test("refuses a promise, in types and when it runs, and says what to pass", () =>
    isolated(async () => {
      const promise = Promise.resolve(1);

      // @ts-expect-error -- a promise has started already
      expect(() => createTask(promise)).toThrow(
        /^Expected `coroutine` to be a function, got Promise.*pass a function that starts the work$/,
      );
    }));

  test.each([[undefined], [null], [5], ["work"], [{}]])("refuses %o", (value) =>
    isolated(async () => {
      // @ts-expect-error -- no function
      expect(() => createTask(value)).toThrow(TypeError);
      expect(allTasks().size).toBe(1);
    }),
  );

  test("needs a loop that runs", () => {
    expect(() => createTask(() => 1)).toThrow(RuntimeError);
    expect(() => createTask(() => 1)).toThrow("No event loop is running");
  });

  test("takes a loop that does not run yet", async () => {
    const loop = new EventLoop();

    const task = createTask(() => "later", { loop });

    expect(allTasks(loop)).toEqual(new Set([task]));
    expect(await loop.runUntilComplete(task)).toBe("later");
    loop.close();
  });

  test("refuses a loop that is closed, and leaves no task", () => {
    const loop = new EventLoop();
    loop.close();

    expect(() => createTask(() => 1, { loop })).toThrow(RuntimeError);
    expect(allTasks(loop).size).toBe(0);
  });
});

describe("createTask with a signal", () => {
  test("cancels the task when the signal is aborted", () =>
    isolated(async () => {
      const controller = new AbortController();
      const task = createTask(() => sleep(60_000), { signal: controller.signal });
      await sleep(10);

      controller.abort(new Error("the user left"));

      expect(await thrownBy(task)).toMatchObject({
        name: "CancelledError",
        message: "the user left",
        reason: "signal",
      });
    }));

  test("lets no task begin when the signal is aborted already", () =>
    isolated(async () => {
      let began = false;
      const task = createTask(
        () => {
          began = true;
        },
        { signal: AbortSignal.abort("no") },
      );

      expect(await thrownBy(task)).toMatchObject({ message: "'no'", reason: "signal" });
      expect(began).toBe(false);
    }));

  test("says what AbortController says when no reason was given", () =>
    isolated(async () => {
      const controller = new AbortController();
      const task = createTask(() => sleep(60_000), { signal: controller.signal });

      controller.abort();

      expect(await thrownBy(task)).toMatchObject({ message: "This operation was aborted" });
    }));

  test("lets go of the signal when the task is done", () =>
    isolated(async () => {
      const { getEventListeners } = await import("node:events");
      const { signal } = new AbortController();
      const tasks = [
        createTask(() => sleep(10), { signal }),
        createTask(() => Promise.reject(new Error("failed")), { signal }),
        createTask(() => sleep(60_000), { signal }),
      ];
      expect(getEventListeners(signal, "abort")).toHaveLength(3);

      tasks[2]?.cancel();
      await gather(tasks, { returnExceptions: true });
      await yieldNow();

      expect(getEventListeners(signal, "abort")).toEqual([]);
    }));

  test("has no listener for a signal that was aborted before", () =>
    isolated(async () => {
      const { getEventListeners } = await import("node:events");
      const signal = AbortSignal.abort();

      await thrownBy(createTask(() => 1, { signal }));

      expect(getEventListeners(signal, "abort")).toEqual([]);
    }));

  test.each([new AbortController(), null, "abort"])(
    "makes no task for what is no signal, such as %o",
    (signal) =>
      isolated(async () => {
        const before = allTasks();

        // @ts-expect-error -- no signal
        expect(() => createTask(() => 1, { signal })).toThrow(TypeError);

        expect(allTasks()).toEqual(before);
      }),
  );

  test("changes nothing when the signal is aborted after the end", () =>
    isolated(async () => {
      const controller = new AbortController();
      const task = createTask(() => 1, { signal: controller.signal });
      await task;

      controller.abort();

      expect(task.result()).toBe(1);
      expect(task.cancelling()).toBe(0);
    }));

  test("may be swallowed by the task", () =>
    isolated(async () => {
      const controller = new AbortController();
      const task = createTask(
        async () => {
          await thrownBy(sleep(60_000));
          return await sleep(10, "finished anyway");
        },
        { signal: controller.signal },
      );
      await yieldNow();

      controller.abort();

      expect(await task).toBe("finished anyway");
    }));
});

describe("createTask in an async context", () => {
  test("gives the task the context of the caller", () =>
    isolated(async () => {
      const request = new AsyncLocalStorage<string>();
      const read = async (): Promise<string | undefined> => {
        await sleep(10);
        return request.getStore();
      };

      const [first, second] = ["first", "second"].map((id) =>
        request.run(id, () => createTask(read)),
      );

      expect(await first).toBe("first");
      expect(await second).toBe("second");
      expect(await createTask(read)).toBeUndefined();
    }));

  test("keeps what a task enters from its creator and from other tasks", () =>
    isolated(async () => {
      const user = new AsyncLocalStorage<string>();
      user.enterWith("creator");
      const work = async (name: string): Promise<(string | undefined)[]> => {
        const before = user.getStore();
        user.enterWith(name);
        await sleep(10);
        return [before, user.getStore()];
      };

      const outcomes = await gather(
        () => work("a"),
        () => work("b"),
      );

      expect(outcomes).toEqual([
        ["creator", "a"],
        ["creator", "b"],
      ]);
      expect(user.getStore()).toBe("creator");
    }));

  test("keeps the context of the moment when the task was made", () =>
    isolated(async () => {
      const user = new AsyncLocalStorage<string>();
      user.enterWith("before");
      const task = createTask(() => user.getStore());

      user.enterWith("after");

      expect(await task).toBe("before");
    }));
});

describe("createTask with eagerStart", () => {
  test("runs the first step inside the call", () =>
    isolated(async () => {
      const steps: string[] = [];
      const task = createTask(
        async () => {
          steps.push("first step");
          await sleep(10);
          steps.push("second step");
        },
        { eagerStart: true },
      );
      steps.push("caller");

      await task;

      expect(steps).toEqual(["first step", "caller", "second step"]);
      expect(task.isEager).toBe(true);
    }));

  test("has a plain function done inside the call", () =>
    isolated(async () => {
      const task = createTask(() => "at once", { eagerStart: true });

      expect(task.done).toBe(true);
      expect(task.result()).toBe("at once");
      expect(allTasks().has(task)).toBe(false);
    }));

  test("has an async function that does not wait done after its first step, without a turn", () =>
    isolated(async () => {
      let turns = 0;
      getRunningLoop().callSoon(() => (turns += 1));
      const task = createTask(async () => "at once", { eagerStart: true });

      await task.firstStep;

      expect(task.done).toBe(true);
      expect(await task).toBe("at once");
      expect(turns).toBe(0);
    }));

  test("tells when the first step of one that waits has come to rest", () =>
    isolated(async () => {
      const steps: string[] = [];
      const task = createTask(
        async () => {
          await Promise.resolve();
          steps.push("still the first step");
          await sleep(10);
          steps.push("the second");
        },
        { eagerStart: true },
      );

      await task.firstStep;

      expect(steps).toEqual(["still the first step"]);
      expect(task.done).toBe(false);
      expect(allTasks().has(task)).toBe(true);
    }));

  test("is the current task in its first step, and the caller is so again afterwards", () =>
    isolated(async () => {
      const caller = currentTask();
      let inside: Task<unknown> | null = null;
      const task = createTask(
        async () => {
          inside = currentTask();
        },
        { eagerStart: true },
      );

      expect(currentTask()).toBe(caller);
      await task;
      expect(inside).toBe(task);
      expect(currentTask()).toBe(caller);
    }));

  test("keeps what the first step throws in the task", () =>
    isolated(async () => {
      const failure = new Error("in the first step");

      const task = createTask(
        () => {
          throw failure;
        },
        { eagerStart: true },
      );

      expect(task.exception()).toBe(failure);
    }));

  test("gives the task the context of the caller and keeps its own", () =>
    isolated(async () => {
      const user = new AsyncLocalStorage<string>();
      user.enterWith("caller");
      const task = createTask(
        async () => {
          const before = user.getStore();
          user.enterWith("task");
          return before;
        },
        { eagerStart: true },
      );

      expect(user.getStore()).toBe("caller");
      expect(await task).toBe("caller");
    }));

  test("is not cancelled when its first step cancels the caller", () =>
    isolated(async () => {
      const parent: Task<string> = createTask(async () => {
        const child = createTask(
          async () => {
            parent.cancel("by the child");
            return await sleep(10, "child");
          },
          { eagerStart: true },
        );
        const error = await thrownBy(sleep(60_000));
        return `${(error as Error).message}, ${await child}`;
      });

      expect(await parent).toBe("by the child, child");
    }));

  test("is put off when the loop does not run", async () => {
    const loop = new EventLoop();
    const steps: string[] = [];

    const task = createTask(() => void steps.push("task"), { loop, eagerStart: true });
    steps.push("caller");
    await loop.runUntilComplete(task);

    expect(steps).toEqual(["caller", "task"]);
    expect(task.isEager).toBe(false);
    loop.close();
  });

  test("has a first step to wait for also when it is not asked for", () =>
    isolated(async () => {
      const task = createTask(() => 1);

      await task.firstStep;

      expect(task.isEager).toBe(false);
      expect(task.done).toBe(false);
    }));
});

describe("setTaskFactory", () => {
  test("has every task of the loop made by the factory", () =>
    isolated(async () => {
      const loop = getRunningLoop();
      const made: (string | undefined)[] = [];
      setTaskFactory(loop, (factoryLoop, coroutine, options) => {
        made.push(options.name);
        return new Task(coroutine, { ...options, loop: factoryLoop });
      });

      await createTask(() => 1, { name: "plain" });
      await gather(() => 1);
      await taskGroup((group) => void group.createTask(() => 1, { name: "grouped" }));
      await ensureFuture(() => 1);

      expect(made).toEqual(["plain", undefined, "grouped", undefined]);
    }));

  test("is told by getTaskFactory, and undone by null", () =>
    isolated(async () => {
      const loop = getRunningLoop();
      expect(getTaskFactory(loop)).toBeNull();

      setTaskFactory(loop, eagerTaskFactory);
      expect(getTaskFactory(loop)).toBe(eagerTaskFactory);

      setTaskFactory(loop, null);
      expect(getTaskFactory(loop)).toBeNull();
      expect(createTask(() => 1).isEager).toBe(false);
    }));

  test("leaves other loops alone", () =>
    isolated(async () => {
      const other = new EventLoop();
      setTaskFactory(other, eagerTaskFactory);

      expect(createTask(() => 1).isEager).toBe(false);
      other.close();
    }));

  test("refuses what is no function", () =>
    isolated(async () => {
      // @ts-expect-error -- no function
      expect(() => setTaskFactory(getRunningLoop(), 5)).toThrow(TypeError);
    }));
});

describe("eagerTaskFactory", () => {
  test("makes tasks eager, unless they say otherwise", () =>
    isolated(async () => {
      setTaskFactory(getRunningLoop(), eagerTaskFactory);

      expect(createTask(() => 1).done).toBe(true);
      expect(createTask(() => 1, { eagerStart: false }).done).toBe(false);
    }));

  test("takes an explicit `eagerStart: undefined` for none: such a task is eager", () =>
    isolated(async () => {
      setTaskFactory(getRunningLoop(), eagerTaskFactory);

      expect(createTask(() => 1, { eagerStart: undefined }).done).toBe(true);
    }));

  test("makes the tasks of a group eager: one that fails at once does not cancel the body inside the call", () =>
    isolated(async () => {
      setTaskFactory(getRunningLoop(), eagerTaskFactory);
      const steps: string[] = [];

      const error = await thrownBy(
        taskGroup(async (group) => {
          void group.createTask(() => Promise.reject(new Error("at once")));
          steps.push("after the call");
          await sleep(60_000);
          steps.push("not reached");
        }),
      );

      expect(error).toMatchObject({ name: "ExceptionGroup", errors: [{ message: "at once" }] });
      expect(steps).toEqual(["after the call"]);
    }));
});

describe("createEagerTaskFactory", () => {
  class NamedTask<T> extends Task<T> {
    override get label(): string {
      return `my ${super.label}`;
    }
  }

  test("makes tasks by the function that it is given, eager unless they say otherwise", () =>
    isolated(async () => {
      const factory = createEagerTaskFactory(
        (coroutine, options) => new NamedTask(coroutine, options),
      );
      setTaskFactory(getRunningLoop(), factory);

      const tasks = [undefined, true, false].map((eagerStart) =>
        createTask(() => 1, { eagerStart, name: "work" }),
      );

      expect(tasks.map((task) => task.done)).toEqual([true, true, false]);
      expect(tasks.map((task) => task.label)).toEqual(Array(3).fill("my Task 'work'"));
      expect(await gather(tasks)).toEqual([1, 1, 1]);
    }));

  test("tells that function the loop of the task and its other options", async () => {
    const loop = new EventLoop();
    const { signal } = new AbortController();
    const told: unknown[] = [];
    setTaskFactory(
      loop,
      createEagerTaskFactory((coroutine, options) => {
        told.push(options);
        return new Task(coroutine, options);
      }),
    );

    const task = createTask(() => "later", { loop, signal, name: "work" });

    expect(told).toEqual([{ loop, signal, name: "work", eagerStart: true }]);
    expect(await loop.runUntilComplete(task)).toBe("later");
    loop.close();
  });

  test("refuses what is no function", () => {
    // @ts-expect-error -- no function
    expect(() => createEagerTaskFactory(5)).toThrow(TypeError);
  });
});

describe("ensureFuture", () => {
  test("returns a Future or Task as it is", () =>
    isolated(async () => {
      const future = new Future<number>();
      const task = createTask(() => 1);

      expect(ensureFuture(future)).toBe(future);
      expect(ensureFuture(task)).toBe(task);
    }));

  test("makes a task of a function", () =>
    isolated(async () => {
      const future = ensureFuture(async () => 5);

      expect(future).toBeInstanceOf(Task);
      expectTypeOf(future).toEqualTypeOf<Future<number>>();
      expect(await future).toBe(5);
    }));

  test("follows a foreign promise, and leaves it behind when it is cancelled", () =>
    isolated(async () => {
      const foreign = Promise.withResolvers<number>();
      const followed = ensureFuture(foreign.promise);
      const left = ensureFuture(foreign.promise);

      left.cancel();
      foreign.resolve(5);

      expect(await followed).toBe(5);
      expect(left.cancelled).toBe(true);
    }));

  test("has a rejection of a foreign promise reported when nobody looks at it", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      void ensureFuture(Promise.reject(new Error("foreign")));
      await sleep(10);
      return collected;
    });

    expect(reports).toMatchObject([{ exception: { message: "foreign" } }]);
  });

  test("drops a late rejection of a foreign promise that it has left", () =>
    isolated(async () => {
      const reports = collectReports();
      const foreign = Promise.withResolvers<number>();
      ensureFuture(foreign.promise).cancel();

      foreign.reject(new Error("too late"));
      await sleep(10);

      expect(reports).toEqual([]);
    }));

  test("follows an operation, and cancels it", () =>
    isolated(async () => {
      const cancelled = ensureFuture(taskGroup(() => sleep(60_000)));
      const finished = ensureFuture(taskGroup(() => sleep(10, "ended")));
      await yieldNow();

      expect(cancelled.cancel("enough")).toBe(true);

      expect(await thrownBy(cancelled)).toMatchObject({ message: "enough" });
      expect(await finished).toBe("ended");
    }));

  test("refuses a Future of another loop than the one given", () =>
    isolated(async () => {
      const other = new EventLoop();

      expect(() => ensureFuture(new Future(), { loop: other })).toThrow(RangeError);
      other.close();
    }));

  test.each([[undefined], [null], [5], [{}]])("refuses %o", (value) =>
    isolated(async () => {
      // @ts-expect-error -- nothing to wait for
      expect(() => ensureFuture(value)).toThrow(TypeError);
    }),
  );
});
