import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { inspect } from "node:util";
import { Worker } from "node:worker_threads";
import {
  CancelledError,
  DeadlockError,
  EventLoop,
  type ExceptionContext,
  Future,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  setEventLoop,
  SystemExit,
  VirtualClock,
} from "@aio/loop";
import { describe, expect, test, vi } from "vitest";
import {
  allTasks,
  createTask,
  currentTask,
  gather,
  run,
  Runner,
  shield,
  sleep,
  type Task,
  yieldNow,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { Program } from "./program.ts";
import { collectReports } from "./reports.ts";
import { thrownBy } from "./thrown-by.ts";

/** Leaves a generator in the middle, which notes its end. */
async function leaveOne(ends: string[], name: string): Promise<void> {
  async function* numbers(): AsyncGenerator<number> {
    try {
      yield 1;
    } finally {
      await sleep(10);
      ends.push(name);
    }
  }
  await getRunningLoop().trackAsyncGen(numbers()).next();
}

async function* stuck(): AsyncGenerator<number> {
  await new Promise(() => undefined);
  yield 1;
}

describe("run", () => {
  test("gives what main gives", async () => {
    expect(await run(async () => await sleep(0, "result"))).toBe("result");
    expect(await run(() => "plain")).toBe("plain");
    expect(await run(() => sleep(0, "operation"))).toBe("operation");
  });

  test("throws what main throws", async () => {
    const failure = new Error("failed");

    expect(await thrownBy(run(() => Promise.reject(failure)))).toBe(failure);
    expect(
      await thrownBy(
        run(() => {
          throw failure;
        }),
      ),
    ).toBe(failure);
  });

  test("runs main as a task", async () => {
    expect(await run(() => ({ tasks: [...allTasks()], main: currentTask() }))).toEqual({
      tasks: [expect.objectContaining({})],
      main: expect.objectContaining({}),
    });
  });

  test("closes the loop, also when main fails", async () => {
    const loops: EventLoop[] = [];

    await run(() => void loops.push(getRunningLoop()));
    await thrownBy(
      run(() => {
        loops.push(getRunningLoop());
        throw new Error("failed");
      }),
    );

    expect(loops.map((loop) => [loop.isRunning, loop.isClosed])).toEqual([
      [false, true],
      [false, true],
    ]);
  });

  test("refuses a promise, and says what to pass", async () => {
    // @ts-expect-error -- has started already
    const error = await thrownBy(run(Promise.resolve(1)));

    expect(error).toBeInstanceOf(TypeError);
    expect(error).toMatchObject({ message: expect.stringContaining("pass a function") });
  });

  test.each([[undefined], [5], [{}]])("refuses %o", async (main) => {
    // @ts-expect-error -- no function
    expect(await thrownBy(run(main))).toBeInstanceOf(TypeError);
  });

  test("throws main's CancelledError when main cancels itself", async () => {
    const error = await thrownBy(
      isolated(async () => {
        currentTask()?.cancel("myself");
        await sleep(10);
      }),
    );

    expect(error).toBeInstanceOf(CancelledError);
    expect(error).toMatchObject({ message: "myself" });
  });

  test("runs in the async context of the caller", async () => {
    const user = new AsyncLocalStorage<string>();

    expect(await user.run("caller", () => run(() => user.getStore()))).toBe("caller");
  });

  test("has no current task and loop behind it", async () => {
    await run(() => 1);

    expect(() => currentTask()).toThrow(RuntimeError);
    expect(() => getRunningLoop()).toThrow(RuntimeError);
  });
});

describe("run inside a loop", () => {
  test("is refused before main is touched, and leaves nothing behind", () =>
    isolated(async () => {
      const listeners = process.listenerCount("SIGINT");
      let touched = false;

      const error = await thrownBy(
        run(() => {
          touched = true;
        }),
      );

      expect(error).toBeInstanceOf(RuntimeError);
      expect(touched).toBe(false);
      expect(allTasks().size).toBe(1);
      expect(process.listenerCount("SIGINT")).toBe(listeners);
      expect(getRunningLoop().isRunning).toBe(true);
      expect(await sleep(10, "goes on")).toBe("goes on");
    }));

  test("is refused before a loop is made", () =>
    isolated(async () => {
      let made = 0;

      await thrownBy(
        run(() => 1, {
          loopFactory: () => {
            made += 1;
            return new EventLoop();
          },
        }),
      );

      expect(made).toBe(0);
    }));

  test("is refused while another run is under way", async () => {
    const gate = Promise.withResolvers<void>();
    const first = run(async () => {
      await gate.promise;
      return "first";
    });

    expect(await thrownBy(run(() => "second"))).toBeInstanceOf(RuntimeError);

    gate.resolve();
    expect(await first).toBe("first");
  });
});

describe("run, with tasks left behind main", () => {
  test("cancels them, and waits for them", async () => {
    const log: unknown[] = [];

    await isolated(async () => {
      void createTask(async () => {
        try {
          await sleep(60_000);
        } catch (error) {
          log.push((error as CancelledError).reason);
          await sleep(100);
          log.push("cleaned up");
        }
      });
      await yieldNow();
      log.push("main ends");
    });

    expect(log).toEqual(["main ends", "shutdown", "cleaned up"]);
  });

  test("does so when main fails, and throws what main threw", async () => {
    let cleaned = false;
    const failure = new Error("main failed");

    const error = await thrownBy(
      isolated(async () => {
        void createTask(async () => {
          try {
            await sleep(60_000);
          } finally {
            cleaned = true;
          }
        });
        await yieldNow();
        throw failure;
      }),
    );

    expect(error).toBe(failure);
    expect(cleaned).toBe(true);
  });

  test("reports what they throw, once", async () => {
    const failure = new Error("cleanup failed");

    const reports = await isolated(async () => {
      const collected = collectReports();
      void createTask(() => sleep(60_000).then(null, () => Promise.reject(failure)), {
        name: "left",
      });
      await yieldNow();
      return collected;
    });

    expect(reports).toMatchObject([
      {
        message: "unhandled exception during run() shutdown",
        exception: failure,
        task: { name: "left" },
      },
    ]);
  });

  test("reports those that never end, and ends", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      void createTask(
        async () => {
          await thrownBy(sleep(60_000));
          await new Promise(() => undefined);
        },
        { name: "endless" },
      );
      await yieldNow();
      return collected;
    });

    expect(reports).toMatchObject([
      {
        message: "Tasks did not end when the run did",
        exception: { name: "DeadlockError", message: expect.stringContaining("a foreign promise") },
      },
      {
        message: expect.stringContaining("was destroyed but it is pending"),
        task: { name: "endless" },
      },
    ]);
  });
});

