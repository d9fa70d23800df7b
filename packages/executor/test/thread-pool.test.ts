import { availableParallelism } from "node:os";
import { CancelledError, getRunningLoop, type Operation, RuntimeError } from "@aio/loop";
import { createTask, gather, run, sleep } from "@aio/task";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type Job,
  type JobFuture,
  ProcessPoolExecutor,
  runInExecutor,
  ThreadPoolExecutor,
  toThread,
  transfer,
} from "../src/index.ts";
import { spin } from "./fixtures/functions.ts";
import { functions, Gate, thrownBy } from "./functions.ts";

describe("ThreadPoolExecutor", { timeout: 30_000 }, () => {
  test("calls functions of modules and inline ones, plain and async", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });

      const results = await gather(
        pool.submit(functions.add, 1, 2),
        pool.submit(functions.addLater, 3, 4),
        pool.submit((text: string) => text.toUpperCase(), "a"),
        pool.submit(async (n: number) => n + 1, 1),
      );

      expect(results).toEqual([3, 7, "A", 2]);
    }));

  test("runs jobs in threads of their own, side by side", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      const [first, second] = [new Gate(), new Gate()];

      const jobs = [first, second].map((gate) => pool.submit(functions.holdThread, gate.flags));
      await first.entered();
      await second.entered(); // both at the same time
      first.open();
      second.open();

      expect(await gather(jobs)).toEqual(["released", "released"]);
    }));

  test("starts workers when they are needed, at most as many as it may", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      expect(pool.workerCount).toBe(0);

      await pool.submit(functions.add, 1, 1);
      await pool.submit(functions.add, 1, 1);
      expect(pool.workerCount).toBe(1); // the idle one is taken first

      await gather(Array.from({ length: 20 }, () => pool.submit(functions.add, 1, 1)));
      expect(pool.workerCount).toBe(2);
    }));

  test("has as many workers as the machine has processors by default", () => {
    expect(new ThreadPoolExecutor().maxWorkers).toBe(availableParallelism());
  });

  test.each([
    ["maxWorkers", 0],
    ["maxWorkers", 1.5],
    ["maxQueue", -1],
    ["grace", Number.NaN],
    ["idleTimeout", -1],
    ["memoryLimit", 10],
  ])("refuses %s: %d", (name, value) => {
    expect(() => new ThreadPoolExecutor({ [name]: value })).toThrow(RangeError);
    expect(() => new ThreadPoolExecutor({ [name]: value })).toThrow(`\`${name}\``);
  });

  test.each([
    [4, "Expected `options` to be an object, got 4; pass { maxWorkers: 4 }"],
    [{ initializer: 5 }, "Expected `initializer` to be a function, got 5"],
    [{ initargs: 5 }, "Expected `initargs` to be an array, got 5"],
    [{ execArgv: "--expose-gc" }, "Expected `execArgv` to be an array, got '--expose-gc'"],
    [{ env: ["A=1"] }, "Expected `env` to be an object, got [ 'A=1' ]; pass { ...process.env, "],
    [{ env: new Map([["A", "1"]]) }, "Expected `env` to be an object, got Map(1) { 'A' => '1' }"],
  ])("refuses %o", (options, message) => {
    expect(() => new ThreadPoolExecutor(options as never)).toThrow(message);
  });

  test("goes on with what waits when its loop is closed", async () => {
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    const done = new Int32Array(new SharedArrayBuffer(4));
    const count = (counter: Int32Array): number => Atomics.add(counter, 0, 1);

    await run(async () => {
      for (let i = 0; i < 20; i += 1) await pool.submit(functions.spin, 1); // such jobs are sent ahead
      for (let i = 0; i < 20; i += 1) {
        void pool.submit(functions.spin, 1);
        void pool.submit(count, done);
      }
      void pool.shutdown({ wait: false });
    });

    await expect.poll(() => [done[0], pool.workerCount], { timeout: 10_000 }).toEqual([20, 0]);
  });

  test("moves what is marked, there and back", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const buffer = new ArrayBuffer(1_024);

      const back = await pool.submit(functions.pass, transfer(buffer, [buffer]));

      expect(buffer.detached).toBe(true);
      expect(back.byteLength).toBe(1_024);
    }));

  test("says which arguments and results cannot be sent", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });

      const argument = await thrownBy(() =>
        pool.submit(
          (value: unknown) => value,
          () => 1,
        ),
      );
      const result = await thrownBy(() => pool.submit(functions.returnFunction));
      const nameless = await thrownBy(() => pool.submit(() => () => 1));
      const after = await pool.submit(functions.add, 1, 2);

      expect(argument).toBeInstanceOf(TypeError);
      expect(argument.message).toMatch(/arguments of `anonymous` cannot be sent .*pass plain data/);
      expect(result.message).toMatch(
        /result of `returnFunction` cannot be sent .*return plain data/,
      );
      expect(nameless.message).toMatch(/result of `anonymous` cannot be sent/);
      expect(after).toBe(3);
    }));

  test("settles a job once, whatever the `then` of its result does", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const twice = pool.submit(functions.thenTwice);
      const next = pool.submit(functions.add, 1, 2);

      expect(await twice).toBe("first");
      expect(await next).toBe(3);
      expect(await thrownBy(() => pool.submit(functions.thenNever))).toMatchObject({
        name: "RangeError",
        message: "not now",
      });
    }));

  test("finishes what is under way, and refuses what comes behind its shutdown", () =>
    run(async () => {
      const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const jobs = [1, 2, 3].map((n) => pool.submit(functions.add, n, n));

      const end = pool.shutdown();
      const error = await thrownBy(() => pool.submit(functions.add, 1, 2));
      await end;

      expect(error).toBeInstanceOf(RuntimeError);
      expect(jobs.map((job) => job.result())).toEqual([2, 4, 6]);
      expect(pool.workerCount).toBe(0);
      await pool.shutdown(); // again
    }));

  test("cancels what waits when it is shut down with cancelFutures", () =>
    run(async () => {
      const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const gate = new Gate();
      const running = pool.submit(functions.holdThread, gate.flags);
      const waiting = pool.submit(functions.add, 1, 2);
      await gate.entered();

      const end = pool.shutdown({ cancelFutures: true });
      gate.open();
      await end;

      expect(running.result()).toBe("released");
      expect(waiting.cancelled).toBe(true);
    }));

  test("is shut down without waiting", () =>
    run(async () => {
      const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const gate = new Gate();
      const job = pool.submit(functions.holdThread, gate.flags);
      await gate.entered();

      await pool.shutdown({ wait: false });
      expect(job.done).toBe(false);

      gate.open();
      expect(await job).toBe("released");
    }));

  test("ends idle workers after their time, but for those it keeps", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2, minWorkers: 1, idleTimeout: 1 });
      await gather(Array.from({ length: 20 }, () => pool.submit(functions.add, 1, 1)));

      while (pool.workerCount > 1) await sleep(1);

      await sleep(20);
      expect(pool.workerCount).toBe(1);
      expect(await pool.submit(functions.add, 1, 2)).toBe(3);
    }));

  test("calls the initializer in each worker, before its first job", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({
        maxWorkers: 1,
        initializer: functions.initialize,
        initargs: ["ready"],
      });

      expect(await pool.submit(functions.initializedWith)).toBe("ready");
    }));

  test.each([
    ["thread", "initializeNever", ThreadPoolExecutor],
    ["thread", "initializeForEver", ThreadPoolExecutor],
    ["process", "initializeNever", ProcessPoolExecutor],
    ["process", "initializeForEver", ProcessPoolExecutor],
  ] as const)("ends a %s whose %s nobody waits for", (_kind, name, Pool) =>
    run(async () => {
      for (const isEarly of [true, false]) {
        const pool = new Pool({ maxWorkers: 1, grace: 50, initializer: functions[name] });
        const job = pool.submit(functions.add, 1, 2);
        const waiting = pool.submit(functions.add, 3, 4);
        if (isEarly) job.cancel();

        const end = pool.shutdown({ cancelFutures: isEarly });
        if (!isEarly) for (const late of [job, waiting]) late.cancel();
        await end;

        expect(pool.workerCount).toBe(0);
        expect([job.cancelled, waiting.cancelled]).toEqual([true, true]);
      }
    }),
  );

  test("fails its jobs when the initializer fails", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({
        maxWorkers: 1,
        initializer: functions.initialize,
        initargs: ["throw"],
      });

      const error = await thrownBy(() => pool.submit(functions.add, 1, 2));

      expect(error).toMatchObject({ name: "WorkerDiedError", cause: { message: "cannot start" } });
      expect(error.cause).toBeInstanceOf(RangeError);
    }));

  test("limits the queue, and tells when there is room", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, maxQueue: 1 });
      const gate = new Gate();
      const running = pool.submit(functions.holdThread, gate.flags);
      const waiting = pool.submit(functions.add, 1, 2);

      const error = await thrownBy(() => pool.submit(functions.add, 3, 4));
      const drained = createTask(() => pool.drain());
      await gate.entered();
      expect(error).toMatchObject({ name: "ExecutorFullError", code: "AIO_EXECUTOR_FULL" });
      expect(error.message).toBe(
        "Every worker is busy, and 1 jobs wait, as many as `maxQueue` allows; await drain() before submit(), or take map()",
      );
      expect(drained.done).toBe(false);

      gate.open();
      await drained;
      expect(await gather(running, waiting, pool.submit(functions.add, 3, 4))).toEqual([
        "released",
        3,
        7,
      ]);
    }));

  test("does not let a job wait behind a long one that short ones have made room for", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
      await gather(Array.from({ length: 500 }, () => pool.submit(functions.add, 1, 1)));
      const gate = new Gate();

      const long = pool.submit(functions.holdThread, gate.flags);
      const short = Array.from({ length: 50 }, (_, n) => pool.submit(functions.add, n, 0));

      expect(await gather(short)).toHaveLength(50); // while the long one still runs
      expect(long.done).toBe(false);
      gate.open();
      await long;
    }));

  test("serves one loop after the other", async () => {
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 });

    expect(await run(() => pool.submit(functions.add, 1, 2))).toBe(3);
    expect(await run(() => pool.submit(functions.add, 3, 4))).toBe(7);

    await run(() => pool.shutdown());
  });

  test("drops what comes for a loop that is closed", async () => {
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    const gate = new Gate();
    const reports: unknown[] = [];

    const { job } = await run(async () => {
      getRunningLoop().exceptionHandler = (_loop, context) => void reports.push(context);
      const box = { job: pool.submit(functions.holdThread, gate.flags) };
      await gate.entered();
      return box;
    });
    gate.open();
    await run(() => pool.submit(functions.add, 1, 2)); // behind it, in the same thread
    await run(() => pool.shutdown());

    expect(job.result()).toBe("released");
    expect(reports).toEqual([]);
  });

  // Other programs can only add to the lag: the quietest of some rounds is nearest to the truth, and what an idle loop
  // has at that time is theirs.
  test(
    "keeps the lag of the loop under 10 ms while 8 jobs run on 2 threads",
    { timeout: 60_000 },
    () =>
      run(async () => {
        await using pool = new ThreadPoolExecutor({ maxWorkers: 2 });
        await gather(pool.submit(functions.spin, 1), pool.submit(functions.spin, 1)); // started
        let excess = Infinity;

        for (let round = 0; round < 5 && excess >= 10; round += 1) {
          const idle = await lagDuring(() => sleep(100));
          const busy = await lagDuring(() =>
            gather(Array.from({ length: 8 }, () => pool.submit(functions.spin, 50))),
          );
          excess = Math.min(excess, busy - idle);
        }
        const onTheLoop = await lagDuring(() =>
          gather(Array.from({ length: 8 }, () => async () => spin(50))),
        );

        expect(excess).toBeLessThan(10);
        expect(onTheLoop).toBeGreaterThan(40);
      }),
  );

  test("leaves no handles when it is shut down", () =>
    run(async () => {
      const before = handles();
      const pool = new ThreadPoolExecutor({ maxWorkers: 2, idleTimeout: Infinity });
      const jobs = [1, 2].map((n) => pool.submit(functions.add, n, n));
      expect(handles()).toBeGreaterThan(before);
      await gather(jobs);

      await pool.shutdown();
      while (handles() > before) await sleep(1); // ports are closed a little later
    }));

  test("gives Jobs of the type of the function", () => {
    const typed = (pool: ThreadPoolExecutor): void => {
      expectTypeOf(pool.submit(functions.addLater, 1, 2)).toEqualTypeOf<Job<number>>();
      expectTypeOf(pool.submit((text: string) => text.length, "a")).toEqualTypeOf<Job<number>>();
      expectTypeOf(pool.submit(async () => "a")).toEqualTypeOf<Job<string>>();
      expectTypeOf(runInExecutor(pool, functions.add, 1, 2)).toEqualTypeOf<JobFuture<number>>();
      expectTypeOf(toThread(functions.add, 1, 2)).toEqualTypeOf<Operation<number>>();
      // @ts-expect-error -- a number is wanted
      void pool.submit(functions.add, 1, "2");
      // @ts-expect-error -- one is missing
      void pool.submit(functions.add, 1);
    };
    expect(typed).toBeTypeOf("function");
  });
});

