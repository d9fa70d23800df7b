import { execFile } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createTask, gather, run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { BullMQExecutor, BullMQWorker, RedisUnavailableError } from "../src/index.ts";
import { RedisLine } from "./redis-line.ts";
import { describeWithRedis, QUEUE, RedisServer } from "./redis-server.ts";
import { thrownBy } from "./with-queue.ts";
import { functions, MODULE } from "./worker-process.ts";

const PROGRAM = fileURLToPath(new URL("fixtures/program.ts", import.meta.url));

/** What the program writes until it ends by itself. */
async function output(...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", PROGRAM, ...args],
    { env: { ...process.env, NODE_OPTIONS: "" }, timeout: 20_000 },
  );
  return stdout + stderr;
}

describeWithRedis("Without Redis", { timeout: 30_000 }, () => {
  test("all jobs fail with one clear error, in time", () =>
    run(async () => {
      await using executor = new BullMQExecutor({
        connection: "/nowhere/redis.sock",
        queue: QUEUE,
        connectTimeout: 100,
      });

      const [first, second] = await gather(
        [executor.submit(functions.add, 1, 2), executor.submit(functions.add, 3, 4)],
        { returnExceptions: true },
      );

      expect(first).toBeInstanceOf(RedisUnavailableError);
      expect(first).toMatchObject({
        code: "AIO_REDIS_UNAVAILABLE",
        cause: { code: "ENOENT" },
        message:
          "Cannot reach Redis at /nowhere/redis.sock: connect ENOENT /nowhere/redis.sock; start one with `redis-server`, or pass where it is as `connection`",
      });
      expect(second).toBe(first);
    }));

  test("nobody waits for room for ever", () =>
    run(async () => {
      await using executor = new BullMQExecutor({
        connection: "/nowhere/redis.sock",
        queue: QUEUE,
        connectTimeout: 100,
        maxQueue: 1,
      });
      const job = executor.submit(functions.add, 1, 2);
      expect(executor.isFull).toBe(true);

      await executor.drain();

      expect(job.exception()).toBeInstanceOf(RedisUnavailableError);
    }));

  test("at a port that nobody listens on, the error says so", () =>
    run(async () => {
      await using executor = new BullMQExecutor({
        connection: "redis://user:secret@127.0.0.1:1/0",
        queue: QUEUE,
        connectTimeout: 100,
      });

      const error = await thrownBy(() => executor.submit(functions.add, 1, 2));

      expect(error.message).toContain("Cannot reach Redis at 127.0.0.1:1: connect ECONNREFUSED");
      expect(error.message).not.toContain("secret");
    }));

  test("a program writes nothing but what it is told, and ends", async () => {
    expect(await output("/nowhere/redis.sock")).toBe(
      "RedisUnavailableError: Cannot reach Redis at /nowhere/redis.sock: connect ENOENT /nowhere/redis.sock; start one with `redis-server`, or pass where it is as `connection`\nthe run is over\n",
    );
    expect(await output("/nowhere/redis.sock", "cancel")).toBe("CancelledError\nthe run is over\n");
  });

  test("a worker fails with the same error", () =>
    run(async () => {
      const worker = new BullMQWorker({
        connection: "/nowhere/redis.sock",
        queue: QUEUE,
        modules: [MODULE],
        connectTimeout: 100,
      });

      expect(await thrownBy(() => worker.serve())).toBeInstanceOf(RedisUnavailableError);
      await worker.close();
    }));

  test("an executor tries again with the next job", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using worker = new BullMQWorker({
        connection: server.socket,
        queue: QUEUE,
        modules: [MODULE],
      });
      const serving = worker.serve();
      await server.stop();
      await using executor = new BullMQExecutor({
        connection: server.socket,
        queue: QUEUE,
        connectTimeout: 100,
      });

      const error = await thrownBy(() => executor.submit(functions.add, 1, 2));
      await server.start();

      expect(error).toBeInstanceOf(RedisUnavailableError);
      expect(await executor.submit(functions.add, 1, 2)).toBe(3);
      await executor.shutdown();
      await worker.close();
      await serving;
    }));

  test("that goes away, jobs end when it stays away for too long", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using executor = new BullMQExecutor({
        connection: server.socket,
        queue: QUEUE,
        reconnectTimeout: 100,
      });
      const job = executor.submit(functions.add, 1, 2);
      await server.has(1);

      await server.stop();

      expect(await thrownBy(() => job)).toBeInstanceOf(RedisUnavailableError);
    }));

  test("that is back for a moment only, nothing waits for a command that was under way", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using line = await RedisLine.to(server);
      await using executor = new BullMQExecutor({
        connection: line.socket,
        queue: QUEUE,
        reconnectTimeout: 100,
      });
      const added = line.keeps("eval");
      const job = executor.submit(functions.add, 1, 2);
      await added;

      line.refuse();
      line.hangUp();
      job.cancel(); // it waits until the job is in the queue, to take it out of there
      await executor.shutdown();

      expect(job.cancelled).toBe(true);
    }));

  test("that goes away while a worker starts, the worker fails with that error, too", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using line = await RedisLine.to(server);
      await using worker = new BullMQWorker({
        connection: line.socket,
        queue: QUEUE,
        modules: [MODULE],
        reconnectTimeout: 100,
      });
      const begun = line.keeps("subscribe");
      const serving = createTask(() => worker.serve());
      await begun;

      line.close();

      expect(await thrownBy(() => serving)).toBeInstanceOf(RedisUnavailableError);
    }));
});

