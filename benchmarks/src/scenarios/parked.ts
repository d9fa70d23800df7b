import { Future } from "@aio/loop";
import { createTask, gather, run, sleep } from "@aio/task";
import type { Probe, Scenario } from "../scenario.ts";

/** What a task that waits for a future keeps in memory, the future included. */
export const parked: Scenario = {
  id: "11b",
  title: "resident memory of tasks that wait for a future each",
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

async function native(n: number, probe: Probe): Promise<number> {
  const boxes = Array.from({ length: n }, () => Promise.withResolvers<number>());
  let count = 0;
  const work = async (promise: Promise<number>): Promise<void> => {
    const value = await promise; // not `count += await`, which reads the count first
    count += value;
  };
  const tasks = boxes.map(({ promise }) => work(promise));
  await Promise.resolve(); // all of them have begun and wait
  probe.parked();
  for (const { resolve } of boxes) resolve(1);
  await Promise.all(tasks);
  return count;
}

function aio(n: number, probe: Probe): Promise<number> {
  return run(async () => {
    const boxes = Array.from({ length: n }, () => new Future<number>());
    let count = 0;
    const work = async (future: Future<number>): Promise<void> => {
      const value = await future;
      count += value;
    };
    const tasks = boxes.map((future) => createTask(() => work(future)));
    await sleep(0);
    await sleep(0);
    probe.parked();
    for (const future of boxes) future.setResult(1);
    await gather(tasks);
    return count;
  });
}

async function effect(n: number, probe: Probe): Promise<number> {
  const Deferred = await import("effect/Deferred");
  const Effect = await import("effect/Effect");
  const Fiber = await import("effect/Fiber");
  const boxes = Array.from({ length: n }, () => Deferred.makeUnsafe<number>());
  let count = 0;
  await Effect.runPromise(
    Effect.gen(function* () {
      const fibers = [];
      for (const box of boxes) {
        fibers.push(yield* Effect.forkChild(Deferred.await(box), { startImmediately: true }));
      }
      probe.parked();
      for (const box of boxes) yield* Deferred.succeed(box, 1);
      for (const value of yield* Fiber.joinAll(fibers)) count += value;
    }),
  );
  return count;
}

async function effection(n: number, probe: Probe): Promise<number> {
  const { run: runOperation, sleep: pause, spawn, withResolvers } = await import("effection");
  const boxes = Array.from({ length: n }, () => withResolvers<number>());
  let count = 0;
  await runOperation(function* () {
    const tasks = [];
    for (const { operation } of boxes) tasks.push(yield* spawn(() => operation));
    yield* pause(1);
    probe.parked();
    for (const box of boxes) box.resolve(1);
    for (const task of tasks) count += yield* task;
  });
  return count;
}
