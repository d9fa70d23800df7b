import { once } from "node:events";
import { setImmediate as hostTurn, setTimeout as hostTimeout } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { DeadlockError, EventLoop, SystemClock, VirtualClock } from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

const kinds = [
  ["isolated", true],
  ["not isolated", false],
] as const;

describe.each(kinds)("VirtualClock, %s", (_name, isolated) => {
  test("jumps to the next timer when nothing is ready", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ isolated }) });
    const times: number[] = [];
    const day = 86_400_000;
    for (const days of [365, 1, 30]) loop.callLater(days * day, () => times.push(loop.time()));
    loop.callLater(366 * day, () => loop.stop());

    await loop.runForever();

    expect(times).toEqual([day, 30 * day, 365 * day]);
  });

  test("stands still while anything is ready", async () => {
    const times = await inLoop(
      async (loop) => {
        loop.callLater(1, () => undefined);
        const seen = [loop.time()];
        for (let count = 0; count < 50; count += 1) {
          await nextTurn(loop);
          seen.push(loop.time());
        }
        return new Set(seen);
      },
      { clock: new VirtualClock({ isolated }) },
    );

    expect([...times]).toEqual([0]);
  });

  test("never goes back", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ start: 50, isolated }) });
    const times: number[] = [];
    loop.callAt(10, () => times.push(loop.time()));
    loop.callAt(60, () => loop.callAt(55, () => times.push(loop.time())));
    loop.callAt(61, () => loop.stop());

    await loop.runForever();

    expect(times).toEqual([50, 60]);
  });

  test("takes a timer of more than 2^31 ms as it is", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ isolated }) });
    loop.callLater(2 ** 40, () => loop.stop());

    await loop.runForever();

    expect(loop.time()).toBe(2 ** 40);
  });

  test("never comes to a timer at Infinity", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ isolated }) });
    const calls: string[] = [];
    loop.callLater(Infinity, () => calls.push("never"));
    loop.callLater(1e300, () => loop.stop());

    await loop.runForever();

    expect(calls).toEqual([]);
  });
});

test("an EventLoop refuses a clock that is none", () => {
  expect(() => new EventLoop({ clock: VirtualClock as never })).toThrow(
    new TypeError(
      "Expected `clock` to be a Clock, such as new VirtualClock(), got [class VirtualClock]",
    ),
  );
});

describe("VirtualClock", () => {
  test("starts at 0, or at the time that it is given", () => {
    expect([new VirtualClock().now(), new VirtualClock({ start: 99.5 }).now()]).toEqual([0, 99.5]);
  });

  test("refuses a start that is no number of milliseconds", () => {
    expect(() => new VirtualClock({ start: Number.NaN })).toThrow(
      new RangeError("Expected `start` to be a number of milliseconds, got NaN"),
    );
  });

  test("keeps its time from one run to the next", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ isolated: true }) });
    for (const delay of [10, 20]) {
      loop.callLater(delay, () => loop.stop());
      await loop.runForever();
    }

    expect(loop.time()).toBe(30);
  });

  test("lets a foreign promise that is nearly there go first, when it is not isolated", async () => {
    const loop = new EventLoop({ clock: new VirtualClock() });
    const order: string[] = [];
    loop.callSoon(async () => {
      await hostTurn();
      order.push(`foreign at ${loop.time()}`);
    });
    loop.callLater(1_000, () => {
      order.push(`timer at ${loop.time()}`);
      loop.stop();
    });

    await loop.runForever();

    expect(order).toEqual(["foreign at 0", "timer at 1000"]);
  });

  test("lets I/O that has arrived go first, when it is not isolated", async () => {
    const loop = new EventLoop({ clock: new VirtualClock() });
    const order: string[] = [];
    loop.addSignalHandler("SIGUSR2", () => order.push(`signal at ${loop.time()}`));
    loop.callSoon(() => process.kill(process.pid, "SIGUSR2"));
    loop.callLater(1_000, () => {
      order.push(`timer at ${loop.time()}`);
      loop.stop();
    });

    await loop.runForever();
    loop.close();

    expect(order).toEqual(["signal at 0", "timer at 1000"]);
  });

  test("waits for the world when no timer is set, when it is not isolated", async () => {
    const loop = new EventLoop({ clock: new VirtualClock() });
    const worker = new Worker("", { eval: true });
    worker.once("exit", () => loop.stop());

    await loop.runForever();

    expect(loop.time()).toBe(0);
  });

  test("finds a deadlock at once, when it is isolated", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ isolated: true }) });

    await expect(loop.runUntilComplete(loop.createFuture())).rejects.toThrow(DeadlockError);
    expect(loop.isRunning).toBe(false);
  });

  test("finds a deadlock behind the last timer, when it is isolated", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ isolated: true }) });
    loop.callLater(10, () => undefined);
    loop.callLater(Infinity, () => undefined);

    await expect(loop.runForever()).rejects.toThrow(DeadlockError);
    expect(loop.time()).toBe(10);
  });
});