/** How many threads and ports keep this process alive. */
function handles(): number {
  return process.getActiveResourcesInfo().filter((kind) => /Worker|MessagePort/.test(kind)).length;
}

/** By how many milliseconds a task that sleeps comes too late, in 9 cases of 10 at most, while `work` is done. */
async function lagDuring(work: () => PromiseLike<unknown>): Promise<number> {
  const lags: number[] = [];
  const heart = createTask(async () => {
    for (;;) {
      const start = performance.now();
      await sleep(2);
      lags.push(performance.now() - start - 2);
    }
  });
  await sleep(0); // the heart beats
  await work();
  await sleep(0); // what is late comes
  heart.cancel();
  return lags.toSorted((a, b) => a - b)[Math.ceil(0.9 * lags.length) - 1] ?? Infinity;
}

describe("A job that is cancelled", { timeout: 30_000 }, () => {
  test("never runs when it waits", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const [gate, other] = [new Gate(), new Gate()];
      const running = pool.submit(functions.holdThread, gate.flags);
      const waiting = pool.submit(functions.holdThread, other.flags);
      await gate.entered();

      expect(waiting.cancel("not needed")).toBe(true);
      gate.open();
      await running;
      await pool.submit(functions.add, 1, 2);

      expect(waiting.cancelled).toBe(true);
      expect(other.flags[0]).toBe(0);
      expect(waiting.cancel()).toBe(false);
    }));

  test("never runs when it was sent ahead to a worker that is busy", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      await gather(Array.from({ length: 200 }, () => pool.submit(functions.add, 1, 1)));
      const [gate, other] = [new Gate(), new Gate()];
      const running = pool.submit(functions.holdThread, gate.flags);
      const ahead = pool.submit(functions.holdThread, other.flags);
      expect(pool.queueSize).toBe(0);
      await gate.entered();

      ahead.cancel();
      gate.open();
      await running;
      await pool.submit(functions.add, 1, 2);

      expect(other.flags[0]).toBe(0);
    }));

  test("ends the wait of its task at once, and is told of it in the middle of synchronous work", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, grace: Infinity });
      const gate = new Gate();
      const task = createTask(() => pool.submit(functions.holdThread, gate.flags));
      await gate.entered();

      task.cancel("the user left");
      const error = await thrownBy(() => task);
      await gate.cancelled();

      expect(error).toBeInstanceOf(CancelledError);
      expect(error.message).toBe("the user left");
      expect(await pool.submit(functions.add, 1, 2)).toBe(3);
      expect(pool.workerCount).toBe(1);
    }));

  test("has its worker ended after the grace period, and no other", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 2, grace: 1 });
      const [stubborn, other] = [new Gate(), new Gate()];
      const job = pool.submit(functions.ignoreAll, stubborn.flags);
      const bystander = pool.submit(functions.holdThread, other.flags);
      await stubborn.entered();
      await other.entered();

      job.cancel();
      while (pool.workerCount === 2) await sleep(1);
      expect(await pool.submit(functions.add, 1, 2)).toBe(3); // by a new one

      other.open();
      expect(await bystander).toBe("released");
    }));

  test("leaves its worker alone when it ends in time", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, grace: 60_000 });
      const gate = new Gate();
      const job = pool.submit(functions.holdThread, gate.flags);
      await gate.entered();

      job.cancel();

      expect(await pool.submit(functions.add, 1, 2)).toBe(3);
      expect(job.running).toBe(false);
    }));
});

