import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import {
  CancelledError,
  Scope,
  EventLoop,
  Future,
  InvalidStateError,
  isFuture,
  RuntimeError,
  wrapFuture,
} from "../src/index.ts";
import { inLoop, iterate, nextTurn } from "./in-loop.ts";

const boom = new Error("boom");

/** A Future of a loop that never runs, in each of its states. */
function futureIn(state: "pending" | "result" | "exception" | "cancelled"): Future<string> {
  const future = new EventLoop().createFuture<string>();
  if (state === "result") future.setResult("value");
  if (state === "exception") {
    future.setException(boom);
    future.exception(); // looked at: no report when it is collected
  }
  if (state === "cancelled") future.cancel("no more");
  return future;
}

function ignore(): void {}

describe("Future, pending", () => {
  test("is neither done nor cancelled", () => {
    const { done, cancelled, cancelRequest } = futureIn("pending");

    expect({ done, cancelled, cancelRequest }).toEqual({
      done: false,
      cancelled: false,
      cancelRequest: null,
    });
  });

  test("refuses to give its result", () => {
    expect(() => futureIn("pending").result()).toThrow(
      new InvalidStateError("Future is not done; await it before asking for its result"),
    );
  });

  test("refuses to give its exception", () => {
    expect(() => futureIn("pending").exception()).toThrow(
      new InvalidStateError("Future is not done; await it before asking for its exception"),
    );
  });

  test.each(["boom", undefined, { message: "boom" }])("takes no exception such as %o", (value) => {
    const future = futureIn("pending");

    // @ts-expect-error -- no Error
    expect(() => future.setException(value)).toThrow(
      new TypeError(`Expected \`exception\` to be an Error, got ${inspect(value)}`),
    );
    expect(future.done).toBe(false);
  });

  test("can be cancelled", () => {
    const future = futureIn("pending");

    expect([future.cancel(), future.cancelled, future.done]).toEqual([true, true, true]);
  });
});

describe("Future with a result", () => {
  test("is done, and gives it as often as it is asked", () => {
    const future = futureIn("result");

    expect([future.done, future.cancelled, future.result(), future.result()]).toEqual([
      true,
      false,
      "value",
      "value",
    ]);
  });

  test("has no exception", () => {
    expect(futureIn("result").exception()).toBeNull();
  });

  test("may have the result undefined", () => {
    const future = new EventLoop().createFuture<undefined>();
    future.setResult(undefined);

    expect([future.done, future.result()]).toEqual([true, undefined]);
  });
});

describe("Future with an exception", () => {
  test("is done, and throws it instead of a result", () => {
    const future = futureIn("exception");

    expect([future.done, future.cancelled]).toEqual([true, false]);
    expect(() => future.result()).toThrow(boom);
    expect(() => future.result()).toThrow(boom);
  });

  test("gives the very exception", () => {
    expect(futureIn("exception").exception()).toBe(boom);
  });

  test("wraps a thrown value that is no Error, and throws the value itself", async () => {
    await inLoop(async () => {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- foreign code does
      const future = wrapFuture(Promise.reject("text"));
      await Promise.resolve();

      expect(future.exception()).toMatchObject({
        message: "A value that is no Error was thrown: 'text'",
        cause: "text",
      });
      await expect(future).rejects.toBe("text");
    });
  });
});

describe("Future, cancelled", () => {
  test("throws a CancelledError with the message instead of a result", () => {
    expect(() => futureIn("cancelled").result()).toThrow(new CancelledError("no more"));
  });

  test("throws it instead of an exception too", () => {
    expect(() => futureIn("cancelled").exception()).toThrow(new CancelledError("no more"));
  });

  test("tells message and reason of the request", () => {
    const future = futureIn("pending");

    future.cancel("late", "deadline");

    expect(future.cancelRequest).toMatchObject({ message: "late", reason: "deadline" });
    expect(future.cancelledError()).toMatchObject({ message: "late", reason: "deadline" });
  });

  test("has an empty message when none was given", () => {
    const future = futureIn("pending");

    future.cancel();

    expect(future.cancelledError()).toMatchObject({ message: "", reason: "caller" });
  });
});

describe.each(["result", "exception", "cancelled"] as const)("Future, done by %s,", (state) => {
  test("refuses another result", () => {
    expect(() => futureIn(state).setResult("other")).toThrow(InvalidStateError);
    expect(() => futureIn(state).setResult("other")).toThrow(
      /setResult\(\) found the Future done already: <Future /,
    );
  });

  test("refuses another exception", () => {
    expect(() => futureIn(state).setException(new Error("other"))).toThrow(
      /setException\(\) found the Future done already: <Future /,
    );
  });

  test("is not changed by cancel()", () => {
    const future = futureIn(state);
    const before = inspect(future);

    expect([future.cancel("other"), inspect(future)]).toEqual([false, before]);
  });
});

