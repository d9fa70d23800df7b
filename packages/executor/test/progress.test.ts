import { AsyncLocalStorage } from "node:async_hooks";
import { CancelledError, RuntimeError } from "@aio/loop";
import { createTask, currentTask, run, sleep } from "@aio/task";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type Executor,
  JobFuture,
  ProcessPoolExecutor,
  reportProgress,
  runInExecutor,
  ThreadPoolExecutor,
} from "../src/index.ts";
import { functions, thrownBy } from "./functions.ts";

const executors = [
  ["ThreadPoolExecutor", () => new ThreadPoolExecutor({ maxWorkers: 1 })],
  ["ProcessPoolExecutor", () => new ProcessPoolExecutor({ maxWorkers: 1 })],
] as const;

describe.each(executors)("Progress in a %s", { timeout: 30_000 }, (_name, make) => {
  test("is heard while the job runs, in order, and the last of it before the end", () =>
    run(async () => {
      await using pool: Executor & AsyncDisposable = make();
      const values = [1, "two", { three: [3n] }, undefined, null];
      const heard: unknown[] = [];
      const job = pool.submit(functions.reportAll, values);
      job.onProgress((value) => heard.push([value, job.done]));

      await job;

      expect(heard).toEqual(values.map((value) => [value, false]));
    }));

  test("may be reported very often: the newest is heard, and the last one", () =>
    run(async () => {
      await using pool = make();
      const heard: number[] = [];
      const job = pool.submit(functions.countTo, 300_000);
      job.onProgress((step: number) => heard.push(step));

      expect(await job).toBe("counted");

      expect(heard.length).toBeLessThan(1_000);
      expect(heard).toEqual(heard.toSorted((a, b) => a - b));
      expect(heard.at(-1)).toBe(300_000);
    }));

  test("is heard when the job waits for long behind it", () =>
    run(async () => {
      await using pool = make();
      const job = pool.submit(functions.reportTwice);
      const second = Promise.withResolvers<void>();
      const heard: unknown[] = [];
      job.onProgress((value) => {
        heard.push(value);
        if (value === "second") second.resolve();
      });

      await second.promise;
      expect(heard).toEqual(["first", "second"]);
      job.cancel();

      expect(await thrownBy(() => job)).toBeInstanceOf(CancelledError);
    }));

  test("is copied when it is reported", () =>
    run(async () => {
      await using pool = make();
      const heard: unknown[] = [];
      const job = pool.submit(functions.reportChanging);
      job.onProgress((value) => heard.push(value));

      expect(await job).toBe(4);
      expect(heard.at(-1)).toEqual({ step: 3 });
    }));

  test("of a job that fails is heard before the error", () =>
    run(async () => {
      await using pool = make();
      const heard: unknown[] = [];
      const job = pool.submit(functions.reportAndFail);
      job.onProgress((value) => heard.push(value));

      expect(await thrownBy(() => job)).toBeInstanceOf(RangeError);
      expect(heard).toEqual([1, 2]);
    }));

  test("that cannot be sent is an error of the job", () =>
    run(async () => {
      await using pool = make();

      const error = await thrownBy(() => pool.submit(functions.reportFunction));

      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(
        /^The progress of a job cannot be sent from a worker: .*; report plain data$/,
      );
    }));

  test("of a job that was cancelled is not heard, nor what nobody listens to any more", () =>
    run(async () => {
      await using pool = make();
      const heard: unknown[] = [];
      const cancelled = pool.submit(functions.reportAll, [1, 2, 3]);
      cancelled.onProgress((value) => heard.push(value));
      const deaf = pool.submit(functions.reportAll, [4, 5]);
      deaf.onProgress((value) => heard.push(value))();
      const heardAll = pool.submit(functions.reportAll, [6]);
      heardAll.onProgress((value) => heard.push(value));
      cancelled.cancel();

      await heardAll;

      expect(heard).toEqual([6]);
    }));
});

describe("Progress in a process", { timeout: 30_000 }, () => {
  test("that could not be read here is an error of the job", () =>
    run(async () => {
      await using pool = new ProcessPoolExecutor({ maxWorkers: 1 });

      const error = await thrownBy(() => pool.submit(functions.reportWebAssembly));

      expect(error.message).toMatch(/^The progress of a job cannot be sent from a worker: /);
    }));
});

describe("JobFuture.onProgress", { timeout: 30_000 }, () => {
  test("calls in the context of who asked for it, and with no current task", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const request = new AsyncLocalStorage<string>();
      const heard: unknown[] = [];

      const job = pool.submit(functions.reportAll, [1]);
      await createTask(async () => {
        request.run("seven", () =>
          job.onProgress(() => heard.push(request.getStore(), currentTask())),
        );
      });
      await job;

      expect(heard).toEqual(["seven", null]);
    }));

  test("calls nobody any more who has ended it, or whose job is cancelled, before their turn comes", () =>
    run(async () => {
      const heard: string[] = [];
      const [cancelled, ended] = [new JobFuture<void>(), new JobFuture<void>()];
      cancelled.onProgress(() => heard.push("of the cancelled one"));
      const end = ended.onProgress(() => heard.push("by who had ended it"));
      ended.onProgress(() => heard.push("by the other"));

      for (const job of [cancelled, ended]) job.progressed(1);
      cancelled.cancel();
      end();
      await sleep(0);

      expect(heard).toEqual(["by the other"]);
    }));

  test("has values of the type that is asked for", () => {
    const typed = (pool: ThreadPoolExecutor): void => {
      const job = runInExecutor(pool, functions.countTo, 1);
      expectTypeOf(job).toEqualTypeOf<JobFuture<string>>();
      job.onProgress((value) => expectTypeOf(value).toEqualTypeOf<unknown>());
      job.onProgress((step: number) => step + 1);
      // @ts-expect-error -- a function is wanted
      job.onProgress("bar");
    };
    expect(typed).toBeTypeOf("function");
  });

  test("refuses what cannot be called", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const job = pool.submit(functions.add, 1, 2);

      expect(() => job.onProgress("bar" as never)).toThrow("Expected `callback` to be a function");
      await job;
    }));
});

test("reportProgress() outside of a job says what to do", () => {
  expect(() => reportProgress(1)).toThrow(RuntimeError);
  expect(() => reportProgress(1)).toThrow(
    "No job of an executor runs here; call reportProgress() inside of one, while it runs",
  );
});