describe("A worker that dies", { timeout: 30_000 }, () => {
  test.each([
    ["exits", functions.crash, "exit code 3"],
    ["throws where nobody catches", functions.crashLater, "nobody catches this"],
  ])("because it %s fails its job, and the pool goes on", (_how, fn, message) =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const job = pool.submit(fn);
      const next = pool.submit(functions.add, 1, 2);

      const error = await thrownBy(() => job);

      expect(error).toMatchObject({ name: "WorkerDiedError", code: "AIO_WORKER_DIED" });
      expect(error.message).toContain(`\`${fn.name}\``);
      expect(error.message).toContain(message);
      expect(await next).toBe(3);
    }),
  );

  test("when it has told the result of its job does not fail it", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      await pool.submit(functions.add, 1, 2);
      const { flags } = new Gate();
      const job = pool.submit(functions.returnAndExit, flags);
      const next = pool.submit(functions.add, 1, 2);

      Atomics.wait(flags, 0, 0);
      Atomics.wait(flags, 0, 1, 50); // both are there then: the result, and the end

      expect(await job).toBe("result");
      expect(await next).toBe(3);
    }));

  test("of the limit of its memory says so", { timeout: 60_000 }, () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1, memoryLimit: 16 * 1_048_576 });

      const error = await thrownBy(() => pool.submit(functions.eat));

      expect(error.message).toMatch(/memory/i);
      expect(await pool.submit(functions.add, 1, 2)).toBe(3);
    }),
  );
});
