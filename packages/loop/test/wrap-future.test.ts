import { describe, expect, test } from "vitest";
import { CancelledError, Scope, EventLoop, isFuture, operation, wrapFuture } from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

describe("wrapFuture", () => {
  test("gives a Future back as it is", () => {
    const future = new EventLoop().createFuture();

    expect(wrapFuture(future)).toBe(future);
  });

  test("makes a Future of the loop that ends as a promise does", async () => {
    await inLoop(async (loop) => {
      const boom = new Error("boom");
      const good = wrapFuture(Promise.resolve("value"));
      const bad = wrapFuture(Promise.reject(boom));

      expect([isFuture(good), good.loop]).toEqual([true, loop]);
      expect(await good).toBe("value");
      await expect(bad).rejects.toBe(boom);
    });
  });

  test("takes any thenable", async () => {
    await inLoop(async () => {
      const thenable: PromiseLike<string> = {
        then: (onFulfilled) => Promise.resolve("value").then(onFulfilled),
      };

      expect(await wrapFuture(thenable)).toBe("value");
    });
  });

  test.each<
    [string, (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void]
  >([
    [
      "throws",
      () => {
        throw new Error("boom");
      },
    ],
    [
      "throws after it gave a value",
      (resolve) => {
        resolve("value");
        throw new Error("too late");
      },
    ],
    [
      "gives a value and an error",
      (resolve, reject) => {
        resolve("value");
        reject(new Error("too late"));
      },
    ],
    ["gives a promise", (resolve) => resolve(Promise.resolve("value"))],
    ["gives a promise that is rejected", (resolve) => resolve(Promise.reject(new Error("boom")))],
  ])("ends as a promise would for a thenable that %s", async (_what, then) => {
    await inLoop(async () => {
      const thenable = { then } as PromiseLike<unknown>;
      const [expected] = await Promise.allSettled([thenable]);

      const [settled] = await Promise.allSettled([wrapFuture(thenable)]);

      expect(settled).toEqual(expected);
    });
  });

  test("belongs to the loop that it is given", async () => {
    const loop = new EventLoop();

    expect(await loop.runUntilComplete(wrapFuture(Promise.resolve("value"), { loop }))).toBe(
      "value",
    );
  });

  test("is cancelled when the promise is rejected by a cancellation", async () => {
    await inLoop(async () => {
      const error = new CancelledError("inside");
      const future = wrapFuture(Promise.reject(error));

      await expect(future).rejects.toBe(error);
      expect(future.cancelled).toBe(true);
    });
  });

  test("tells the message of that cancellation to everybody who asks", async () => {
    await inLoop(async () => {
      const future = wrapFuture(Promise.reject(new CancelledError("inside")));

      for (const _who of ["first", "second", "third"])
        await expect((async () => await future)()).rejects.toThrow(new CancelledError("inside"));
    });
  });

  test("leaves a foreign promise behind when it is cancelled, and drops its outcome", async () => {
    await inLoop(async (loop) => {
      const foreign = Promise.withResolvers<string>();
      const future = wrapFuture(foreign.promise);

      future.cancel("enough");
      foreign.reject(new Error("too late"));
      await nextTurn(loop);

      expect([future.cancelled, loop.unretrieved.size]).toEqual([true, 0]);
    });
  });

  test("cancels an operation when it is cancelled", async () => {
    await inLoop(async (loop) => {
      const inside = loop.createFuture();
      const future = wrapFuture(operation(async () => await inside));
      await nextTurn(loop);

      expect(future.cancel("enough")).toBe(true);
      await expect(future).rejects.toThrow(new CancelledError("enough"));
      expect([inside.cancelled, future.cancelled, future.cancel()]).toEqual([true, true, false]);
    });
  });

  test("keeps an operation that is wrapped out of the scope that wraps it", async () => {
    await inLoop(async (loop) => {
      const inside = loop.createFuture<string>();
      const scope = new Scope();
      const future = scope.run(() => wrapFuture(operation(async () => await inside)));
      await nextTurn(loop);

      scope.cancel();
      inside.setResult("untouched");

      expect(await future).toBe("untouched");
    });
  });

  test("drops what comes after the loop was closed", async () => {
    const loop = new EventLoop();
    const foreign = Promise.withResolvers<string>();
    const future = wrapFuture(foreign.promise, { loop });
    loop.close();

    foreign.resolve("late");
    await foreign.promise;

    expect(future.result()).toBe("late");
  });

  test("drops an error that comes after the loop was closed", async () => {
    const loop = new EventLoop();
    const foreign = Promise.withResolvers<string>();
    const future = wrapFuture(foreign.promise, { loop });
    loop.close();

    foreign.reject(new Error("late"));
    await Promise.allSettled([foreign.promise]);

    expect([future.done, loop.unretrieved.size]).toEqual([true, 0]);
  });

  test.each([[5], [undefined], [() => Promise.resolve(1)]])("refuses %o", (value) => {
    const loop = new EventLoop();

    // @ts-expect-error -- no promise
    expect(() => wrapFuture(value, { loop })).toThrow(
      /Expected `source` to be a Future or another promise, got/,
    );
  });
});
