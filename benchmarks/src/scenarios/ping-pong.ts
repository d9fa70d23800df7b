import { Future } from "@aio/loop";
import { gather, run } from "@aio/task";
import type { Operation } from "effection";
import type { Scenario } from "../scenario.ts";

/** Two tasks hand each other messages, each in a future of its own. */
export const pingPong: Scenario = {
  id: "3a",
  title: "ping-pong over fresh futures",
  metric: "wall",
  operations: 200_000,
  implementations: {
    native: { body: native },
    aio: { body: aio, target: 3.4 },
    effect: { body: effect },
    effection: { body: effection, share: 0.1 },
    asyncio: { body: { loop: "asyncio" } },
    uvloop: { body: { loop: "uvloop" } },
  },
};

// Everywhere the same: a player takes message `i` out of its box, puts up a fresh box, and puts `i + 1` into the other's.

async function native(n: number): Promise<number> {
  const current = { 0: Promise.withResolvers<number>(), 1: Promise.withResolvers<number>() };
  let seen = 0;
  const play = async (me: 0 | 1, other: 0 | 1): Promise<void> => {
    for (let i: number = me; i < n; i += 2) {
      const message = await current[me].promise;
      current[me] = Promise.withResolvers<number>();
      if (message === i) seen += 1;
      current[other].resolve(i + 1);
    }
  };
  current[0].resolve(0);
  await Promise.all([play(0, 1), play(1, 0)]);
  return seen;
}

function aio(n: number): Promise<number> {
  return run(async () => {
    const current = { 0: new Future<number>(), 1: new Future<number>() };
    let seen = 0;
    const play = async (me: 0 | 1, other: 0 | 1): Promise<void> => {
      for (let i: number = me; i < n; i += 2) {
        const message = await current[me];
        current[me] = new Future<number>();
        if (message === i) seen += 1;
        current[other].setResult(i + 1);
      }
    };
    current[0].setResult(0);
    await gather(
      () => play(0, 1),
      () => play(1, 0),
    );
    return seen;
  });
}

async function effect(n: number): Promise<number> {
  const Deferred = await import("effect/Deferred");
  const Effect = await import("effect/Effect");
  const current = { 0: Deferred.makeUnsafe<number>(), 1: Deferred.makeUnsafe<number>() };
  let seen = 0;
  const play = (me: 0 | 1, other: 0 | 1) =>
    Effect.gen(function* () {
      for (let i: number = me; i < n; i += 2) {
        const message = yield* Deferred.await(current[me]);
        current[me] = Deferred.makeUnsafe<number>();
        if (message === i) seen += 1;
        yield* Deferred.succeed(current[other], i + 1);
      }
    });
  Deferred.doneUnsafe(current[0], Effect.succeed(0));
  await Effect.runPromise(
    Effect.all([play(0, 1), play(1, 0)], { concurrency: "unbounded", discard: true }),
  );
  return seen;
}

async function effection(n: number): Promise<number> {
  const { all, run: runOperation, withResolvers } = await import("effection");
  const current = { 0: withResolvers<number>(), 1: withResolvers<number>() };
  let seen = 0;
  function* play(me: 0 | 1, other: 0 | 1): Operation<void> {
    for (let i: number = me; i < n; i += 2) {
      const message = yield* current[me].operation;
      current[me] = withResolvers<number>();
      if (message === i) seen += 1;
      current[other].resolve(i + 1);
    }
  }
  current[0].resolve(0);
  await runOperation(function* () {
    yield* all([play(0, 1), play(1, 0)]);
  });
  return seen;
}
