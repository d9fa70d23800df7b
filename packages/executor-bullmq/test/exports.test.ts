import { expect, test } from "vitest";
import * as bullmq from "../src/index.ts";

test("@aio/executor-bullmq exports exactly these names", () => {
  expect(Object.keys(bullmq).toSorted()).toEqual([
    "BullMQExecutor",
    "BullMQWorker",
    "JobLostError",
    "RedisUnavailableError",
    "RemoteJob",
  ]);
});
