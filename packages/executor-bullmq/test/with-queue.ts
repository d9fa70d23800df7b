import { writeFileSync } from "node:fs";
import { ThreadPoolExecutor } from "@aio/executor";
import { run } from "@aio/task";
import { BullMQExecutor, type BullMQExecutorOptions, BullMQWorker } from "../src/index.ts";
import { QUEUE, RedisServer } from "./redis-server.ts";
import { MODULE } from "./worker-process.ts";

/** What a test is given. */
interface Surroundings {
  readonly server: RedisServer;
  readonly executor: BullMQExecutor;
  readonly worker: BullMQWorker;
}

/** Runs a test with a Redis, a worker with one thread in this process, and an executor of its queue. */
export function withQueue(
  body: (surroundings: Surroundings) => Promise<void>,
  options: Partial<BullMQExecutorOptions> = {},
): Promise<void> {
  return run(async () => {
    await using server = await RedisServer.start();
    await using worker = new BullMQWorker({
      connection: server.socket,
      queue: QUEUE,
      modules: [MODULE],
      executor: new ThreadPoolExecutor({ maxWorkers: 1, grace: 1_000 }),
    });
    const serving = worker.serve();
    await using executor = new BullMQExecutor({
      connection: server.socket,
      queue: QUEUE,
      ...options,
    });
    try {
      await body({ server, executor, worker });
    } finally {
      writeFileSync(server.path("go"), ""); // what is held goes on, also when the test has failed
    }
    await executor.shutdown();
    await worker.close();
    await serving;
  });
}

/** What `action` throws. */
export async function thrownBy(action: () => unknown): Promise<Error & Record<string, unknown>> {
  try {
    await action();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("Nothing was thrown");
}
