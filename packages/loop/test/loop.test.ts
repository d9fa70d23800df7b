import { inspect } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  Scope,
  DeadlockError,
  EventLoop,
  Future,
  getEventLoop,
  newEventLoop,
  RuntimeError,
  setEventLoop,
  type Step,
  SystemClock,
  VirtualClock,
} from "../src/index.ts";
import { runChild } from "./child.ts";
import { inLoop } from "./in-loop.ts";

const closed = new RuntimeError("The event loop is closed; make a new one");

/** A loop in virtual time that nothing outside can wake. */
function newLoop(): EventLoop {
  return new EventLoop({ clock: new VirtualClock({ isolated: true }) });
}

/** A step that notes its call. */
function noting(calls: string[], name: string): Step {
  return {
    run: () => {
      calls.push(name);
      return false;
    },
  };
}

describe("runForever", () => {
  test("runs until stop()", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.callLater(10, () => calls.push("timer"));
    loop.callLater(20, () => loop.stop());
    loop.callLater(30, () => calls.push("too late"));

    await expect(loop.runForever()).resolves.toBeUndefined();

    expect([calls, loop.time()]).toEqual([["timer"], 20]);
  });

  test("runs one iteration when stop() was called before", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.callSoon(() => {
      calls.push("ready");
      loop.callSoon(() => calls.push("added"));
    });
    loop.callLater(0, () => calls.push("due"));
    loop.callLater(1, () => calls.push("not due"));

    loop.stop();
    await loop.runForever();

    expect(calls).toEqual(["ready", "due"]);
  });

  test("runs the rest of the iteration after stop(), and what was added to it in the next run", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.callSoon(() => {
      loop.stop();
      loop.callSoon(() => calls.push("added"));
    });
    loop.callSoon(() => calls.push("rest"));

    await loop.runForever();
    const first = [...calls];
    loop.stop();
    await loop.runForever();

    expect([first, calls]).toEqual([["rest"], ["rest", "added"]]);
  });

  test("can be called again and again, and keeps what waits", async () => {
    const loop = newLoop();
    const calls: number[] = [];
    loop.callLater(25, () => calls.push(loop.time()));
    for (const delay of [10, 10, 10]) {
      loop.callLater(delay, () => loop.stop());
      await loop.runForever();
    }

    expect(calls).toEqual([25]);
  });

  test("does nothing more for a stop() that is said twice", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.stop();
    loop.stop();
    await loop.runForever();
    loop.callSoon(() => loop.callSoon(() => calls.push("second iteration")));
    loop.callLater(1, () => loop.stop());

    await loop.runForever();

    expect(calls).toEqual(["second iteration"]);
  });

  test("calls nothing inline", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.callSoon(() => calls.push("called"));
    loop.stop();

    const run = loop.runForever();
    const inline = [...calls];
    await run;

    expect([inline, calls]).toEqual([[], ["called"]]);
  });

  test("is refused while the loop runs, which goes on", async () => {
    await inLoop(async (loop) => {
      await expect(loop.runForever()).rejects.toThrow(
        new RuntimeError(
          "The event loop runs already; await what you need instead of running it again",
        ),
      );
      expect(loop.isRunning).toBe(true);
    });
  });

  test("is refused while another loop runs, which goes on", async () => {
    await inLoop(async (loop) => {
      const other = newLoop();

      await expect(other.runForever()).rejects.toThrow(
        new RuntimeError(
          "Another event loop runs in this thread; use it by createTask(), or run this one in a worker",
        ),
      );
      expect([loop.isRunning, other.isRunning]).toEqual([true, false]);
    });
  });

  test("is refused when the loop is closed", async () => {
    const loop = newLoop();
    loop.close();

    await expect(loop.runForever()).rejects.toThrow(closed);
  });

  test("ends with a DeadlockError when nothing can ever happen, and can run again", async () => {
    const loop = newLoop();

    await expect(loop.runForever()).rejects.toThrow(DeadlockError);
    loop.callSoon(() => loop.stop());

    await expect(loop.runForever()).resolves.toBeUndefined();
  });
});

describe("isRunning", () => {
  test("is true from the call of runForever to its end, also seen from a callback", async () => {
    const loop = newLoop();
    const seen = [loop.isRunning];
    loop.callSoon(() => {
      seen.push(loop.isRunning);
      loop.stop();
    });

    const run = loop.runForever();
    seen.push(loop.isRunning);
    await run;
    seen.push(loop.isRunning);

    expect(seen).toEqual([false, true, true, false]);
  });
});

