import { getRunningLoop, isFuture, newEventLoop, RuntimeError, wrapFuture } from "@aio/loop";
import { createTask, run, Runner, sleep } from "@aio/task";
import { describe, expect, test, vi } from "vitest";
import {
  ProcessPoolExecutor,
  runInExecutor,
  setDefaultExecutor,
  shutdownDefaultExecutor,
  ThreadPoolExecutor,
  toThread,
} from "../src/index.ts";
import { requestId } from "./fixtures/functions.ts";
import { functions, Gate, thrownBy } from "./functions.ts";

describe("The default executor", { timeout: 30_000 }, () => {
  test("gives Futures of the loop", () =>
    run(async () => {
      const future = runInExecutor(null, functions.add, 1, 2);

      expect(isFuture(future)).toBe(true);
      expect(future.loop).toBe(getRunningLoop());
      expect(wrapFuture(future)).toBe(future);
      expect(await future).toBe(3);
    }));

  test("that was never made is shut down at once", () =>
    run(async () => {
      await shutdownDefaultExecutor({ timeout: 0 });

      expect(() => toThread(functions.add, 1, 2)).toThrow("The default executor was shut down");
    }));

  test("refuses jobs after its shutdown, which other executors survive", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      await toThread(functions.add, 1, 2);

      await shutdownDefaultExecutor();
      await shutdownDefaultExecutor(); // again

      expect(await thrownBy(() => runInExecutor(null, functions.add, 1, 2))).toBeInstanceOf(
        RuntimeError,
      );
      expect(await runInExecutor(pool, functions.add, 1, 2)).toBe(3);
    }));

  test("finishes its jobs at its shutdown, while the loop goes on", () =>
    run(async () => {
      const gate = new Gate();
      const job = runInExecutor(null, functions.holdThread, gate.flags);
      await gate.entered();

      const end = createTask(() => shutdownDefaultExecutor());
      await sleep(5);
      expect(end.done).toBe(false);
      gate.open();
      await end;

      expect(job.result()).toBe("released");
    }));

  test("is left behind with a warning when its jobs take longer than the timeout", () =>
    run(async () => {
      const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => undefined);
      const gate = new Gate();
      const job = runInExecutor(null, functions.holdThread, gate.flags);
      await gate.entered();

      await shutdownDefaultExecutor({ timeout: 1 });

      expect(warn).toHaveBeenCalledExactlyOnceWith(
        expect.stringContaining("within 1 ms"),
        "RuntimeWarning",
      );
      expect(job.done).toBe(false);
      warn.mockRestore();
      gate.open();
      await job;
    }));

  test("finishes its jobs at the end of the run", async () => {
    const { job } = await run(async () => ({ job: runInExecutor(null, functions.spin, 20) }));

    expect(job.done).toBe(true);
  });

  test("can be replaced, by threads only", () =>
    run(async () => {
      const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      setDefaultExecutor(pool);

      await toThread(functions.add, 1, 2);

      expect(pool.workerCount).toBe(1);
      expect(() => setDefaultExecutor(new ProcessPoolExecutor() as never)).toThrow(TypeError);
    }));

  test("is shut down when the loop is closed", async () => {
    const loop = newEventLoop();
    const pool = new ThreadPoolExecutor({ maxWorkers: 1 });
    const task = createTask(
      async () => {
        setDefaultExecutor(pool);
        await toThread(functions.add, 1, 2);
      },
      { loop },
    );
    await loop.runUntilComplete(task);

    loop.close();

    expect(pool.isShutdown).toBe(true);
  });

  test("is another for each run", async () => {
    await using runner = new Runner();
    await runner.run(() => toThread(functions.add, 1, 2));

    expect(await run(() => Promise.resolve(1)).catch(String)).toBe(1);
    expect(await runner.run(() => toThread(functions.add, 1, 2))).toBe(3);
  });
});

describe("toThread", { timeout: 30_000 }, () => {
  test("takes shared contexts along, which runInExecutor does not", () =>
    run(() =>
      requestId.run("request 7", async () => {
        expect(await toThread(functions.carried)).toBe("request 7");
        expect(await functions.carried()).toBe("request 7");
        expect(await runInExecutor(null, functions.carried)).toBe(undefined);
      }),
    ));

  test("is started by the call, awaited or not", () =>
    run(async () => {
      const gate = new Gate();

      const operation = toThread(functions.holdThread, gate.flags);
      await gate.entered();
      gate.open();

      expect(await operation).toBe("released");
    }));

  test("waits for room in the queue", () =>
    run(async () => {
      const pool = new ThreadPoolExecutor({ maxWorkers: 1, maxQueue: 0 });
      setDefaultExecutor(pool);
      const gate = new Gate();
      const job = pool.submit(functions.holdThread, gate.flags);

      const second = toThread(functions.add, 1, 2);
      await gate.entered();
      gate.open();

      expect(await second).toBe(3);
      expect(await job).toBe("released");
    }));

  test("needs a loop that runs", () => {
    expect(() => toThread(functions.add, 1, 2)).toThrow(RuntimeError);
  });

  test("refuses what is no executor", () =>
    run(async () => {
      expect(() => runInExecutor({} as never, functions.add, 1, 2)).toThrow(
        "`executor` to be an Executor or null",
      );
      expect(getRunningLoop().isRunning).toBe(true);
    }));
});
