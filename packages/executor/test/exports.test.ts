import { describe, expect, test } from "vitest";
import * as executor from "../src/index.ts";

test("@aio/executor exports exactly these names", () => {
  expect(Object.keys(executor).toSorted()).toEqual([
    "ConcurrentFuture",
    "Executor",
    "ExecutorFullError",
    "Job",
    "JobFuture",
    "JobMap",
    "Latest",
    "LoopHandle",
    "PoolExecutor",
    "ProcessPoolExecutor",
    "Progress",
    "ThreadPoolExecutor",
    "WorkerDiedError",
    "callSoonThreadsafe",
    "checkCount",
    "checkDuration",
    "currentSignal",
    "exposeLoop",
    "inThread",
    "packError",
    "referenceOf",
    "reportProgress",
    "runCoroutineThreadsafe",
    "runInExecutor",
    "setDefaultExecutor",
    "shareContext",
    "shutdownDefaultExecutor",
    "toThread",
    "transfer",
    "unpackError",
  ]);
});

describe("What executors of your own need", () => {
  test("is to know which function of a module is meant, and to send errors", () => {
    const url = new URL("./fixtures/functions.ts", import.meta.url);
    const { add } = executor.inThread<typeof import("./fixtures/functions.ts")>(url);
    const error = new RangeError("too far", { cause: new TypeError("no input") });

    const copy = executor.unpackError(structuredClone(executor.packError(error)));

    expect(executor.referenceOf(add)).toEqual({ module: url.href, name: "add" });
    expect(executor.referenceOf(() => 1)).toBe(null);
    expect(copy).toEqual(error);
    expect(copy).toBeInstanceOf(RangeError);
  });
});
