import { Session } from "node:inspector";
import { setFlagsFromString } from "node:v8";
import { createTask, sleep, type Task, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import { CapacityLimiter, Condition, Event, Lock, Queue, RWLock, Semaphore } from "../src/index.ts";
import { isolated } from "./isolated.ts";

// The engine counts how often each piece of our code runs: without its compilers, which leave such counts out.
for (const flag of ["--no-opt", "--no-maglev", "--no-sparkplug"]) setFlagsFromString(flag);

const session = new Session();
session.connect();
session.post("Profiler.enable");

const CODE = /\/packages\/(?:sync\/src\/|loop\/src\/(?:wait|scope|future-wait)\.ts)/;

/** How often each piece of our code has run since the last call. */
function takeCounts(): Record<string, number> {
  const counts: Record<string, number> = {};
  // The answer comes before the call returns: the session is one with its own thread.
  session.post("Profiler.takePreciseCoverage", (error, { result }) => {
    if (error !== null) throw error;
    for (const { url, functions } of result.filter((script) => CODE.test(script.url)))
      for (const { functionName, ranges } of functions)
        for (const { startOffset, count } of ranges)
          if (count > 0) counts[`${url}:${startOffset} ${functionName}`] = count;
  });
  return counts;
}

/** What tasks wait for, and how the first of them is let go. */
interface Waiting {
  readonly wait: () => PromiseLike<unknown>;
  readonly letGo: () => unknown;
}

const PRIMITIVES: Record<string, () => Waiting> = {
  Lock: () => {
    const lock = new Lock();
    void lock.acquire();
    return { wait: () => lock.acquire(), letGo: () => lock.release() };
  },
  Semaphore: () => {
    const semaphore = new Semaphore(0);
    return { wait: () => semaphore.acquire(), letGo: () => semaphore.release() };
  },
  "RWLock, to write": () => {
    const lock = new RWLock();
    void lock.writer.acquire();
    return { wait: () => lock.writer.acquire(), letGo: () => lock.writer.release() };
  },
  CapacityLimiter: () => {
    const limiter = new CapacityLimiter(0);
    return { wait: () => limiter.acquire(), letGo: () => (limiter.totalTokens += 1) };
  },
  Condition: () => {
    const condition = new Condition();
    let free = 0;
    return {
      wait: () => condition.with(() => condition.waitFor(() => free > 0 && free-- > 0)),
      letGo: () =>
        condition.with(() => {
          free += 1;
          condition.notify();
        }),
    };
  },
  "Queue, to get": () => {
    const queue = new Queue<number>();
    return { wait: () => queue.get(), letGo: () => queue.putNowait(1) };
  },
  "Queue, to put": () => {
    const queue = new Queue<number>(1);
    queue.putNowait(1);
    return { wait: () => queue.put(1), letGo: () => queue.getNowait() };
  },
};

type Act = (waiting: Waiting, tasks: readonly Task<unknown>[]) => PromiseLike<void>;

/** What runs, how often, while `act` ends the waits of 50 out of `count` tasks. */
function countsOf(waiting: Waiting, count: number, act: Act): Promise<Record<string, number>> {
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return isolated(async () => {
    const tasks = Array.from({ length: count }, () => createTask(waiting.wait));
    await sleep(1);
    takeCounts();
    await act(waiting, tasks);
    const counts = takeCounts();
    expect(tasks.filter((task) => task.done)).toHaveLength(50);
    return counts;
  });
}

async function letGoOneByOne({ letGo }: Waiting): Promise<void> {
  for (let i = 0; i < 50; i += 1) {
    await letGo();
    await yieldNow();
  }
  await sleep(1);
}

async function cancelInTheMiddle(_: Waiting, tasks: readonly Task<unknown>[]): Promise<void> {
  const first = tasks.length / 4;
  for (const task of tasks.slice(first, first + 50)) task.cancel();
  await sleep(1);
}

function anEvent(): Waiting {
  const event = new Event();
  return { wait: () => event.wait(), letGo: () => event.set() };
}

describe.each(Object.entries(PRIMITIVES))("%s", (_name, make) => {
  test("does the same to let one go, whether 200 or 1,000 wait", { timeout: 60_000 }, async () => {
    const few = await countsOf(make(), 200, letGoOneByOne);

    expect(Object.keys(few).length).toBeGreaterThan(5);
    expect(await countsOf(make(), 1_000, letGoOneByOne)).toEqual(few);
  });
});

describe.each([...Object.entries(PRIMITIVES), ["Event", anEvent] as const])("%s", (_name, make) => {
  test(
    "does the same when one is cancelled, whether 200 or 1,000 wait",
    { timeout: 60_000 },
    async () => {
      const few = await countsOf(make(), 200, cancelInTheMiddle);

      expect(Object.keys(few).length).toBeGreaterThan(5);
      expect(await countsOf(make(), 1_000, cancelInTheMiddle)).toEqual(few);
    },
  );
});