describeWithRedis("A Redis that refuses", { timeout: 30_000 }, () => {
  test.each([
    ["a password that is wrong", { password: "wrong" }, "WRONGPASS invalid username-password"],
    ["who has no password", {}, "NOAUTH"],
    ["a database that it does not have", { password: "secret", db: 99 }, "ERR DB index is out"],
  ])("%s is told by executor and worker alike, at once", (_what, options, reason) =>
    run(async () => {
      await using server = await RedisServer.start();
      const client = server.client();
      await client.config("SET", "requirepass", "secret");
      client.disconnect();
      const settings = {
        connection: { path: server.socket, ...options },
        queue: QUEUE,
        connectTimeout: Infinity,
      };
      await using executor = new BullMQExecutor(settings);
      await using worker = new BullMQWorker({ ...settings, modules: [MODULE] });

      const errors = [
        await thrownBy(() => executor.submit(functions.add, 1, 2)),
        await thrownBy(() => worker.serve()),
      ];

      for (const error of errors) {
        expect(error).toBeInstanceOf(RedisUnavailableError);
        expect(error.message).toContain(
          `Redis at ${server.socket} refuses the connection: ${reason}`,
        );
        expect(error.message).toMatch(/; pass `connection` with the user, the password and the/);
      }
    }),
  );
});

describe("A server that is no Redis, and says nothing,", () => {
  test("is given up in time by executor and worker alike", () =>
    run(async () => {
      const server = createServer((socket) => socket.on("error", () => undefined)).listen(0);
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const settings = {
        connection: `redis://127.0.0.1:${port}`,
        queue: QUEUE,
        connectTimeout: 100,
      };
      await using executor = new BullMQExecutor(settings);
      await using worker = new BullMQWorker({ ...settings, modules: [MODULE] });

      const errors = [
        await thrownBy(() => executor.submit(functions.add, 1, 2)),
        await thrownBy(() => worker.serve()),
      ];
      server.close();

      for (const error of errors) {
        expect(error).toBeInstanceOf(RedisUnavailableError);
        expect(error.message).toContain(
          `Cannot reach Redis at 127.0.0.1:${port}: it does not answer; start one`,
        );
      }
    }));
});

describeWithRedis("A program with an executor that is never shut down", { timeout: 30_000 }, () => {
  test("ends when no job is under way", () =>
    run(async () => {
      await using server = await RedisServer.start();

      expect(await output(server.socket, "cancel")).toBe("CancelledError\nthe run is over\n");
    }));
});
