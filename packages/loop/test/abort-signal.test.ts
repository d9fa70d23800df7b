import { once } from "node:events";
import { setTimeout as hostTimeout } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  abortSignal,
  CancelledError,
  Scope,
  EventLoop,
  isCancelled,
  RuntimeError,
  SystemClock,
} from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

describe("abortSignal", () => {
  test("is the signal of the current scope", () => {
    const scope = new Scope(null);

    expect(scope.run(() => abortSignal())).toBe(scope.signal);
  });

  test("is refused where there is no scope", () => {
    expect(() => abortSignal()).toThrow(
      new RuntimeError("There is no current scope; call abortSignal() inside of a task"),
    );
  });

  test("stops an operation of Node, whose error tells of the cancellation", async () => {
    await inLoop(
      async (loop) => {
        const scope = new Scope();
        const work = scope.run(
          async () => await hostTimeout(60_000, undefined, { signal: abortSignal() }),
        );
        await nextTurn(loop);

        scope.cancel("enough");

        const error: unknown = await work.then(null, (reason: unknown) => reason);
        expect([isCancelled(error), (error as Error).cause]).toEqual([
          true,
          new CancelledError("enough"),
        ]);
      },
      { clock: new SystemClock() },
    );
  });
});

describe("The signal of a scope", () => {
  test("is aborted when the scope is cancelled, by the error", () => {
    const scope = new Scope(null);
    const { signal } = scope;
    const before = signal.aborted;

    scope.cancel("enough", "deadline");

    expect([before, signal.aborted]).toEqual([false, true]);
    expect(signal.reason).toMatchObject({
      name: "CancelledError",
      message: "enough",
      reason: "deadline",
    });
  });

  test("is aborted by the very error that the waits throw", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      const { signal } = scope;
      const work = scope.run(async () => await loop.createFuture());
      await nextTurn(loop);

      scope.cancel("enough");

      await expect(work).rejects.toBe(signal.reason);
    });
  });

  test("is aborted when a scope around it is cancelled", () => {
    const outer = new Scope(null);
    const { signal } = new Scope(outer);

    outer.cancel();

    expect(signal.aborted).toBe(true);
  });

  test("is not aborted when a scope inside is cancelled", () => {
    const outer = new Scope(null);
    const { signal } = outer;

    new Scope(outer).cancel();

    expect(signal.aborted).toBe(false);
  });

  test("is the same until the scope is cancelled, and another one then", () => {
    const scope = new Scope(null);
    const { signal } = scope;
    const again = scope.signal;
    scope.cancel();
    scope.takeOwed();

    expect([again === signal, scope.signal === signal, scope.signal.aborted]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test("is aborted already when a request is owed, and delivers it", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      scope.cancel("owed");
      const { signal } = scope;

      expect([signal.reason, await nextWait(scope, loop)]).toEqual([
        new CancelledError("owed"),
        "went on",
      ]);
    });
  });

  test("that somebody listens to delivers the request: the next wait is left alone", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      const aborted = once(scope.signal, "abort");
      scope.cancel();
      await aborted;

      expect(await nextWait(scope, loop)).toBe("went on");
    });
  });

  test("that somebody listens to by way of AbortSignal.any delivers the request, too", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      const either = AbortSignal.any([new AbortController().signal, scope.signal]);
      const aborted = once(AbortSignal.any([either]), "abort");
      scope.cancel();
      await aborted;

      expect(await nextWait(scope, loop)).toBe("went on");
    });
  });

  test("that nobody listens to by way of AbortSignal.any any more delivers nothing", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      const either = AbortSignal.any([scope.signal]);
      const gone = new AbortController();
      either.addEventListener("abort", () => undefined, { signal: gone.signal });
      gone.abort();
      scope.cancel("still owed");

      await expect(nextWait(scope, loop)).rejects.toThrow(new CancelledError("still owed"));
    });
  });

  test("that nobody listens to delivers nothing: the next wait is interrupted", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      expect(scope.signal.aborted).toBe(false);
      scope.cancel("still owed");

      await expect(nextWait(scope, loop)).rejects.toThrow(new CancelledError("still owed"));
    });
  });

  test("runs its listeners without the loop", () => {
    const calls: string[] = [];
    const scope = new EventLoop().scope;
    scope.signal.addEventListener("abort", () => calls.push("aborted"));

    scope.cancel();

    expect(calls).toEqual(["aborted"]);
  });
});

/** What becomes of the next wait in `scope`, which gives "went on" unless it is interrupted. */
async function nextWait(scope: Scope, loop: EventLoop): Promise<string> {
  const future = loop.createFuture<string>();
  const work = scope.run(async () => await future);
  await nextTurn(loop);
  if (!future.done) future.setResult("went on");
  return await work;
}