describe("Future", () => {
  test("shows its state", () => {
    const states = ["pending", "result", "exception", "cancelled"] as const;

    expect(states.map((state) => inspect(futureIn(state)))).toEqual([
      "<Future pending>",
      "<Future finished result='value'>",
      "<Future finished exception=Error: boom>",
      "<Future cancelled>",
    ]);
  });

  test.each([
    [[ignore], "ignore"],
    [[ignore, futureIn], "ignore, futureIn"],
    [[ignore, futureIn, ignore], "ignore, futureIn, and 1 more"],
    [
      [() => undefined, ...Array.from({ length: 9 }, () => ignore)],
      "anonymous, ignore, and 8 more",
    ],
  ])("shows at most two of its callbacks, and how many more: %o", (callbacks, shown) => {
    const future = new EventLoop({ debug: false }).createFuture();
    for (const callback of callbacks as (() => void)[]) future.addDoneCallback(callback);

    expect(inspect(future)).toBe(`<Future pending callbacks=[${shown}]>`);
  });

  test("shows also what was thrown that is no text", async () => {
    await inLoop(async () => {
      // oxlint-disable-next-line prefer-promise-reject-errors -- users do
      const future = wrapFuture(Promise.reject(Object.create(null)));
      await Promise.allSettled([future]);

      expect(inspect(future)).toBe("<Follower finished exception=[Object: null prototype] {}>");
    });
  });

  test("shows no callbacks any more when it is done", () => {
    const future = new EventLoop({ debug: false }).createFuture();
    future.addDoneCallback(ignore);
    future.setResult(1);

    expect(inspect(future)).toBe("<Future finished result=1>");
  });

  test("shows the place where it was made, in debug mode", () => {
    const future = new EventLoop({ debug: true }).createFuture();
    future.addDoneCallback(ignore);

    expect(inspect(future)).toMatch(
      /^<Future pending callbacks=\[ignore\] created at .*future\.test\.ts:\d+:\d+\)?>$/,
    );
  });

  test("can be shown when it is its own result", () => {
    const future = new EventLoop().createFuture<unknown>();
    future.setResult({ inside: { future } });

    expect(inspect(future)).toMatch(/^<Future finished result=/);
  });

  test("belongs to the running loop by default", async () => {
    await inLoop((loop) => expect(new Future().loop).toBe(loop));
  });

  test("belongs to the loop that it is given", () => {
    const loop = new EventLoop();

    expect([new Future({ loop }).loop, loop.createFuture().loop]).toEqual([loop, loop]);
  });

  test("cannot be made when there is no loop", () => {
    expect(() => new Future()).toThrow(RuntimeError);
  });
});

describe("isFuture", () => {
  test("knows Futures and their subclasses, and nothing else", () => {
    const loop = new EventLoop();
    class Special extends Future<number> {}
    const values = [loop.createFuture(), new Special({ loop }), Promise.resolve(), {}, null];

    expect(values.map(isFuture)).toEqual([true, true, false, false, false]);
  });
});

describe("await of a Future", () => {
  test("gives the result of one that is done without a turn of the loop", async () => {
    await inLoop(async (loop) => {
      const order: string[] = [];
      const future = loop.createFuture<string>();
      future.setResult("value");
      loop.callSoon(() => order.push("next callback"));

      order.push(await future);

      expect(order).toEqual(["value"]);
    });
  });

  test("gives the result of one that was pending, in a step of the loop of its own", async () => {
    await inLoop(async (loop) => {
      const order: string[] = [];
      const future = loop.createFuture<string>();
      loop.callSoon(() => {
        future.setResult("value");
        loop.callSoon(() => order.push("behind"));
        void Promise.resolve().then(() => order.push("microtask of the setter"));
      });

      order.push(await future);
      await nextTurn(loop);

      expect(order).toEqual(["microtask of the setter", "value", "behind"]);
    });
  });

  test("throws the very exception, pending or done", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture();
      loop.callSoon(() => future.setException(boom));

      await expect((async () => await future)()).rejects.toBe(boom);
      await expect((async () => await future)()).rejects.toBe(boom);
    });
  });

  test("throws a CancelledError with the message when it is cancelled, pending or done", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture();
      loop.callSoon(() => future.cancel("no more"));

      await expect((async () => await future)()).rejects.toThrow(new CancelledError("no more"));
      await expect((async () => await future)()).rejects.toThrow(new CancelledError("no more"));
    });
  });

  test("wakes several waiters in the order in which they came, with callbacks in between", async () => {
    await inLoop(async (loop) => {
      const order: string[] = [];
      const future = loop.createFuture();
      const work = async (name: string): Promise<void> => {
        await future;
        order.push(name);
      };
      const first = work("first");
      await Promise.resolve();
      future.addDoneCallback(() => order.push("callback"));
      const second = work("second");
      await Promise.resolve();

      future.setResult(null);
      await Promise.all([first, second]);

      expect(order).toEqual(["first", "callback", "second"]);
    });
  });

  test("hands on a promise that is the result, resolved", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<Promise<string>>();
      loop.callSoon(() => future.setResult(Promise.resolve("inside")));

      expect([await future, await future]).toEqual(["inside", "inside"]);
    });
  });

  test("works outside of a task and of a scope", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture<string>();
    const work = (async () => await future)();

    future.setResult("value");
    await iterate(loop);

    expect(await work).toBe("value");
  });

  test("is refused in a task of another loop", async () => {
    const other = new EventLoop().createFuture();

    await inLoop(async () => {
      const work = new Scope(null, { name: "a task" }).run(async () => await other);

      await expect(work).rejects.toThrow(
        new RuntimeError(
          "<Future pending> belongs to another loop; await it in a task of that loop",
        ),
      );
    });
  });

  test("is refused when a task waits for itself", async () => {
    await inLoop(async (loop) => {
      const task = loop.createFuture();
      const work = new Scope(null, task).run(async () => await task);

      await expect(work).rejects.toThrow(new RuntimeError("<Future pending> cannot await itself"));
    });
  });
});

