import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, test } from "vitest";
import { Scope, Context, EventLoop, runOutside } from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

describe("The async context of the program", () => {
  test.each([
    ["callSoon", (loop: EventLoop, callback: () => void) => loop.callSoon(callback)],
    [
      "callSoonThreadsafe",
      (loop: EventLoop, callback: () => void) => loop.callSoonThreadsafe(callback),
    ],
    ["callLater", (loop: EventLoop, callback: () => void) => loop.callLater(10, callback)],
    ["callAt", (loop: EventLoop, callback: () => void) => loop.callAt(10, callback)],
    [
      "addDoneCallback of a pending Future",
      (loop: EventLoop, callback: () => void) => {
        const future = loop.createFuture();
        future.addDoneCallback(callback);
        loop.callLater(10, () => future.setResult(1));
      },
    ],
    [
      "addDoneCallback of a Future that is done",
      (loop: EventLoop, callback: () => void) => {
        const future = loop.createFuture();
        future.setResult(1);
        future.addDoneCallback(callback);
      },
    ],
    [
      "then of a pending Future",
      (loop: EventLoop, callback: () => void) => {
        const future = loop.createFuture();
        void future.then(callback, null); // oxlint-disable-line promise/no-callback-in-promise
        loop.callLater(10, () => future.setResult(1));
      },
    ],
    [
      "then of a Future that is done",
      (loop: EventLoop, callback: () => void) => {
        const future = loop.createFuture();
        future.setResult(1);
        void future.then(callback, null); // oxlint-disable-line promise/no-callback-in-promise
      },
    ],
  ])("is seen in a callback of %s", async (_name, schedule) => {
    const store = new AsyncLocalStorage<string>();

    const seen = await inLoop(async (loop) => {
      const called = Promise.withResolvers<string | undefined>();
      store.run("request 7", () => schedule(loop, () => called.resolve(store.getStore())));
      loop.callLater(20, () => undefined);
      return await called.promise;
    });

    expect(seen).toBe("request 7");
  });

  test("is kept behind an await of a Future", async () => {
    const store = new AsyncLocalStorage<string>();

    const seen = await inLoop(async (loop) => {
      const future = loop.createFuture();
      const work = store.run("request 7", async () => {
        await future;
        return store.getStore();
      });
      await nextTurn(loop);
      store.run("somebody else", () => future.setResult(1));
      return await work;
    });

    expect(seen).toBe("request 7");
  });

  test("is changed by a callback for nobody but itself", async () => {
    const store = new AsyncLocalStorage<string>();

    const seen = await inLoop(async (loop) =>
      store.run("mine", async () => {
        const others: (string | undefined)[] = [];
        loop.callSoon(() => {
          store.enterWith("changed");
          others.push(store.getStore());
        });
        loop.callSoon(() => others.push(store.getStore()));
        await nextTurn(loop);
        await nextTurn(loop);
        return [...others, store.getStore()];
      }),
    );

    expect(seen).toEqual(["changed", "mine", "mine"]);
  });

  test("is known to be empty, where the host tells, as long as no AsyncLocalStorage has a value", async () => {
    const hostTells = !process.versions.node.startsWith("22.");
    const seen = await inLoop(async () => {
      const store = new AsyncLocalStorage<string>();
      const bare = Context.capture();
      const inScope = new Scope(null).run(() => Context.capture());
      const inside = store.run("value", () => Context.capture());
      return [bare.isEmpty, inScope.isEmpty, inside.isEmpty];
    });

    expect(seen).toEqual([hostTells, hostTells, false]);
  });

  test("is empty in callbacks that were added outside of any, whoever woke the loop", async () => {
    const store = new AsyncLocalStorage<string>();
    const loop = new EventLoop();
    const seen: (string | undefined)[] = [];
    const run = loop.runForever();
    await Promise.resolve();
    loop.callSoon(() => seen.push(store.getStore()));

    store.run("waker", () => loop.callSoon(() => loop.stop()));
    await run;

    expect(seen).toEqual([undefined]);
  });
});

describe("Callbacks", () => {
  test.each([
    ["callSoon", (loop: EventLoop, callback: () => void) => loop.callSoon(callback)],
    ["callLater", (loop: EventLoop, callback: () => void) => loop.callLater(10, callback)],
    [
      "addDoneCallback",
      (loop: EventLoop, callback: () => void) => {
        const future = loop.createFuture();
        future.addDoneCallback(callback);
        future.cancel();
      },
    ],
  ])("of %s run outside of the scope that added them", async (_name, schedule) => {
    const seen = await inLoop(async (loop) => {
      const called = Promise.withResolvers<unknown>();
      new Scope(null, {}).run(() => schedule(loop, () => called.resolve(Scope.current)));
      loop.callLater(20, () => undefined);
      return await called.promise;
    });

    expect(seen).toBeUndefined();
  });
});

function fail(message: string): never {
  throw new Error(message);
}

describe("Context", () => {
  test("runs callbacks in the context of the moment it was made", () => {
    const store = new AsyncLocalStorage<string>();
    const context = store.run("then", () => new Context());

    const seen = store.run("now", () => [context.run(() => store.getStore()), store.getStore()]);

    expect(seen).toEqual(["then", "now"]);
  });

  test("passes arguments, result and exception on", () => {
    const context = new Context();
    expect(context.run((a: number, b: number) => a + b, 1, 2)).toBe(3);
    expect(() => context.run(fail, "inside")).toThrow("inside");
  });

  test("takes the current scope off", () => {
    const scope = new Scope(null);
    const context = scope.run(() => new Context());

    const seen = scope.run(() => [context.run(() => Scope.current), Scope.current]);

    expect(seen).toEqual([undefined, scope]);
  });

  test("runs callbacks in a scope by runInScope, and leaves it again", () => {
    const scope = new Scope(null);

    const seen = new Context().runInScope(scope, (a, b) => [a, b, Scope.current], 1, 2);

    expect([seen, Scope.current]).toEqual([[1, 2, scope], undefined]);
  });

  test("is what a handle runs in", async () => {
    const store = new AsyncLocalStorage<string>();
    const handle = store.run("its own", () => new EventLoop().callSoon(() => undefined));

    expect(handle.context.run(() => store.getStore())).toBe("its own");
  });
});

describe("runOutside", () => {
  test("runs a callback in no scope, and keeps the rest of the context", () => {
    const store = new AsyncLocalStorage<string>();
    const scope = new Scope(null);

    const seen = store.run("kept", () =>
      scope.run(() => [runOutside(() => [Scope.current, store.getStore()]), Scope.current]),
    );

    expect(seen).toEqual([[undefined, "kept"], scope]);
  });

  test("gives the result of the callback when there is no scope", () => {
    expect(runOutside(() => "result")).toBe("result");
  });
});
