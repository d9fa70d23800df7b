import { once } from "node:events";
import { Worker } from "node:worker_threads";
import {
  type Executor,
  inThread,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  transfer,
} from "@aio/executor";
import { startQueue } from "./redis.ts";

/** A pool of threads that can do the jobs of `workers/jobs.ts`. */
export interface ThreadPool {
  echo(value: number): PromiseLike<unknown>;
  spin(duration: number): PromiseLike<unknown>;
  /** Sends a buffer there and back, by moving it. */
  pass(buffer: ArrayBuffer): PromiseLike<unknown>;
}

/** Makes a pool of so many threads. */
export type OpenPool = (threads: number) => Promise<ThreadPool>;

/**
 * Returns a function that opens a pool once, and gives the same in later rounds: what starting threads costs is not
 * what is measured. Idle, none of them keeps the process alive.
 */
export function opened(open: OpenPool): OpenPool {
  let pool: Promise<ThreadPool> | undefined;
  return (threads) => (pool ??= open(threads));
}

/** No pool, but what every pool does inside: messages to threads, in turn, and answers. */
export async function bare(threads: number): Promise<ThreadPool> {
  const answers = new Map<number, (value: unknown) => void>();
  const workers: Worker[] = [];
  for (let i = 0; i < threads; i += 1) {
    const worker = new Worker(new URL("workers/bare.ts", import.meta.url));
    worker.on("message", ([id, value]: [number, unknown]) => {
      answers.get(id)?.(value);
      answers.delete(id);
      if (answers.size === 0) for (const other of workers) other.unref();
    });
    await once(worker, "online");
    worker.unref();
    workers.push(worker);
  }
  let last = 0;
  const call = (job: string, value: unknown, moved?: ArrayBuffer): Promise<unknown> =>
    new Promise((resolve) => {
      if (answers.size === 0) for (const worker of workers) worker.ref();
      last += 1;
      answers.set(last, resolve);
      const worker = workers[last % threads];
      if (moved === undefined) worker?.postMessage([last, job, value]);
      else worker?.postMessage([last, job, value], [moved]);
    });
  return {
    echo: (value) => call("echo", value),
    spin: (duration) => call("spin", duration),
    pass: (buffer) => call("pass", buffer, buffer),
  };
}

/** Ours. It can be used in every loop, one after the other. */
export async function aio(threads: number): Promise<ThreadPool> {
  return jobsOf(new ThreadPoolExecutor({ maxWorkers: threads, idleTimeout: Infinity }));
}

/** Ours, on processes: buffers are copied. */
export async function aioProcesses(processes: number): Promise<ThreadPool> {
  return jobsOf(new ProcessPoolExecutor({ maxWorkers: processes, idleTimeout: Infinity }));
}

/** Ours, over BullMQ: Redis and the worker are processes on this machine. Buffers are copied. */
export async function aioBullMQ(threads: number): Promise<ThreadPool> {
  const { BullMQExecutor } = await import("@aio/executor-bullmq");
  const connection = await startQueue(
    "benchmark",
    threads,
    new URL("workers/aio.ts", import.meta.url),
  );
  return jobsOf(new BullMQExecutor({ connection, queue: "benchmark" }));
}

function jobsOf(executor: Executor): ThreadPool {
  const { echo, pass, spin } = inThread<typeof import("./workers/aio.ts")>(
    new URL("workers/aio.ts", import.meta.url),
  );
  return {
    echo: (value) => executor.submit(echo, value),
    spin: (duration) => executor.submit(spin, duration),
    pass: (buffer) => executor.submit(pass, transfer(buffer, [buffer])),
  };
}

export const piscina = piscinaWith("sync");
export const piscinaWithoutAtomics = piscinaWith("disabled");

function piscinaWith(atomics: "sync" | "disabled"): OpenPool {
  return async (threads) => {
    const { move, Piscina } = await import("piscina");
    const pool = new Piscina({
      filename: new URL("workers/piscina.ts", import.meta.url).href,
      minThreads: threads,
      maxThreads: threads,
      atomics,
    });
    return {
      echo: (value) => pool.run(value, { name: "echo" }),
      spin: (duration) => pool.run(duration, { name: "spin" }),
      pass: (buffer) => pool.run(move(buffer), { name: "pass" }),
    };
  };
}

export async function tinypool(threads: number): Promise<ThreadPool> {
  const { Tinypool } = await import("tinypool");
  const pool = new Tinypool({
    filename: new URL("workers/tinypool.ts", import.meta.url).href,
    minThreads: threads,
    maxThreads: threads,
  });
  return {
    echo: (value) => pool.run(value, { name: "echo" }),
    spin: (duration) => pool.run(duration, { name: "spin" }),
    pass: (buffer) => pool.run(buffer, { name: "pass", transferList: [buffer] as never }),
  };
}

export async function workerpool(threads: number): Promise<ThreadPool> {
  const { default: library } = await import("workerpool");
  const pool = library.pool(new URL("workers/workerpool.ts", import.meta.url).pathname, {
    minWorkers: threads,
    maxWorkers: threads,
    workerType: "thread",
  });
  const call = (name: string, value: unknown, moved: ArrayBuffer[] = []): PromiseLike<unknown> =>
    pool.exec(name, [value], { transfer: moved });
  return {
    echo: (value) => call("echo", value),
    spin: (duration) => call("spin", duration),
    pass: (buffer) => call("pass", buffer, [buffer]),
  };
}
