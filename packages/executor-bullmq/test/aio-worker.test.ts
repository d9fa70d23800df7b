import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { RuntimeError } from "@aio/loop";
import { gather, run } from "@aio/task";
import { Worker } from "bullmq";
import { expect, test } from "vitest";
import { BullMQExecutor, JobLostError, type RemoteJob } from "../src/index.ts";
import { RedisLine } from "./redis-line.ts";
import { describeWithRedis, QUEUE, RedisServer } from "./redis-server.ts";
import { thrownBy } from "./with-queue.ts";
import { functions, MODULE, WorkerProcess } from "./worker-process.ts";

const PATH = fileURLToPath(MODULE);

describeWithRedis("Two workers of a queue", { timeout: 60_000 }, () => {
  test("share its jobs", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using first = await WorkerProcess.start(server);
      await using second = await WorkerProcess.start(server);
      await using executor = executorOf(server);

      const jobs = [1, 2].map(() =>
        executor.submit(functions.hold, server.path("began"), server.path("go")),
      );
      await server.lines("began", 2); // both at the same time: each worker does one job at a time
      writeFileSync(server.path("go"), "");

      expect(new Set(await gather(jobs))).toEqual(new Set([first.pid, second.pid]));
    }));

  test("do the job of one that is killed in the middle of it, once as the caller sees it", () =>
    run(async () => {
      await using server = await RedisServer.start();
      const workers = [await WorkerProcess.start(server), await WorkerProcess.start(server)];
      await using executor = executorOf(server);
      let ends = 0;
      const job = executor.submit(functions.hold, server.path("began"), server.path("go"));
      job.addDoneCallback(() => {
        ends += 1;
      });
      const [victim] = await server.lines("began", 1);

      process.kill(Number(victim), "SIGKILL");
      const [, heir] = await server.lines("began", 2);
      expect(job.done).toBe(false);
      writeFileSync(server.path("go"), "");

      expect(await job).toBe(Number(heir));
      expect(await executor.submit(functions.add, 1, 2)).toBe(3);
      expect(heir).not.toBe(victim);
      expect(workers.map(({ pid }) => String(pid))).toContain(heir);
      expect(ends).toBe(1);
      expect(server.linesNow("began")).toEqual([victim, heir]);
      for (const worker of workers) await worker[Symbol.asyncDispose]();
    }));

  test("report the progress of a job that both have begun", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using _first = await WorkerProcess.start(server);
      await using _second = await WorkerProcess.start(server);
      await using executor = executorOf(server);
      const heard: string[] = [];
      const job = executor.submit(functions.reportAndDie, server.path("began"));
      job.onProgress((value: string) => {
        heard.push(value);
        writeFileSync(server.path("began-heard"), ""); // the first one dies of it
      });

      expect(await job).toBe(2);
      expect(heard).toEqual(["call 1", "call 2"]);
    }));

  test("do not die one after the other of the same job", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using _first = await WorkerProcess.start(server, ["--max-stalled", "0"]);
      await using _second = await WorkerProcess.start(server, ["--max-stalled", "0"]);
      await using executor = executorOf(server);

      const error = await thrownBy(() =>
        executor.submit(functions.killWorker, server.path("died")),
      );

      expect(error).toMatchObject({ name: "WorkerDiedError", code: "AIO_WORKER_DIED" });
      expect(error.message).toContain("`functions.killWorker` died, 1 times by now");
      expect(server.linesNow("died")).toHaveLength(1);
      expect(await executor.submit(functions.add, 1, 2)).toBe(3);
    }));

  test("do not start a job again that was cancelled when its worker died", () =>
    withWorker(async ({ server, worker: first, executor }) => {
      const { job } = await begin(server, executor);
      first.kill("SIGSTOP"); // it does not hear
      job.cancel();
      first.kill("SIGKILL");
      await using _second = await WorkerProcess.start(server);

      await server.emptied(); // the lock of the first has run out, and somebody has seen to the job
      expect(await executor.submit(functions.add, 1, 2)).toBe(3);

      expect(server.linesNow("began")).toHaveLength(1);
    }));
});

