import { createTask, gather, run, sleep } from "@aio/task";
import type { Probe, Scenario } from "../scenario.ts";

/** What a task that sleeps keeps in memory. */
export const sleepers: Scenario = {
  id: "11a",
  title: "resident memory of sleeping tasks",
  metric: "bytes",
  operations: 100_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 1.4 },
    effect: { body: effect },
    effection: { body: effection, share: 0.1 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

const DELAY = 3_600_000; // ms, never reached

async function native(n: number, { parked }: Probe): Promise<number> {
  const timers: NodeJS.Timeout[] = [];
  let asleep = 0;
  const work = async (): Promise<void> => {
    asleep += 1;
    await new Promise((resolve) => {
      timers.push(setTimeout(resolve, DELAY));
    });
  };
  const tasks = Array.from({ length: n }, work);
  await nextTurn();
  parked();
  for (const timer of timers) clearTimeout(timer);
  return tasks.length === n ? asleep : 0;
}

function aio(n: number, { parked }: Probe): Promise<number> {
  let asleep = 0;
  const work = async (): Promise<void> => {
    asleep += 1;
    await sleep(DELAY);
  };
  return run(async () => {
    const tasks = Array.from({ length: n }, () => createTask(work));
    await sleep(0);
    await sleep(0);
    parked();
    for (const task of tasks) task.cancel();
    await gather(tasks, { returnExceptions: true });
    return asleep;
  });
}

async function effect(n: number, { parked }: Probe): Promise<number> {
  const Effect = await import("effect/Effect");
  const Fiber = await import("effect/Fiber");
  let asleep = 0;
  const work = Effect.suspend(() => {
    asleep += 1;
    return Effect.sleep(DELAY);
  });
  await Effect.runPromise(
    Effect.gen(function* () {
      const fibers = [];
      for (let i = 0; i < n; i += 1)
        fibers.push(yield* Effect.forkChild(work, { startImmediately: true }));
      parked();
      yield* Fiber.interruptAll(fibers);
    }),
  );
  return asleep;
}

async function effection(n: number, { parked }: Probe): Promise<number> {
  const { run: runOperation, sleep: pause, spawn } = await import("effection");
  let asleep = 0;
  await runOperation(function* () {
    const tasks = [];
    for (let i = 0; i < n; i += 1) {
      tasks.push(
        yield* spawn(function* () {
          asleep += 1;
          yield* pause(DELAY);
        }),
      );
    }
    yield* pause(1);
    parked();
    for (const task of tasks) yield* task.halt();
  });
  return asleep;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