describe("run, with async generators that are left in the middle", () => {
  test("closes them at the end, behind the tasks that are left", async () => {
    const ends: string[] = [];

    await isolated(async () => {
      await leaveOne(ends, "generator");
      void createTask(() => sleep(60_000).then(null, () => ends.push("task")));
      await yieldNow();
      ends.push("main");
    });

    expect(ends).toEqual(["main", "task", "generator"]);
  });

  test("closes them also when main and the tasks that are left fail", async () => {
    const ends: string[] = [];
    const failure = new Error("main failed");

    const error = await thrownBy(
      isolated(async () => {
        collectReports();
        await leaveOne(ends, "generator");
        void createTask(() => sleep(60_000).then(null, () => Promise.reject(new Error("left"))));
        await yieldNow();
        throw failure;
      }),
    );

    expect(error).toBe(failure);
    expect(ends).toEqual(["generator"]);
  });

  test("closes them also when a task that is left never ends", async () => {
    const ends: string[] = [];

    await isolated(async () => {
      collectReports();
      await leaveOne(ends, "generator");
      void createTask(async () => {
        await thrownBy(sleep(60_000));
        await new Promise(() => undefined);
      });
      await yieldNow();
    });

    expect(ends).toEqual(["generator"]);
  });

  test("closes those of all runs of a Runner once, when it is closed", async () => {
    const ends: string[] = [];
    const runner = new Runner({ clock: new VirtualClock({ isolated: true }) });
    await runner.run(() => leaveOne(ends, "first"));
    await runner.run(() => leaveOne(ends, "second"));
    const before = [...ends];

    await runner.close();

    expect([before, ends]).toEqual([[], ["first", "second"]]);
  });

  test("reports an error of one with the key `asyncgen`, and gives the result of main", async () => {
    const failure = new Error("boom");
    async function* failing(): AsyncGenerator<number> {
      try {
        yield 1;
      } finally {
        await Promise.reject(failure);
      }
    }
    const generator = failing();

    const reports = await isolated(async () => {
      const collected = collectReports();
      await getRunningLoop().trackAsyncGen(generator).next();
      return collected;
    });

    expect(reports).toMatchObject([{ exception: failure, asyncgen: generator }]);
  });

  test("reports one that cannot be closed because it waits for ever, and gives the result of main", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      void getRunningLoop().trackAsyncGen(stuck()).next();
      return collected;
    });

    expect(reports).toMatchObject([
      { exception: { name: "DeadlockError" } },
      { message: "Task was destroyed but it is pending!" },
    ]);
  });
});