describeWithRedis("A queue whose Redis is restarted", { timeout: 60_000 }, () => {
  test("goes on: with jobs that run, with those that wait, and with new ones", () =>
    withWorker(async ({ server, worker, executor }) => {
      const { job: running } = await begin(server, executor);
      const waiting = executor.submit(functions.add, 1, 2);
      await server.has(2);

      await server.stop();
      await worker.said("lost Redis");
      await attempts(server, 15); // some of them are the worker's
      const meanwhile = executor.submit(functions.add, 3, 4);
      writeFileSync(server.path("go"), ""); // the job ends while there is no Redis
      await server.start();

      expect(await gather(running, waiting, meanwhile)).toEqual([worker.pid, 3, 7]);
      expect(await executor.submit(functions.add, 5, 6)).toBe(11);
      expect(worker.output).toContain("is back");
      expect(worker.output.match(/lost Redis/g)).toHaveLength(1); // whatever it has tried meanwhile
      expect(worker.errors).toBe("");
    }));

  test("tells of jobs that Redis has forgotten", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using executor = executorOf(server); // there is no worker
      const job = executor.submit(functions.add, 1, 2);
      await server.has(1);

      await server.stop();
      server.forget();
      await server.start();
      const error = await thrownBy(() => job);

      expect(error).toBeInstanceOf(JobLostError);
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error.message).toMatch(/`functions.add` is gone from Redis.*--appendonly yes/);
    }));

  test("tells of jobs that somebody else has done, or has failed to do", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using executor = executorOf(server);
      const jobs = [executor.submit(functions.add, 1, 2), executor.submit(functions.add, 3, 4)];
      await server.has(2);
      const connection = server.client({ retryStrategy: () => 10 });
      connection.on("error", () => undefined);
      connection.options.maxRetriesPerRequest = null;
      let calls = 0;
      const ended = Promise.withResolvers<void>();
      const stranger = new Worker(
        QUEUE,
        async () => {
          calls += 1;
          if (calls === 1) throw new Error("no such job here");
        },
        { connection, removeOnComplete: { count: 10 } },
      );
      stranger.on("completed", () => ended.resolve());
      await ended.promise;
      await stranger.close();
      connection.disconnect();

      await server.stop();
      await server.start(); // the executor looks then, and every ten seconds
      const errors = await Promise.all(jobs.map((job) => thrownBy(() => job)));

      expect(errors.map(({ name }) => name)).toEqual(["JobLostError", "JobLostError"]);
      expect(errors[0]?.message).toBe(
        "`functions.add` has ended without an answer (no such job here): does a worker that is no aio-worker take the jobs of this queue? Give each a queue of its own",
      );
    }));

  test("tells running jobs of a cancellation", () =>
    withWorker(async ({ server, worker, executor }) => {
      const job = executor.submit(
        functions.holdUntilAborted,
        server.path("began"),
        server.path("told"),
      );
      await server.lines("began", 1);

      await server.stop();
      await worker.said("lost Redis");
      job.cancel("meanwhile");
      await server.start();

      const [told = ""] = await server.lines("told", 1);
      expect(JSON.parse(told)).toMatchObject({ message: "meanwhile" });
    }));

  test("tells running jobs of a cancellation behind that, too", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using worker = await WorkerProcess.start(server);
      await using executor = executorOf(server);
      const [began, told] = [server.path("began"), server.path("told")];
      const job = executor.submit(functions.holdUntilAborted, began, told);
      await server.lines("began", 1);
      const client = server.client({ retryStrategy: () => 10 });
      client.on("error", () => undefined);

      await server.stop();
      await server.start();
      await worker.said("is back");
      while ((await client.pubsub("NUMSUB", `bull:${QUEUE}:aio-cancel`))[1] === 0);
      client.disconnect();
      job.cancel("later");

      const [line = ""] = await server.lines("told", 1);
      expect(JSON.parse(line)).toMatchObject({ message: "later" });
    }));
});