describe("runUntilComplete", () => {
  test("gives the result", async () => {
    const loop = newLoop();
    const future = loop.createFuture<string>();
    loop.callLater(10, () => future.setResult("value"));

    expect(await loop.runUntilComplete(future)).toBe("value");
    expect([loop.time(), loop.isRunning]).toEqual([10, false]);
  });

  test("gives the result of a Future that is done already, after one iteration", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.callSoon(() => calls.push("ready"));
    const future = loop.createFuture<string>();
    future.setResult("value");

    expect(await loop.runUntilComplete(future)).toBe("value");
    expect(calls).toEqual(["ready"]);
  });

  test("throws the exception, which counts as looked at", async () => {
    const loop = newLoop();
    const boom = new Error("boom");
    const future = loop.createFuture();
    loop.callSoon(() => future.setException(boom));

    await expect(loop.runUntilComplete(future)).rejects.toBe(boom);
    expect(loop.unretrieved.size).toBe(0);
  });

  test("throws a CancelledError when the Future is cancelled", async () => {
    const loop = newLoop();
    const future = loop.createFuture();
    loop.callSoon(() => future.cancel("enough"));

    await expect(loop.runUntilComplete(future)).rejects.toMatchObject({
      name: "CancelledError",
      message: "enough",
    });
  });

  test("throws when the loop is stopped before", async () => {
    const loop = newLoop();
    const future = loop.createFuture();
    loop.callSoon(() => loop.stop());

    await expect(loop.runUntilComplete(future)).rejects.toThrow(
      new RuntimeError("The event loop was stopped before <Future pending> was done"),
    );
  });

  test("stops no later run when its Future is completed after it was stopped", async () => {
    const loop = newLoop();
    const future = loop.createFuture<string>();
    loop.callSoon(() => loop.stop());
    await expect(loop.runUntilComplete(future)).rejects.toThrow(RuntimeError);
    const calls: string[] = [];
    loop.callLater(1, () => future.setResult("late"));
    loop.callLater(2, () => calls.push("still runs"));
    loop.callLater(3, () => loop.stop());

    await loop.runForever();

    expect(calls).toEqual(["still runs"]);
  });

  test("throws a DeadlockError when nothing can complete the Future", async () => {
    const loop = newLoop();

    await expect(loop.runUntilComplete(loop.createFuture())).rejects.toThrow(DeadlockError);
  });

  test("is refused while the loop runs, and leaves the Future alone", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture();

      await expect(loop.runUntilComplete(future)).rejects.toThrow(/^The event loop runs already/);
      expect(future.done).toBe(false);
    });
  });

  test("is refused when the loop is closed", async () => {
    const loop = newLoop();
    const future = loop.createFuture();
    loop.close();

    await expect(loop.runUntilComplete(future)).rejects.toThrow(closed);
  });

  test.each([undefined, 5, Promise.resolve(1), () => Promise.resolve(1)])(
    "refuses %o, which is no Future",
    async (value) => {
      await expect(
        // @ts-expect-error -- no Future
        newLoop().runUntilComplete(value),
      ).rejects.toThrow(
        new TypeError(`Expected \`future\` to be a Future or Task, got ${inspect(value)}`),
      );
    },
  );

  test("refuses a Future of another loop, which it would wait for in vain", async () => {
    const future = new Future<string>({ loop: newLoop() });

    await expect(newLoop().runUntilComplete(future)).rejects.toThrow(/another loop/);
  });
});

describe("close", () => {
  test("is refused while the loop runs", async () => {
    await inLoop((loop) => {
      expect(() => loop.close()).toThrow(
        new RuntimeError(
          "The event loop runs; stop it, and wait for the end of the run, before close()",
        ),
      );
      expect(loop.isClosed).toBe(false);
    });
  });

  test("does nothing the second time", () => {
    const loop = newLoop();
    let calls = 0;
    loop.atClose(() => {
      calls += 1;
    });

    loop.close();
    loop.close();

    expect([loop.isClosed, calls]).toEqual([true, 1]);
  });

  test.each([
    ["callSoon", (loop: EventLoop) => loop.callSoon(() => undefined)],
    ["callSoonThreadsafe", (loop: EventLoop) => loop.callSoonThreadsafe(() => undefined)],
    ["callLater", (loop: EventLoop) => loop.callLater(1, () => undefined)],
    ["callAt", (loop: EventLoop) => loop.callAt(1, () => undefined)],
    ["addTimer", (loop: EventLoop) => loop.addTimer({ index: -1, run: () => false }, 1)],
    ["checkRunnable", (loop: EventLoop) => loop.checkRunnable()],
  ])("makes %s refuse", (_name, use) => {
    const loop = newLoop();
    loop.close();

    expect(() => use(loop)).toThrow(closed);
  });

  test("lets primitives that wake somebody go on in peace", () => {
    const loop = newLoop();
    loop.close();

    expect(() => loop.enqueue(noting([], "step"))).not.toThrow();
  });

  test("reports tasks that are pending to the exception handler", () => {
    const loop = newLoop();
    const task = { name: "a task" };
    const reports: unknown[] = [];
    loop.exceptionHandler = (_loop, context) => reports.push(context);
    for (const owner of [task, null]) new Scope(loop.scope, owner).requestsAround();

    loop.close();

    expect(reports).toEqual([{ message: "Task was destroyed but it is pending!", task }]);
  });

  test("drops timers: to cancel one does nothing", () => {
    const loop = newLoop();
    const timer = loop.callLater(1, () => undefined);
    loop.close();

    timer.cancel();

    expect(timer.cancelled).toBe(true);
  });

  test("can be called between two runs, also from the code behind the first", async () => {
    const loop = newLoop();
    loop.callSoon(() => loop.stop());
    await loop.runForever();

    loop.close();

    expect(loop.isClosed).toBe(true);
  });
});