describe("run, when main throws SystemExit", () => {
  test("throws it, and does not report it as never retrieved", async () => {
    const exit = new SystemExit(3);
    const reports: ExceptionContext[] = [];

    const error = await thrownBy(
      isolated(async () => {
        getRunningLoop().exceptionHandler = (_loop, context) => void reports.push(context);
        await yieldNow();
        throw exit;
      }),
    );

    expect(error).toBe(exit);
    expect(reports).toEqual([]);
  });
});

describe("run, when nothing can ever happen any more", () => {
  test("throws DeadlockError, which names what each task waits for", async () => {
    const error = await thrownBy(
      isolated(async () => {
        const future = new Future<void>();
        await createTask(async () => await future, { name: "waiter" });
      }),
    );

    expect(error).toBeInstanceOf(DeadlockError);
    expect(error).toMatchObject({
      code: "AIO_DEADLOCK",
      message: expect.stringMatching(
        /'Task-\d+' waits for Task 'waiter'.* at .*runner\.test\.ts:\d+:\d+\n.*'waiter' waits for <Future pending>.* at .*runner\.test\.ts:\d+:\d+$/,
      ),
    });
  });

  test("names those that wait for each other, and the lines", async () => {
    const tasks: Task<void>[] = [];
    const waitFor = (other: number) => async () => {
      await shield(tasks[other] as Task<void>);
    };

    const error = await thrownBy(
      isolated(async () => {
        tasks.push(createTask(waitFor(1), { name: "a" }), createTask(waitFor(0), { name: "b" }));
        await gather(tasks);
      }),
    );

    expect(error).toMatchObject({
      message: expect.stringMatching(
        /These wait for each other: a → b → a\n {2}a waits for b, by shield of Task 'b' at .*runner\.test\.ts:\d+:\d+\n {2}b waits for a, by/,
      ),
    });
  });
});