describeWithRedis("aio-worker", { timeout: 60_000 }, () => {
  test("calls functions in threads, which do not cost it the job, however long they compute", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using _worker = await WorkerProcess.start(server);
      await using _other = await WorkerProcess.start(server);
      await using executor = executorOf(server);

      await executor.submit(functions.spinFrom, server.path("began"), 2_500); // the lock lasts for 1,000 ms

      expect(server.linesNow("began")).toHaveLength(1);
    }));

  test("with --processes outlives a crash of the function", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using _worker = await WorkerProcess.start(server, ["--processes"]);
      await using executor = executorOf(server);

      const error = await thrownBy(() =>
        executor.submit(functions.killWorker, server.path("died")),
      );

      expect(error).toMatchObject({ name: "WorkerDiedError", signal: "SIGKILL" });
      expect(await executor.submit(functions.add, 1, 2)).toBe(3);
    }));

  test.each(["SIGTERM", "SIGINT"] as const)(
    "finishes the job that runs on %s, takes no other, and ends",
    (signal) =>
      withWorker(async ({ server, worker, executor }) => {
        const { job: running } = await begin(server, executor);
        const waiting = executor.submit(functions.add, 1, 2);

        worker.kill(signal);
        await worker.said("ending; jobs that run: 1");
        writeFileSync(server.path("go"), "");
        const end = await worker.ended();

        expect(await running).toBe(worker.pid);
        expect(end).toEqual({ code: 0, signal: null });
        expect(worker.errors).toBe("");
        expect(waiting.done).toBe(false);
        await using _next = await WorkerProcess.start(server);
        expect(await waiting).toBe(3);
      }),
  );

  test("ends at once on the second SIGTERM; the job is done by another", () =>
    withWorker(async ({ server, worker, executor }) => {
      const { job } = await begin(server, executor);

      worker.kill("SIGTERM");
      await worker.said("ending");
      worker.kill("SIGTERM");
      expect(await worker.ended()).toEqual({ code: 143, signal: null });

      await using next = await WorkerProcess.start(server);
      writeFileSync(server.path("go"), "");
      expect(await job).toBe(next.pid);
    }));

  test("that waits for jobs ends at once on SIGTERM", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using worker = await WorkerProcess.start(server);

      worker.kill("SIGTERM");

      expect(await worker.ended()).toEqual({ code: 0, signal: null });
      expect(worker.errors).toBe("");
    }));

  test("ends on SIGTERM also while Redis is away", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using worker = await WorkerProcess.start(server);
      await server.stop();
      await worker.said("lost Redis");

      worker.kill("SIGTERM");

      expect(await worker.ended()).toEqual({ code: 0, signal: null });
      expect(worker.errors).toBe("");
    }));

  test("ends on SIGTERM also when Redis is away in the middle of a job, whose answer it gives before", () =>
    withWorker(async ({ server, worker, executor }) => {
      const { job } = await begin(server, executor);
      await server.stop();
      await attempts(server, 10); // longer and longer apart

      worker.kill("SIGTERM");
      await worker.said("ending; jobs that run: 1");
      writeFileSync(server.path("go"), "");
      await server.start();

      expect(await job).toBe(worker.pid);
      expect(await worker.ended()).toEqual({ code: 0, signal: null });
      expect(worker.errors).toBe("");
    }));

  test("ends on SIGTERM also when Redis, just back, does not let it listen again", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using line = await RedisLine.to(server);
      await using worker = await WorkerProcess.start(line);
      const again = line.keeps("subscribe");
      line.hangUp();
      await again;

      worker.kill("SIGTERM");

      expect(await worker.ended()).toEqual({ code: 0, signal: null });
      expect(worker.errors).toBe("");
    }));

  test("ends on SIGTERM also when Redis goes away while it starts", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using line = await RedisLine.to(server);
      const begun = line.keeps("subscribe");
      await using worker = new WorkerProcess([
        `--queue=${QUEUE}`,
        `--connection=${line.socket}`,
        PATH,
      ]);
      await begun;
      line.close();
      await worker.said("lost Redis");

      worker.kill("SIGTERM");

      expect(await worker.ended()).toEqual({ code: 0, signal: null });
      expect(worker.errors).toBe("");
    }));

  test("says in one line that it cannot reach Redis, and ends", async () => {
    await using worker = new WorkerProcess([
      `--queue=${QUEUE}`,
      "--connection=/nowhere/redis.sock",
      "--connect-timeout=100",
      PATH,
    ]);

    expect(await worker.ended()).toEqual({ code: 1, signal: null });
    expect(worker.output + worker.errors).toMatch(
      /^aio-worker: Cannot reach Redis at \/nowhere\/redis.sock: connect ENOENT .*\n$/,
    );
  });

  test.each([
    [[PATH], "Expected --queue NAME; see --help"],
    [["--queue", "q"], "A worker needs at least one module"],
    [["--queue", "q", "missing.ts"], "There is no module"],
    [["--queue", "q", PATH, `functions=${PATH}`], "Two modules are called `functions`"],
    [
      ["--queue", "q", "--workers", "many", PATH],
      "Expected --workers to be a whole number, got many",
    ],
    [["--queue", "q", "--worker", "1", PATH], "Unknown option '--worker'"],
  ])("refuses %j", async (args, message) => {
    await using worker = new WorkerProcess(args);

    expect(await worker.ended()).toMatchObject({ code: 1 });
    expect(worker.output).toContain(message);
    expect(worker.errors).toBe("");
  });

  test("shows its options", async () => {
    await using worker = new WorkerProcess(["--help"]);

    expect(await worker.ended()).toEqual({ code: 0, signal: null });
    expect(worker.output).toMatch(/^Usage: aio-worker --queue NAME/);
  });

  test("takes where Redis is from REDIS_URL", () =>
    run(async () => {
      await using server = await RedisServer.start();
      await using worker = new WorkerProcess(["--queue", QUEUE, `renamed=${PATH}`], {
        REDIS_URL: server.socket,
      });

      await worker.said("waiting for jobs");

      expect(worker.output).toBe("aio-worker: waiting for jobs of tests; modules: renamed\n");
    }));
});

