import { writeFileSync } from "node:fs";
import { inThread, runInExecutor } from "@aio/executor";
import { CancelledError, RuntimeError, runOutside } from "@aio/loop";
import { createTask, gather, run, timeout } from "@aio/task";
import { QueueEvents } from "bullmq";
import { expect, expectTypeOf, test } from "vitest";
import { BullMQExecutor, type RemoteJob } from "../src/index.ts";
import { describeWithRedis, QUEUE } from "./redis-server.ts";
import { thrownBy, withQueue } from "./with-queue.ts";
import { functions, MODULE } from "./worker-process.ts";

describeWithRedis("BullMQExecutor", { timeout: 30_000 }, () => {
  test("calls functions of modules, plain and async", () =>
    withQueue(async ({ executor }) => {
      const results = await gather(
        executor.submit(functions.add, 1, 2),
        executor.submit(functions.addLater, 3, 4),
        runInExecutor(executor, functions.add, 5, 6),
      );

      expect(results).toEqual([3, 7, 11]);
    }));

  test("copies arguments and results as structured clone does", () =>
    withQueue(async ({ executor }) => {
      const value = {
        big: 1n,
        date: new Date(0),
        map: new Map<unknown, unknown>([["a", new Set([1])]]),
        bytes: new Uint8Array([1, 2]),
        numbers: new Float64Array([0.5, Number.NaN]),
        nothing: undefined,
        self: null as unknown,
      };
      value.self = value;

      const copy = (await executor.submit(functions.identity, value)) as typeof value;

      expect(copy).toEqual(value);
      expect(copy.self).toBe(copy);
    }));

  test("brings errors back with their class, code, cause, and the stack of the worker", () =>
    withQueue(async ({ executor }) => {
      const custom = await thrownBy(() => executor.submit(functions.failWith, "custom"));
      const range = await thrownBy(() => executor.submit(functions.failWith, "range"));
      const value = await thrownBy(() => executor.submit(functions.failWith, "value"));

      expect(custom).toMatchObject({
        name: "HashError",
        message: "no hash",
        code: "E_HASH",
        block: 7,
      });
      expect(custom.cause).toBeInstanceOf(TypeError);
      expect(custom.stack).toContain("fixtures/functions.ts");
      expect(range).toBeInstanceOf(RangeError);
      expect(value).toEqual({ reason: "plain" });
    }));

  test("refuses functions that come from no module", () =>
    withQueue(async ({ executor }) => {
      const error = await thrownBy(() => executor.submit((n: number) => n + 1, 1));

      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/`anonymous` is no function of a module.*inThread\(new URL/);
      expect(executor.pendingCount).toBe(0);
    }));

  test("is told that the worker does not have the module, which is not tried again", () =>
    withQueue(
      async ({ executor }) => {
        const { encode } = inThread<{ encode: () => void }>("file:///elsewhere/images.ts");

        const error = await thrownBy(() => executor.submit(encode));

        expect(error).toBeInstanceOf(TypeError);
        expect(error.message).toBe(
          "The worker of queue 'tests' has no module `images`, whose `encode` was to be called; it was given `functions`",
        );
      },
      { attempts: 2, backoff: 600_000 },
    ));

  test("is told which functions the module has, when it does not have that one", () =>
    withQueue(async ({ executor }) => {
      const { notAFunction } = inThread<{ notAFunction: () => void }>(MODULE);

      const error = await thrownBy(() => executor.submit(notAFunction));

      expect(error.message).toMatch(/exports no function `notAFunction`; it exports .*`add`/);
    }));

  test("says which arguments and results cannot be sent", () =>
    withQueue(async ({ executor }) => {
      const argument = await thrownBy(() => executor.submit(functions.identity, () => 1));
      const result = await thrownBy(() => executor.submit(functions.returnFunction));

      expect(argument).toBeInstanceOf(TypeError);
      expect(argument.message).toMatch(/arguments of `identity` cannot be sent .*pass plain data/);
      expect(result).toBeInstanceOf(TypeError);
      expect(result.message).toMatch(
        /result of .*returnFunction` cannot be sent .*return plain data/,
      );
    }));

  test("has a job that throws tried again, after its backoff, as often as it may", () =>
    withQueue(
      async ({ server, executor }) => {
        expect(await executor.submit(functions.failUntil, 3, server.path("three"))).toBe(3);
        const error = await thrownBy(() =>
          executor.submit(functions.failUntil, 4, server.path("four")),
        );

        expect(error).toBeInstanceOf(RangeError);
        expect(error.message).toBe("call 3");
        const [first = 0, second = 0, third = 0] = server.linesNow("four").map(Number);
        expect(second - first).toBeGreaterThanOrEqual(50);
        expect(third - second).toBeGreaterThanOrEqual(50);
      },
      { attempts: 3, backoff: 50 },
    ));

  test("maps over items, and tells of its progress", () =>
    withQueue(async ({ executor }) => {
      const seen: string[] = [];
      const results = executor.map(functions.double, [1, 2, 3], {
        onProgress: ({ done, failed, total }) => seen.push(`${done}/${total} ${failed}`),
      });

      const all: number[] = [];
      for await (const result of results) all.push(result);

      expect(all).toEqual([2, 4, 6]);
      expect(seen).toEqual(["1/3 0", "2/3 0", "3/3 0"]);
    }));

  test("limits how many jobs are under way, and tells when there is room", () =>
    withQueue(
      async ({ server, executor }) => {
        const job = executor.submit(functions.hold, server.path("began"), server.path("go"));

        const error = await thrownBy(() => executor.submit(functions.add, 1, 2));
        const drained = createTask(() => executor.drain());
        await server.lines("began", 1);
        expect(error).toMatchObject({ name: "ExecutorFullError", code: "AIO_EXECUTOR_FULL" });
        expect(drained.done).toBe(false);

        writeFileSync(server.path("go"), "");
        await gather(job, drained);
        expect(await executor.submit(functions.add, 3, 4)).toBe(7);
      },
      { maxQueue: 1 },
    ));

  test("gives two callers of one queue their own answers", () =>
    withQueue(async ({ server, executor }) => {
      await using other = new BullMQExecutor({ connection: server.socket, queue: QUEUE });

      const jobs = Array.from({ length: 20 }, (_, n) => [
        executor.submit(functions.add, n, 0),
        other.submit(functions.add, n, 100),
      ]).flat();

      expect(await gather(jobs)).toEqual(Array.from({ length: 20 }, (_, n) => [n, n + 100]).flat());
    }));

  test("has a name for a module whose file name another has, too", () =>
    withQueue(async ({ server }) => {
      const elsewhere = new URL("file:///elsewhere/index.ts");
      const { add } = inThread<{ add: (a: number, b: number) => number }>(elsewhere);
      await using executor = new BullMQExecutor({
        connection: server.socket,
        queue: QUEUE,
        modules: { functions: elsewhere },
      });

      expect(await executor.submit(add, 1, 2)).toBe(3);
    }));

  test("leaves nothing in Redis when its jobs are done and it is shut down", () =>
    withQueue(async ({ server, executor }) => {
      await gather(executor.submit(functions.add, 1, 2), executor.submit(functions.add, 3, 4));
      await executor.shutdown();

      const redis = server.client();
      const keys = await redis.keys("*");
      redis.disconnect();

      expect(keys.filter((key) => !/:(meta|events|id|stalled-check|marker)$/.test(key))).toEqual(
        [],
      );
    }));

  test.each([
    [{ queue: "a:b" }, "`queue` to be the name of a queue, without colons, got 'a:b'"],
    [{ queue: undefined as never }, "`queue` to be the name of a queue"],
    [{ connection: "" }, "`connection` to be a URL of Redis"],
    [{ connection: "redis://:pass#word@h" }, /^`connection` cannot be read: (?!.*pass#)/],
    [{ maxQueue: 0 }, "`maxQueue` to be a whole number of 1 or more, got 0"],
    [{ attempts: 1.5 }, "`attempts` to be a whole number of 1 or more, got 1.5"],
    [{ connectTimeout: -1 }, "`connectTimeout` not to be negative, got -1"],
  ])("refuses %o", (options, message) => {
    expect(() => new BullMQExecutor({ connection: "/none", queue: "q", ...options })).toThrow(
      message,
    );
  });

  test("knows the types of results and arguments", () => {
    const typed = (executor: BullMQExecutor): void => {
      expectTypeOf(executor.submit(functions.addLater, 1, 2)).toEqualTypeOf<RemoteJob<number>>();
      expectTypeOf(executor.map(functions.double, [1])).toExtend<AsyncIterable<number>>();
      // @ts-expect-error -- a number is wanted
      void executor.submit(functions.add, 1, "2");
    };
    expect(typed).toBeTypeOf("function");
  });
});

describeWithRedis("A job over BullMQ that is cancelled", { timeout: 30_000 }, () => {
  test("never runs when it waits", () =>
    withQueue(async ({ server, executor }) => {
      const running = executor.submit(functions.hold, server.path("first"), server.path("go"));
      await server.lines("first", 1);
      const waiting = executor.submit(functions.hold, server.path("second"), server.path("go"));
      const early = executor.submit(functions.hold, server.path("third"), server.path("go"));
      early.cancel(); // it is not even in the queue

      expect(waiting.cancel("not needed")).toBe(true);
      writeFileSync(server.path("go"), "");
      await running;
      expect(await executor.submit(functions.add, 1, 2)).toBe(3); // behind it, in the same thread

      expect(waiting.cancelled).toBe(true);
      expect(server.linesNow("second")).toEqual([]);
      expect(server.linesNow("third")).toEqual([]);
    }));

  test("ends the wait of its task at once, and is told while it runs", () =>
    withQueue(async ({ server, executor }) => {
      const [began, told] = [server.path("began"), server.path("told")];
      const task = createTask(() => executor.submit(functions.holdUntilAborted, began, told));
      await server.lines("began", 1);

      task.cancel("the user left");
      const error = await thrownBy(() => task);
      expect(error).toBeInstanceOf(CancelledError);
      expect(error.message).toBe("the user left");

      const [line = ""] = await server.lines("told", 1);
      expect(JSON.parse(line)).toEqual({
        name: "CancelledError",
        message: "the user left",
        reason: "caller",
      });
      expect(await executor.submit(functions.add, 1, 2)).toBe(3);
    }));

  test("has its thread ended when it does not hear, and the worker goes on", () =>
    withQueue(async ({ server, executor }) => {
      const job = executor.submit(functions.spinFrom, server.path("began"), 600_000);
      await server.lines("began", 1);

      job.cancel();

      expect(await executor.submit(functions.add, 1, 2)).toBe(3);
    }));

  test("by a deadline ends in time", () =>
    withQueue(async ({ server, executor }) => {
      const error = await thrownBy(() =>
        timeout(100, () =>
          executor.submit(functions.holdUntilAborted, server.path("began"), server.path("told")),
        ),
      );

      expect(error.name).toBe("TimeoutError");
    }));
});

describeWithRedis("Progress through BullMQ", { timeout: 30_000 }, () => {
  test("is heard while the job runs, in order, whatever structured clone takes", () =>
    withQueue(async ({ executor }) => {
      const values = [1, "two", { three: [3n] }, undefined, new Map([["four", 4]])];
      const heard: unknown[] = [];
      const job = executor.submit(functions.reportAll, values);
      job.onProgress((value) => heard.push([value, job.done]));

      await job;

      expect(heard).toEqual(values.map((value) => [value, false]));
    }));

  test("may be reported very often: the last one is heard before the result", () =>
    withQueue(async ({ executor }) => {
      const heard: number[] = [];
      const job = executor.submit(functions.countTo, 100_000);
      job.onProgress((step: number) => heard.push(step));

      expect(await job).toBe("counted");
      expect(heard.length).toBeLessThan(100);
      expect(heard.at(-1)).toBe(100_000);
    }));

  test("goes to the caller of that job, and not of another", () =>
    withQueue(async ({ server, executor }) => {
      await using other = new BullMQExecutor({ connection: server.socket, queue: QUEUE });
      const heard: string[] = [];
      const jobs = [executor, other].map((from, index) => {
        const job = from.submit(functions.reportAll, [index]);
        job.onProgress((value) => heard.push(`${index}: ${String(value)}`));
        return job;
      });

      await gather(jobs);

      expect(heard.toSorted()).toEqual(["0: 0", "1: 1"]);
    }));

  test("is there for those who look at the queue, when it is a number or a text", () =>
    withQueue(async ({ server, executor }) => {
      const connection = { path: server.socket };
      const events = runOutside(() => new QueueEvents(QUEUE, { connection }));
      const seen = new Promise((resolve) => void events.once("progress", resolve));
      try {
        await events.waitUntilReady();
        const job = executor.submit(functions.reportAll, [50]);

        expect(await seen).toEqual({ jobId: job.id, data: 50 });
        await job;
      } finally {
        await events.close();
      }
    }));
});

describeWithRedis("BullMQExecutor.shutdown", { timeout: 30_000 }, () => {
  test("waits for what is under way, refuses what comes behind, and leaves no handles", () =>
    withQueue(async ({ server, executor: other }) => {
      await other.submit(functions.add, 1, 2); // all else is there by now
      const before = sockets();
      const executor = new BullMQExecutor({ connection: server.socket, queue: QUEUE });
      const jobs = [1, 2, 3].map((n) => executor.submit(functions.add, n, n));

      const end = executor.shutdown();
      const error = await thrownBy(() => executor.submit(functions.add, 1, 2));
      await end;

      expect(error).toBeInstanceOf(RuntimeError);
      expect(jobs.map((job) => job.result())).toEqual([2, 4, 6]);
      expect(sockets()).toBe(before);
      await executor.shutdown(); // again
    }));

  test("of an idle one closes its connections, and can be asked for twice at a time", () =>
    withQueue(async ({ server, executor: other }) => {
      await other.submit(functions.add, 1, 2); // all else is there by now
      const client = server.client();
      const connections = async (): Promise<number> =>
        String(await client.client("LIST"))
          .trim()
          .split("\n").length;
      const before = await connections();
      const executor = new BullMQExecutor({ connection: server.socket, queue: QUEUE });
      await executor.submit(functions.add, 1, 2);
      expect(await connections()).toBeGreaterThan(before);

      await gather(executor.shutdown(), executor.shutdown());

      await expect.poll(connections).toBe(before);
      client.disconnect();
    }));

  test("returns at once with `wait: false`; what is under way is done", () =>
    withQueue(async ({ server, executor }) => {
      const job = executor.submit(functions.hold, server.path("began"), server.path("go"));
      await server.lines("began", 1);

      await executor.shutdown({ wait: false });
      expect(job.done).toBe(false);

      writeFileSync(server.path("go"), "");
      expect(await job).toBe(process.pid);
    }));

  test("cancels what waits with `cancelFutures`, and nothing that runs", () =>
    withQueue(async ({ server, executor }) => {
      const running = executor.submit(functions.hold, server.path("began"), server.path("go"));
      await server.lines("began", 1);
      const waiting = executor.submit(functions.add, 1, 2);

      const end = executor.shutdown({ cancelFutures: true });
      const error = await thrownBy(() => waiting);
      expect(error).toMatchObject({ name: "CancelledError", reason: "shutdown" });
      expect(running.done).toBe(false);

      writeFileSync(server.path("go"), "");
      await end;
      expect(running.result()).toBe(process.pid);
    }));

  test("of one that was never used is done at once", () =>
    run(async () => {
      const executor = new BullMQExecutor({ connection: "/nowhere", queue: QUEUE });

      await executor.shutdown();

      expect(executor.isShutdown).toBe(true);
    }));
});

/** How many sockets of Unix are open in this process. */
function sockets(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === "PipeWrap").length;
}