describe("atClose", () => {
  test("has its callbacks called when the loop is closed, in order", () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.atClose(() => calls.push("first"));
    loop.atClose(() => calls.push("second"));

    loop.close();

    expect(calls).toEqual(["first", "second"]);
  });

  test("returns a function that takes the callback back", () => {
    const loop = newLoop();
    const calls: string[] = [];
    const takeBack = loop.atClose(() => calls.push("called"));

    takeBack();
    loop.close();

    expect(calls).toEqual([]);
  });

  test("reports a callback that throws, and calls the others", () => {
    const loop = newLoop();
    const reports: unknown[] = [];
    loop.exceptionHandler = (_loop, context) => reports.push(context);
    const calls: string[] = [];
    const boom = new Error("boom");
    loop.atClose(() => {
      throw boom;
    });
    loop.atClose(() => calls.push("other"));

    loop.close();

    expect([loop.isClosed, calls]).toEqual([true, ["other"]]);
    expect(reports).toEqual([{ message: "Exception in a callback of atClose", exception: boom }]);
  });
});

describe("leave", () => {
  test("ends the run with the error right after the step that runs; what is ready stays so", async () => {
    const loop = newLoop();
    const boom = new Error("boom");
    const calls: string[] = [];
    loop.callSoon(() => {
      loop.leave(boom);
      calls.push("rest of the step");
    });
    loop.callSoon(() => calls.push("stays ready"));

    await expect(loop.runForever()).rejects.toBe(boom);
    const before = [...calls];
    loop.stop();
    await loop.runForever();

    expect(before).toEqual(["rest of the step"]);
    expect(calls).toEqual(["rest of the step", "stays ready"]);
  });

  test("throws the error of a loop that does not run, which can run later", async () => {
    const loop = newLoop();
    const boom = new Error("boom");

    expect(() => loop.leave(boom)).toThrow(boom);

    loop.stop();
    await expect(loop.runForever()).resolves.toBeUndefined();
  });
});