describe("SystemClock", () => {
  test("calls no timer before its time", async () => {
    const loop = new EventLoop();
    const early: number[] = [];
    let left = 50;
    for (let count = 0; count < left; count += 1) {
      const timer = loop.callLater(count * 0.37, () => {
        if (loop.time() < timer.when) early.push(timer.when - loop.time());
        left -= 1;
        if (left === 0) loop.stop();
      });
    }

    await loop.runForever();

    expect(early).toEqual([]);
  });

  test("takes its time from the host, and never goes back", () => {
    const clock = new SystemClock();
    const before = performance.now();
    const times = Array.from({ length: 1_000 }, () => clock.now());

    expect(times[0]).toBeGreaterThanOrEqual(before);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test.each([2 ** 31, 2 ** 40, Number.MAX_VALUE, Infinity])(
    "does not call a timer of %d ms at once, as Node's own would be",
    async (delay) => {
      const loop = new EventLoop();
      const calls: string[] = [];
      const timer = loop.callLater(delay, () => calls.push("at once"));
      const run = loop.runForever();
      await hostTimeout(5);
      loop.stop();
      await run;
      timer.cancel();

      expect(calls).toEqual([]);
    },
  );

  test("warns of no overflow when a timer is far away", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    const loop = new EventLoop();
    loop.callLater(2 ** 35, () => undefined);
    const run = loop.runForever();
    await hostTimeout(2);
    loop.stop();
    await run;
    process.off("warning", note);

    expect(warnings).toEqual([]);
  });

  test("says that a deadline which has passed is here", () => {
    const clock = new SystemClock();

    expect(clock.park(clock.now() - 1, () => undefined)).toBe(true);
  });

  test("wakes at an earlier deadline that comes later", async () => {
    const clock = new SystemClock();
    const woken = Promise.withResolvers<number>();
    clock.park(clock.now() + 60_000, () => woken.reject(new Error("the first deadline")));
    const deadline = clock.now() + 2;
    clock.park(deadline, () => woken.resolve(clock.now()));

    expect(await woken.promise).toBeGreaterThanOrEqual(deadline - 1);
  });

  test("lets go of the host's timer when there is no deadline any more", async () => {
    const clock = new SystemClock();
    const calls: string[] = [];
    clock.park(clock.now() + 1, () => calls.push("woken"));

    clock.park(null, () => calls.push("woken"));
    await hostTimeout(5);

    expect(calls).toEqual([]);
  });
});

test("Timers of the system's clock wait for real I/O as for anything else", async () => {
  const loop = new EventLoop();
  const worker = new Worker("", { eval: true });
  loop.callLater(600_000, () => undefined).cancel();
  void once(worker, "exit").then(() => loop.stop());

  await expect(loop.runForever()).resolves.toBeUndefined();
});
