import { describe, expect, test } from "vitest";
import { findAwaitStack } from "../../src/look/await-stack.ts";
import { creationStack, EventLoop, Future, lookAt, Scope, type Step } from "../../src/index.ts";

describe("A look at where something waits", () => {
  test("finds the chain of async functions, though the wait has begun already", async () => {
    const stack = await inScope(async (scope) => {
      const future = new Future<number>();
      const outer = inner(future);
      await Promise.resolve();
      look(scope);
      await settled();
      const found = creationStack(waitIn(scope));
      future.setResult(1);
      await outer;
      return found;
    });

    expect(stack).toMatch(/at (async )?inner .*await-stack\.test\.ts:\d+/);
  });

  test("leaves the wait as it was: it gets its result, or its error", async () => {
    const outcomes = await inScope(async (scope) => {
      const [good, bad] = [new Future<number>(), new Future<number>()];
      const both = Promise.allSettled([inner(good), inner(bad)]);
      await Promise.resolve();
      look(scope);
      await settled();
      good.setResult(1);
      bad.setException(new Error("boom"));
      return await both;
    });

    expect(outcomes).toMatchObject([
      { status: "fulfilled", value: 1 },
      { status: "rejected", reason: { message: "boom" } },
    ]);
  });

  test("loses nothing when the wait ends before the look is over", async () => {
    const outcomes = await inScope(async (scope) => {
      const [good, bad] = [new Future<number>(), new Future<number>()];
      const both = Promise.allSettled([inner(good), inner(bad)]);
      await Promise.resolve();
      const waits = scope.waits();
      for (const wait of waits) findAwaitStack(wait);
      good.setResult(1);
      bad.setException(new Error("boom"));
      for (const wait of waits) (wait as unknown as Step).run(); // at once, without a turn of the loop
      return await both;
    });

    expect(outcomes).toMatchObject([
      { status: "fulfilled", value: 1 },
      { status: "rejected", reason: { message: "boom" } },
    ]);
  });

  test("calls no function that somebody has passed to then() by hand", async () => {
    const calls = await inScope(async (scope) => {
      const future = new Future<number>();
      const seen: unknown[] = [];
      const note = (value: unknown): void => void seen.push(value);
      future.then(note, note);
      look(scope);
      await settled();
      const early = [...seen];
      future.setResult(1);
      await future;
      await settled();
      return [early, seen];
    });

    expect(calls).toEqual([[], [1]]);
  });

  test("is taken once for each wait, however often somebody looks", async () => {
    const stacks = await inScope(async (scope) => {
      const future = new Future<number>();
      const outer = inner(future);
      await Promise.resolve();
      look(scope);
      await settled();
      const first = creationStack(waitIn(scope));
      look(scope);
      await settled();
      const second = creationStack(waitIn(scope));
      future.setResult(1);
      await outer;
      return [first, second];
    });

    expect(stacks[1]).toBe(stacks[0]);
  });
});

test("A look at a thousand waits goes round the loop in between, and all of them go on", async () => {
  const { loops, sum } = await inScope(async () => {
    const future = new Future<number>();
    const all = Array.from({ length: 1_000 }, () => inner(future));
    const taken = await lookAt(() => [future.loop]);
    future.setResult(1);
    const results = await Promise.all(all);
    return { ...taken, sum: results.reduce((a, b) => a + b, 0) };
  });

  expect(loops).toHaveLength(1);
  expect(sum).toBe(1_000);
});

async function inner(future: Future<number>): Promise<number> {
  return await future;
}

function look(scope: Scope): void {
  for (const wait of scope.waits()) findAwaitStack(wait);
}

function waitIn(scope: Scope): object {
  const [wait] = scope.waits();
  if (wait === undefined) throw new Error("Nothing waits");
  return wait;
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i += 1) await Promise.resolve();
}

/** Runs `body` in a scope of a loop that runs, until it ends. */
async function inScope<T>(body: (scope: Scope) => Promise<T>): Promise<T> {
  const loop = new EventLoop();
  const done = loop.createFuture<T>();
  loop.callSoon(() => {
    const scope = new Scope(loop.scope);
    scope
      .run(() => body(scope))
      .then(
        (value) => done.setResult(value),
        (error: Error) => done.setException(error),
      );
  });
  try {
    return await loop.runUntilComplete(done);
  } finally {
    loop.close();
  }
}
