import { getRunningLoop, wrapFuture } from "@aio/loop";
import { createTask, currentTask, run, sleep } from "@aio/task";
import { describe, expect, test } from "vitest";
import { Worker } from "node:worker_threads";
import {
  callSoonThreadsafe,
  ConcurrentFuture,
  exposeLoop,
  ThreadPoolExecutor,
} from "../src/index.ts";
import type { Api } from "./fixtures/functions.ts";
import { functions, Gate, thrownBy } from "./functions.ts";

/** What the jobs of the fixture call. */
class Calls implements Api {
  readonly notes: string[] = [];
  readonly note = (text: string): void => void this.notes.push(text);
  readonly double = async (n: number): Promise<number> => 2 * n;
  readonly fail = async (): Promise<never> => {
    throw new RangeError("not that far", { cause: "a test" });
  };
  readonly never = async (): Promise<void> => {
    try {
      await getRunningLoop().createFuture<void>();
    } catch (error) {
      this.note(`${(error as Error).name}: ${(error as Error).message}`);
      throw error;
    }
  };

  get api(): Api {
    const { note, double, fail, never } = this;
    return { note, double, fail, never };
  }
}

describe("A thread of an executor", { timeout: 30_000 }, () => {
  test("calls functions of the loop, and awaits them", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const calls = new Calls();

      expect(await pool.submit(functions.callBack, exposeLoop(calls.api))).toBe(42);
      expect(calls.notes).toEqual(["hello"]);
    }));

  test("blocks for results", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });

      expect(await pool.submit(functions.callBackBlocking, exposeLoop(new Calls().api))).toBe(6);
    }));

  test("gets the errors", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });

      const error = await thrownBy(() =>
        pool.submit(functions.callFailing, exposeLoop(new Calls().api)),
      );

      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ message: "not that far", cause: "a test" });
    }));

  test("can stop waiting, and cancel the work", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const calls = new Calls();

      expect(await pool.submit(functions.callTimingOut, exposeLoop(calls.api))).toBe("cancelled");

      while (calls.notes.length < 2) await pool.submit(functions.add, 1, 1);
      expect(calls.notes).toEqual(["TimeoutError, done: false", "CancelledError: enough"]);
    }));

  test("wakes a loop that sleeps", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const sleeper = createTask(() => sleep(600_000));
      const wake = exposeLoop({ ...new Calls().api, note: () => void sleeper.cancel("woken") });

      const error = await thrownBy(async () => {
        await pool.submit(functions.callBack, wake);
        await sleeper;
      });

      expect(error.message).toBe("woken");
    }));

  test("is refused when the loop is closed", async () => {
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    const calls = new Calls();
    const gate = new Gate();
    const { job } = await run(async () => {
      const box = {
        job: pool.submit(functions.callWhenTold, exposeLoop(calls.api), gate.flags),
      };
      await gate.entered();
      return box;
    });

    gate.open();
    await run(() => pool.submit(functions.add, 1, 2)); // behind it, in the same thread

    expect(job.result()).toBe("RuntimeError");
    expect(calls.notes).toEqual([]);
    await run(() => pool.shutdown());
  });

  test("is refused when the handle is closed", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const calls = new Calls();
      const gate = new Gate();
      const handle = exposeLoop(calls.api);
      const job = pool.submit(functions.callWhenTold, handle, gate.flags);
      await gate.entered();

      handle.close();
      gate.open();

      expect(await job).toBe("RuntimeError");
      expect(calls.notes).toEqual([]);
    }));

  test("has its work run as a task where createTask is given, and gets what that throws", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const names: (string | undefined)[] = [];
      const double = async (n: number): Promise<number> => {
        names.push(currentTask()?.name);
        return 2 * n;
      };
      const api = { ...new Calls().api, double };

      await pool.submit(
        functions.callBack,
        exposeLoop(api, { createTask: (coroutine) => createTask(coroutine, { name: "called" }) }),
      );
      const refuse = (): never => {
        throw new RangeError("no tasks today");
      };
      const error = await thrownBy(() =>
        pool.submit(functions.callBack, exposeLoop(api, { createTask: refuse })),
      );

      expect(names).toEqual(["called"]);
      expect(error.message).toBe("no tasks today");
    }));

  test("hears of its cancellation as an event", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const notes: string[] = [];
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const { promise: started, resolve: start } = Promise.withResolvers<void>();
      const handle = exposeLoop({
        note: (text: string) => {
          notes.push(text);
          (text === "started" ? start : end)();
        },
      });
      const job = pool.submit(functions.waitForAbort, handle);
      await started;

      job.cancel("enough");
      await ended;

      expect(notes).toEqual(["started", "CancelledError: enough, true"]);
    }));
});

describe("A thread of the program's own", { timeout: 30_000 }, () => {
  test("calls the loop over a port", () =>
    run(async () => {
      const calls = new Calls();
      const handle = exposeLoop(calls.api);
      const port = handle.port();
      const module = new URL("fixtures/functions.ts", import.meta.url).href;
      const source = `const { workerData, parentPort } = require("node:worker_threads");
        import(${JSON.stringify(module)}).then(async ({ callOverPort }) => parentPort.postMessage(await callOverPort(workerData)));`;
      const worker = new Worker(source, { eval: true, workerData: port, transferList: [port] });

      const result = await new Promise((resolve, reject) => {
        worker.once("message", resolve);
        worker.once("error", reject);
      });

      expect(result).toBe(8);
      expect(calls.notes).toEqual(["from a port"]);
      await worker.terminate();
    }));
});

describe("callSoonThreadsafe", { timeout: 30_000 }, () => {
  test("is refused in the thread of the loop", () =>
    run(async () => {
      const handle = exposeLoop({ note: () => undefined });

      expect(() => callSoonThreadsafe(handle, "note")).toThrow("call what you have exposed");
    }));
});

describe("exposeLoop", { timeout: 30_000 }, () => {
  test("refuses what is no function", () =>
    run(async () => {
      expect(() => exposeLoop({ a: 1 } as never)).toThrow("`functions.a` to be a function");
    }));
});

describe("ConcurrentFuture", { timeout: 30_000 }, () => {
  test("is chained both ways by wrapFuture", () =>
    run(async () => {
      const messages: (string | undefined)[] = [];
      const call = {
        name: "work",
        wait: null,
        cancel: (message?: string) => void messages.push(message),
      };
      const first = new ConcurrentFuture<number>(call);
      const second = new ConcurrentFuture<number>(call);
      const wrapped = wrapFuture(first);
      const other = wrapFuture(second);

      wrapped.cancel("from the loop");
      second.settle(false, 7);

      expect(await thrownBy(() => wrapped)).toMatchObject({ code: "AIO_CANCELLED" });
      expect(first.cancelled).toBe(true);
      expect(messages).toEqual(["from the loop"]);
      expect(await other).toBe(7);
      expect(second.result()).toBe(7);
    }));
});
