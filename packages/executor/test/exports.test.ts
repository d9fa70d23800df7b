import { expect, test } from "vitest";
import * as executor from "../src/index.ts";

test("@aio/executor exports exactly these names", () => {
  expect(Object.keys(executor).toSorted()).toEqual([
    "ConcurrentFuture",
    "Executor",
    "ExecutorFullError",
    "Job",
    "JobMap",
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