// Not through `await`: the promise chains that people write by hand.
describe.each([
  ["pending", true],
  ["done", false],
] as const)("then of a Future that is %s", (_name, pending) => {
  /** A Future that ends by `end`, later or at once. */
  function ended(loop: EventLoop, end: (future: Future<number>) => void): Future<number> {
    const future = loop.createFuture<number>();
    if (pending) loop.callSoon(end, future);
    else end(future);
    return future;
  }
  const fulfilled = (loop: EventLoop) => ended(loop, (future) => future.setResult(1));
  const failed = (loop: EventLoop) => ended(loop, (future) => future.setException(boom));

  test("calls its handlers with the outcome, and gives what they return", async () => {
    await inLoop(async (loop) => {
      expect(await fulfilled(loop).then((value) => value + 1)).toBe(2);
      expect(await failed(loop).then(null, (error) => error)).toBe(boom);
    });
  });

  test("chains: the next handler gets what the one before returned", async () => {
    const seen = await inLoop(
      async (loop) =>
        await fulfilled(loop)
          .then((value) => value + 1)
          .then((value) => Promise.resolve(value * 10))
          .then((value) => `${value}`),
    );

    expect(seen).toBe("20");
  });

  test("passes the outcome through where there is no handler", async () => {
    await inLoop(async (loop) => {
      expect(await fulfilled(loop).then(null).then(null, null).then(undefined, String)).toBe(1);
      await expect(failed(loop).then(String).then(null).then(String)).rejects.toBe(boom);
    });
  });

  test("hands on what a handler throws", async () => {
    await inLoop(async (loop) => {
      const thrown = new Error("thrown by a handler");
      const fail = (): never => {
        throw thrown;
      };

      await expect(fulfilled(loop).then(fail)).rejects.toBe(thrown);
      await expect(failed(loop).then(null, fail)).rejects.toBe(thrown);
    });
  });

  test("goes on after a handler for errors that returns", async () => {
    const seen = await inLoop(
      async (loop) =>
        await failed(loop)
          .then(null, () => "rescued")
          .then((value) => `${value}!`),
    );

    expect(seen).toBe("rescued!");
  });

  test("gives something that can be chained long after it was settled", async () => {
    await inLoop(async (loop) => {
      const nothing = fulfilled(loop).then(() => undefined);
      const something = fulfilled(loop).then((value) => value + 1);
      const rescued = failed(loop).then(null, () => undefined);
      for (let turn = 0; turn < 3; turn += 1) await nextTurn(loop);

      expect(await Promise.all([nothing, something, rescued])).toEqual([undefined, 2, undefined]);
    });
  });

  test("calls its handlers after the call of then, even when it is done", async () => {
    await inLoop(async (loop) => {
      const order: string[] = [];

      const chained = fulfilled(loop).then(() => order.push("handler"));
      order.push("caller");
      await chained;

      expect(order).toEqual(["caller", "handler"]);
    });
  });

  test("serves Promise.all", async () => {
    await inLoop(async (loop) => {
      expect(await Promise.all([fulfilled(loop), fulfilled(loop)])).toEqual([1, 1]);
      await expect(Promise.all([fulfilled(loop), failed(loop)])).rejects.toBe(boom);
    });
  });

  test("serves Promise.allSettled", async () => {
    await inLoop(async (loop) => {
      expect(await Promise.allSettled([fulfilled(loop), failed(loop)])).toEqual([
        { status: "fulfilled", value: 1 },
        { status: "rejected", reason: boom },
      ]);
    });
  });

  test("serves Promise.race and Promise.any", async () => {
    await inLoop(async (loop) => {
      const never = loop.createFuture<number>();

      expect(await Promise.race([never, fulfilled(loop)])).toBe(1);
      expect(await Promise.any([never, failed(loop), fulfilled(loop)])).toBe(1);
    });
  });

  test("serves Promise.resolve", async () => {
    await inLoop(async (loop) => {
      expect(await Promise.resolve(fulfilled(loop)).finally(() => undefined)).toBe(1);
    });
  });
});