describe("callSoon and its like", () => {
  test("pass arguments on", async () => {
    const loop = newLoop();
    const calls: unknown[] = [];
    const note = (...args: [number, string]): void => void calls.push(args);
    loop.callSoon(note, 1, "soon");
    loop.callSoonThreadsafe(note, 2, "threadsafe");
    loop.callLater(1, note, 3, "later");
    loop.callAt(2, note, 4, "at");
    loop.callAt(3, () => loop.stop());

    await loop.runForever();

    expect(calls).toEqual([
      [1, "soon"],
      [2, "threadsafe"],
      [3, "later"],
      [4, "at"],
    ]);
  });

  test("keep one order among callSoon, callSoonThreadsafe and enqueue", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.callSoon(() => calls.push("1"));
    loop.callSoonThreadsafe(() => calls.push("2"));
    loop.enqueue(noting(calls, "3"));
    loop.callSoon(() => calls.push("4"));

    loop.stop();
    await loop.runForever();

    expect(calls).toEqual(["1", "2", "3", "4"]);
  });

  test.each([
    ["callSoon", (loop: EventLoop, callback: () => void) => loop.callSoon(callback)],
    [
      "callSoonThreadsafe",
      (loop: EventLoop, callback: () => void) => loop.callSoonThreadsafe(callback),
    ],
    ["callLater", (loop: EventLoop, callback: () => void) => loop.callLater(1, callback)],
    ["callAt", (loop: EventLoop, callback: () => void) => loop.callAt(1, callback)],
  ])("refuse what is no function: %s", (_name, schedule) => {
    const promise = Promise.resolve(1);

    expect(() => schedule(newLoop(), undefined as unknown as () => void)).toThrow(
      new TypeError("Expected `callback` to be a function, got undefined"),
    );
    expect(() => schedule(newLoop(), promise as unknown as () => void)).toThrow(
      new TypeError(
        "Expected `callback` to be a function, got Promise { 1 }; that has started already: pass a function that starts the work",
      ),
    );
  });

  test.each([
    ["5", TypeError, "'5'"],
    [undefined, TypeError, "undefined"],
    [null, TypeError, "null"],
    [5n, TypeError, "5n"],
    [Number.NaN, RangeError, "NaN"],
  ])("refuse %o as a time", (time, type, shown) => {
    const loop = newLoop();

    // @ts-expect-error -- no number
    expect(() => loop.callLater(time, () => undefined)).toThrow(
      new type(`Expected \`delay\` to be a number of milliseconds, got ${shown}`),
    );
    // @ts-expect-error -- no number
    expect(() => loop.callAt(time, () => undefined)).toThrow(
      new type(`Expected \`when\` to be a number of milliseconds, got ${shown}`),
    );
  });

  test("leave a cancelled timer out that is due in the same iteration", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    loop.callLater(10, () => second.cancel());
    const second = loop.callLater(10, () => calls.push("cancelled"));
    loop.callLater(10, () => loop.stop());

    await loop.runForever();

    expect(calls).toEqual([]);
  });
});

describe("addTimer and removeTimer", () => {
  test("set a timer, and take it out again", async () => {
    const loop = newLoop();
    const calls: string[] = [];
    const timer = (name: string) => ({ ...noting(calls, name), index: -1 });
    const removed = timer("removed");
    loop.addTimer(timer("kept"), 10);
    loop.addTimer(removed, 5);
    loop.callLater(20, () => loop.stop());

    loop.removeTimer(removed);
    loop.removeTimer(removed);
    await loop.runForever();

    expect(calls).toEqual(["kept"]);
  });
});

describe("EventLoop", () => {
  test("has the system's clock by default, and the one that it is given", () => {
    const clock = new VirtualClock({ start: 7 });

    expect(new EventLoop().clock).toBeInstanceOf(SystemClock);
    expect([new EventLoop({ clock }).clock, new EventLoop({ clock }).time()]).toEqual([clock, 7]);
  });

  test("makes Futures of its own", () => {
    const loop = newLoop();

    expect(loop.createFuture().loop).toBe(loop);
  });

  test("shows its state", async () => {
    const loop = new EventLoop({ debug: false });
    const shown = [inspect(loop)];
    loop.callSoon(() => {
      shown.push(inspect(loop));
      loop.stop();
    });
    await loop.runForever();
    loop.close();
    shown.push(inspect(loop));

    expect(shown).toEqual([
      "<EventLoop running=false closed=false debug=false>",
      "<EventLoop running=true closed=false debug=false>",
      "<EventLoop running=false closed=true debug=false>",
    ]);
  });
});

describe("newEventLoop", () => {
  test("makes a new loop, and does not make it the current one", () => {
    const current = newEventLoop();
    setEventLoop(current);
    onTestFinished(() => setEventLoop(null));

    const other = newEventLoop();

    expect(other).toBeInstanceOf(EventLoop);
    expect(getEventLoop()).toBe(current);
  });
});

describe("An EventLoop in debug mode", () => {
  test("that is collected as garbage and was not closed gives a warning", async () => {
    const { output } = await runChild(new URL("fixtures/unclosed-loop.ts", import.meta.url));

    expect(output).toEqual(["ResourceWarning: unclosed event loop; call close()"]);
  });
});

describe("EventLoop.atShutdown", () => {
  test("has its steps called once each, in order, and reports what they throw", async () => {
    const loop = newEventLoop();
    const order: string[] = [];
    const reports: unknown[] = [];
    loop.exceptionHandler = (_loop, { exception }) => void reports.push(exception);
    const error = new Error("a step");
    loop.atShutdown(async () => void order.push("first"));
    loop.atShutdown(() => Promise.reject(error));
    const takeBack = loop.atShutdown(async () => void order.push("taken back"));
    loop.atShutdown(async () => void order.push("last"));
    takeBack();

    await loop.runShutdownSteps();
    await loop.runShutdownSteps();
    loop.close();

    expect(order).toEqual(["first", "last"]);
    expect(reports).toEqual([error]);
  });
});