describe("run with options", () => {
  test("takes a clock", async () => {
    const clock = new VirtualClock({ start: 5_000 });

    const times = await run(
      async () => {
        const before = getRunningLoop().time();
        await sleep(3_600_000);
        return [before, getRunningLoop().time()];
      },
      { clock },
    );

    expect(times).toEqual([5_000, 3_605_000]);
  });

  test.each([[true], [false]])("sets debug mode to %o", async (debug) => {
    vi.stubEnv("AIO_DEBUG", debug ? "" : "1");
    try {
      expect(await run(() => getRunningLoop().debug, { debug })).toBe(debug);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test.each([
    ["", "", false],
    ["1", "", true],
    ["", "http,aio", true],
    ["", "http", false],
  ])("has debug mode of AIO_DEBUG=%s NODE_DEBUG=%s by default", async (aio, node, debug) => {
    vi.stubEnv("AIO_DEBUG", aio);
    vi.stubEnv("NODE_DEBUG", node);
    try {
      expect(await run(() => getRunningLoop().debug)).toBe(debug);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test("takes the loop of a factory, and closes it", async () => {
    const made: EventLoop[] = [];
    const loopFactory = (): EventLoop => {
      const loop = new EventLoop();
      made.push(loop);
      return loop;
    };

    const running = await run(() => getRunningLoop(), { loopFactory });

    expect(made).toEqual([running]);
    expect(running.isClosed).toBe(true);
  });

  test.each([[true], [false]])("sets debug mode of the loop of a factory to %o", async (debug) => {
    const loopFactory = (): EventLoop => new EventLoop({ debug: !debug });

    expect(await run(() => getRunningLoop().debug, { debug, loopFactory })).toBe(debug);
  });

  test.each([[true], [false]])(
    "leaves debug mode %o of the loop of a factory alone",
    async (debug) => {
      const loopFactory = (): EventLoop => new EventLoop({ debug });

      expect(await run(() => getRunningLoop().debug, { loopFactory })).toBe(debug);
      expect(await run(() => getRunningLoop().debug, { debug: undefined, loopFactory })).toBe(
        debug,
      );
    },
  );

  test("leaves no current loop behind, unless a factory made it: then it leaves that alone", async () => {
    const other = new EventLoop();
    setEventLoop(other);

    await run(() => 1, { loopFactory: newEventLoop });
    expect(getEventLoop()).toBe(other);

    await run(() => 1);
    expect(() => getEventLoop()).toThrow(RuntimeError);
    other.close();
  });

  test("cancels main when the signal is aborted", async () => {
    const controller = new AbortController();
    const { getEventListeners } = await import("node:events");
    let cleaned = false;

    const error = await thrownBy(
      run(
        async () => {
          getRunningLoop().callLater(10, () => controller.abort(new Error("enough")));
          try {
            await sleep(60_000);
          } finally {
            cleaned = true;
          }
        },
        { signal: controller.signal, clock: new VirtualClock() },
      ),
    );

    expect(error).toMatchObject({ name: "CancelledError", message: "enough", reason: "signal" });
    expect(cleaned).toBe(true);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  test("does not begin main when the signal is aborted already", async () => {
    let began = false;

    const error = await thrownBy(
      run(
        () => {
          began = true;
        },
        { signal: AbortSignal.abort() },
      ),
    );

    expect(error).toBeInstanceOf(CancelledError);
    expect(began).toBe(false);
  });
});

describe("Runner", () => {
  test("runs several main functions on the same loop", async () => {
    const runner = new Runner();

    const first = await runner.run(() => getRunningLoop());
    const second = await runner.run(() => getRunningLoop());

    expect(first).toBe(second);
    expect(runner.loop).toBe(first);
    expect(first.isClosed).toBe(false);
    await runner.close();
    expect(first.isClosed).toBe(true);
  });

  test("lets tasks of the first run go on in the second", async () => {
    const runner = new Runner({ clock: new VirtualClock({ isolated: true }) });

    const { task } = await runner.run(() => ({ task: createTask(() => sleep(10, "slept")) }));
    expect(task.done).toBe(false);

    expect(await runner.run(async () => await task)).toBe("slept");
    await runner.close();
  });

  test("closes itself with `await using`, and cancels the tasks that are left", async () => {
    let cleaned = false;
    {
      await using runner = new Runner();
      await runner.run(async () => {
        void createTask(async () => {
          try {
            await sleep(60_000);
          } finally {
            cleaned = true;
          }
        });
        await yieldNow();
      });
      expect(cleaned).toBe(false);
    }

    expect(cleaned).toBe(true);
  });

  test("makes no loop before it is used, and none when it is never used", async () => {
    let made = 0;
    const loopFactory = (): EventLoop => {
      made += 1;
      return new EventLoop();
    };
    const unused = new Runner({ loopFactory });
    const used = new Runner({ loopFactory });

    await unused.close();
    expect(made).toBe(0);

    await used.run(() => 1);
    await used.run(() => 1);
    expect(made).toBe(1);
    await used.close();
  });

  test("cannot be used when it is closed; closing it twice does nothing", async () => {
    const runner = new Runner();
    await runner.run(() => 1);

    await runner.close();
    await runner.close();

    expect(await thrownBy(runner.run(() => 1))).toMatchObject({
      name: "RuntimeError",
      message: "The runner is closed; make a new one",
    });
    expect(() => runner.loop).toThrow(RuntimeError);
  });

  test("cannot be closed inside its own run", async () => {
    const runner = new Runner();

    const error = await runner.run(() => thrownBy(runner.close()));

    expect(error).toBeInstanceOf(RuntimeError);
    await runner.close();
    expect(() => runner.loop).toThrow(RuntimeError);
  });

  test("refuses a second run while one is under way", async () => {
    const runner = new Runner();

    const error = await runner.run(() => thrownBy(runner.run(() => 1)));

    expect(error).toBeInstanceOf(RuntimeError);
    await runner.close();
  });

  test("goes on after a run that failed", async () => {
    const runner = new Runner();

    await thrownBy(runner.run(() => Promise.reject(new Error("failed"))));

    expect(await runner.run(() => "fine")).toBe("fine");
    await runner.close();
  });

  test("has its loop for the current one between its runs, and leaves none when it is closed", async () => {
    const runner = new Runner();
    const first = await runner.run(() => getEventLoop());
    const between = getEventLoop();
    await runner.run(() => 1);
    const behind = getEventLoop();
    await runner.close();

    expect([first, between, behind]).toEqual([first, first, first]);
    expect(() => getEventLoop()).toThrow(RuntimeError);
  });

  test("leaves the current loop alone when a factory makes its loop", async () => {
    const other = new EventLoop();
    setEventLoop(other);
    const runner = new Runner({ loopFactory: newEventLoop });

    const inside = await runner.run(() => getEventLoop());
    const between = getEventLoop();
    await runner.close();

    expect(inside).not.toBe(other);
    expect([between, getEventLoop()]).toEqual([other, other]);
    setEventLoop(null);
    other.close();
  });

  test("shows its state", async () => {
    const runner = new Runner();
    const states = [inspect(runner)];
    await runner.run(() => 1);
    states.push(inspect(runner));
    await runner.close();

    expect([...states, inspect(runner)]).toEqual([
      "<Runner created>",
      "<Runner initialized>",
      "<Runner closed>",
    ]);
  });
});

describe("A loop that is closed", () => {
  test("reports tasks that are still pending", () => {
    const reports: ExceptionContext[] = [];
    const loop = new EventLoop();
    loop.exceptionHandler = (_, context) => void reports.push(context);
    const task = createTask(() => sleep(10), { loop, name: "forgotten" });

    loop.close();

    expect(reports).toMatchObject([
      { message: expect.stringContaining("was destroyed but it is pending"), task },
    ]);
  });
});

// Processes take their time on a busy machine.
describe("SIGINT", { timeout: 30_000 }, () => {
  test("cancels main, lets it clean up, and comes out of run as KeyboardInterrupt", async () => {
    const program = new Program(new URL("fixtures/interrupted.ts", import.meta.url));
    await program.written("ready");

    program.kill("SIGINT");

    expect(await program.ended()).toMatchObject({
      code: 0,
      stdout:
        "ready\nmain got CancelledError\ncleaned up\nrun threw KeyboardInterrupt by CancelledError\nlisteners left: 0\n",
    });
  });

  test("is over when main swallows it", async () => {
    const program = new Program(new URL("fixtures/interrupted-and-swallowed.ts", import.meta.url));
    await program.written("ready");

    program.kill("SIGINT");

    expect(await program.ended()).toMatchObject({ code: 0, stdout: "ready\nrun gave: went on\n" });
  });

  test("ends the process by the signal when it comes twice", async () => {
    const program = new Program(new URL("fixtures/interrupted-twice.ts", import.meta.url));
    await program.written("ready");
    program.kill("SIGINT");
    await program.written("cleaning up");

    program.kill("SIGINT");

    expect(await program.ended()).toMatchObject({
      code: null,
      signal: "SIGINT",
      stdout: "ready\ncleaning up\n",
    });
  });

  test("comes out of run as CancelledError when others have cancelled main, too", async () => {
    const program = new Program(new URL("fixtures/interrupted-and-cancelled.ts", import.meta.url));
    await program.written("ready");

    program.kill("SIGINT");

    expect(await program.ended()).toMatchObject({
      code: 0,
      stdout: "ready\nrun threw CancelledError true\n",
    });
  });

  test("is left to a listener that was there before", async () => {
    const program = new Program(new URL("fixtures/interrupted-listener.ts", import.meta.url));
    await program.written("ready");

    program.kill("SIGINT");

    expect(await program.ended()).toMatchObject({
      code: 0,
      stdout: "ready\nmain was not cancelled 1\n",
    });
  });

  test("is left to a handler of the loop", async () => {
    const program = new Program(new URL("fixtures/interrupted-handler.ts", import.meta.url));
    await program.written("ready");

    program.kill("SIGINT");

    expect(await program.ended()).toMatchObject({ code: 0, stdout: "ready\nrun gave: handled\n" });
  });

  test("is left to the host when the program wants it so", async () => {
    const program = new Program(new URL("fixtures/interrupted-by-default.ts", import.meta.url));
    await program.written("ready");

    program.kill("SIGINT");

    expect(await program.ended()).toMatchObject({ signal: "SIGINT", stdout: "ready\n" });
  });
});

describe("A program", { timeout: 30_000 }, () => {
  test("ends with exit code 1 when it can never go on, and says what each task waits for", async () => {
    const { code, stderr } = await new Program(
      new URL("fixtures/deadlock.ts", import.meta.url),
    ).ended();

    expect(code).toBe(1);
    expect(stderr).toContain("DeadlockError");
    expect(stderr).toMatch(/<Task pending name='Task-1' .*waits for Task 'waiter'>/);
    expect(stderr).toMatch(/<Task pending name='waiter' .*waits for <Future pending>>/);
  });

  test("ends when main does, whatever is left", async () => {
    expect(await new Program(new URL("fixtures/ends.ts", import.meta.url)).ended()).toMatchObject({
      code: 0,
      stdout: "run ended\n",
    });
  });

  test("is kept alive by an endless sleep until a signal comes", async () => {
    const program = new Program(new URL("fixtures/sleeps-for-ever.ts", import.meta.url));
    await program.written("still asleep");

    program.kill("SIGINT");

    expect(await program.ended()).toMatchObject({
      code: 0,
      stdout: "still asleep\nrun threw KeyboardInterrupt\n",
      stderr: "",
    });
  });

  test("reports an error of a background task once, and goes on", async () => {
    const { code, stdout, stderr } = await new Program(
      new URL("fixtures/background-error.ts", import.meta.url),
    ).ended();

    expect({ code, stdout }).toEqual({ code: 0, stdout: "run ended\n" });
    expect(stderr.match(/Task 'background' exception was never retrieved/g)).toHaveLength(1);
    expect(stderr.match(/Error: nobody saw this/g)?.length).toBeGreaterThan(0);
  });

  test("ends with exit code 1 when main fails", async () => {
    const { code, stderr } = await new Program(
      new URL("fixtures/uncaught.ts", import.meta.url),
    ).ended();

    expect(code).toBe(1);
    expect(stderr).toContain("Error: main failed");
    expect(stderr).not.toContain("never retrieved");
  });

  test("may run a loop in each of its threads at the same time", () =>
    run(async () => {
      const worker = new Worker(new URL("fixtures/worker.ts", import.meta.url));
      const exit = once(worker, "exit");

      const [results] = await once(worker, "message");

      expect(results).toEqual(["b", "a"]);
      expect(getRunningLoop().isRunning).toBe(true);
      await exit;
    }));
});