describe("addDoneCallback", () => {
  test("calls back with the Future, by the loop and not inline, in the order of registration", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture<number>();
    const calls: unknown[] = [];
    future.addDoneCallback((done) => calls.push(["first", done]));
    future.addDoneCallback((done) => calls.push(["second", done]));

    future.setResult(1);
    const inline = calls.length;
    await iterate(loop);

    expect(inline).toBe(0);
    expect(calls).toEqual([
      ["first", future],
      ["second", future],
    ]);
  });

  test.each(["result", "exception", "cancelled"] as const)(
    "calls back soon, not inline, when the Future is done already: %s",
    async (state) => {
      const future = futureIn(state);
      const calls: string[] = [];

      future.addDoneCallback(() => calls.push("called"));
      const inline = calls.length;
      await iterate(future.loop);

      expect([inline, calls]).toEqual([0, ["called"]]);
    },
  );

  test("calls a callback that was added twice twice", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture();
    let calls = 0;
    const count = (): void => {
      calls += 1;
    };
    future.addDoneCallback(count);
    future.addDoneCallback(count);

    future.cancel();
    await iterate(loop);

    expect(calls).toBe(2);
  });

  test("reports what a callback throws, and calls the others", async () => {
    const loop = new EventLoop();
    const reports: unknown[] = [];
    loop.exceptionHandler = (_loop, { message, exception }) => reports.push(message, exception);
    const future = loop.createFuture();
    const calls: string[] = [];
    future.addDoneCallback(function broken() {
      throw boom;
    });
    future.addDoneCallback(() => calls.push("next"));

    future.setResult(1);
    await iterate(loop);

    expect(calls).toEqual(["next"]);
    expect(reports).toEqual([expect.stringMatching(/Exception in callback .*broken/), boom]);
  });

  test("runs what a callback starts to its end before the next callback", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture();
    const order: string[] = [];
    future.addDoneCallback(async () => {
      await Promise.resolve();
      order.push("first");
    });
    future.addDoneCallback(() => order.push("second"));

    future.setResult(1);
    await iterate(loop);

    expect(order).toEqual(["first", "second"]);
  });

  test("refuses what is no function", () => {
    // @ts-expect-error -- no function
    expect(() => futureIn("pending").addDoneCallback("later")).toThrow(
      new TypeError("Expected `callback` to be a function, got 'later'"),
    );
  });
});

describe("removeDoneCallback", () => {
  test("removes a callback wherever it is, and says how often it was there", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture();
    const calls: string[] = [];
    const removed = (): void => void calls.push("removed");
    const kept = (): void => void calls.push("kept");
    for (const callback of [removed, kept, removed]) future.addDoneCallback(callback);

    const counts = [future.removeDoneCallback(removed), future.removeDoneCallback(removed)];
    future.setResult(1);
    await iterate(loop);

    expect([counts, calls]).toEqual([[2, 0], ["kept"]]);
  });

  test("removes the only callback, and others can be added again", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture();
    const calls: string[] = [];
    const callback = (): void => void calls.push("called");
    future.addDoneCallback(callback);

    const count = future.removeDoneCallback(callback);
    future.addDoneCallback(callback);
    future.setResult(1);
    await iterate(loop);

    expect([count, calls]).toEqual([1, ["called"]]);
  });

  test("comes too late when the Future is done", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture();
    const calls: string[] = [];
    const callback = (): void => void calls.push("called");
    future.addDoneCallback(callback);

    future.setResult(1);
    const count = future.removeDoneCallback(callback);
    await iterate(loop);

    expect([count, calls]).toEqual([0, ["called"]]);
  });

  test("leaves those who await alone", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<string>();
      const work = (async () => await future)();
      await Promise.resolve();
      future.addDoneCallback(ignore);

      future.removeDoneCallback(ignore);
      future.setResult("value");

      expect(await work).toBe("value");
    });
  });
});

describe("A Future of a closed loop", () => {
  test("can be completed, and calls nobody", () => {
    const loop = new EventLoop();
    const future = loop.createFuture<string>();
    const calls: string[] = [];
    future.addDoneCallback(() => calls.push("called"));
    loop.close();

    future.setResult("value");

    expect([future.result(), calls]).toEqual(["value", []]);
  });
});