/** Waits until it was tried so many times to reach Redis, in whose place there is somebody who hangs up. */
async function attempts(server: RedisServer, count: number): Promise<void> {
  rmSync(server.socket, { force: true });
  const place = createServer();
  place.listen(server.socket);
  for (let tried = 0; tried < count; tried += 1) {
    const [socket] = (await once(place, "connection")) as [Socket];
    socket.destroy();
  }
  place.close();
}

/** Runs a test with a Redis, a worker that is a process of its own, and an executor of its queue. */
function withWorker(
  body: (surroundings: {
    readonly server: RedisServer;
    readonly worker: WorkerProcess;
    readonly executor: BullMQExecutor;
  }) => Promise<void>,
): Promise<void> {
  return run(async () => {
    await using server = await RedisServer.start();
    await using worker = await WorkerProcess.start(server);
    await using executor = executorOf(server);
    await body({ server, worker, executor });
  });
}

/** Has a worker begin a job that goes on until there is a file `go`. */
async function begin(
  server: RedisServer,
  executor: BullMQExecutor,
): Promise<{ readonly job: RemoteJob<number> }> {
  const job = executor.submit(functions.hold, server.path("began"), server.path("go"));
  await server.lines("began", 1);
  return { job };
}

function executorOf(server: RedisServer): BullMQExecutor {
  return new BullMQExecutor({ connection: server.socket, queue: QUEUE });
}
