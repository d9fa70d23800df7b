import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as hostTimeout } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DrainPath, EventLoop, VirtualClock } from "../src/index.ts";
import { type Outcome, runChild } from "./child.ts";
import { iterate } from "./in-loop.ts";

const drains: DrainPath[] = ["tick", "microtask"];

/** Adds callbacks that add themselves again, until the function that it returns is called. */
function keepBusy(loop: EventLoop, callbacks: number): () => void {
  let busy = true;
  const again = (): void => {
    if (busy) loop.callSoon(again);
  };
  for (let count = 0; count < callbacks; count += 1) loop.callSoon(again);
  return () => {
    busy = false;
  };
}

describe.each(drains)("A loop that drains by %s", (drain) => {
  test("calls callbacks in the order in which they were added", async () => {
    const loop = new EventLoop({ drain });
    const order: number[] = [];
    for (let number = 0; number < 200; number += 1) loop.callSoon((n) => order.push(n), number);

    await iterate(loop);

    expect(order).toEqual(Array.from({ length: 200 }, (_, number) => number));
  });

  test("calls what was added during an iteration in the next one", async () => {
    const loop = new EventLoop({ drain });
    const order: string[] = [];
    loop.callSoon(() => {
      order.push("first");
      loop.callSoon(() => order.push("added"));
    });
    loop.callSoon(() => order.push("second"));

    await iterate(loop);
    const afterOne = [...order];
    await iterate(loop);

    expect([afterOne, order]).toEqual([
      ["first", "second"],
      ["first", "second", "added"],
    ]);
  });

  test("runs a long chain of awaits to its end before the next callback", async () => {
    const loop = new EventLoop({ drain });
    const order: string[] = [];
    const awaitOften = async (): Promise<void> => {
      for (let count = 0; count < 1_000; count += 1) await Promise.resolve();
      order.push("awaits");
    };
    loop.callSoon(() => void awaitOften());
    loop.callSoon(() => order.push("next"));

    await iterate(loop);

    expect(order).toEqual(["awaits", "next"]);
  });

  test("runs ticks, ticks of ticks, and their microtasks before the next callback", async () => {
    const loop = new EventLoop({ drain });
    const order: string[] = [];
    loop.callSoon(() => {
      process.nextTick(() => {
        process.nextTick(() => order.push("tick of a tick"));
        void Promise.resolve().then(() => order.push("microtask of a tick"));
      });
    });
    loop.callSoon(() => order.push("next"));

    await iterate(loop);

    expect(order).toEqual(["tick of a tick", "microtask of a tick", "next"]);
  });

  test("calls async callbacks up to where they wait, one whole after the other", async () => {
    const loop = new EventLoop({ drain });
    const order: string[] = [];
    const work = async (name: string): Promise<void> => {
      order.push(`${name} begins`);
      await Promise.all([Promise.resolve(), Promise.resolve().then(() => 1)]);
      order.push(`${name} ends`);
    };
    loop.callSoon(work, "a");
    loop.callSoon(work, "b");

    await iterate(loop);

    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  });

  test.each([
    ["tick", "uncaughtException"],
    ["microtask", "uncaughtException"],
    ["rejection", "unhandledRejection"],
  ])("loses no callback to an uncaught %s, which the process hears of", async (kind, origin) => {
    const program = new URL("fixtures/throwing-between-handles.ts", import.meta.url);

    const { code, output, errors } = await runChild(program, { args: [drain, kind] });

    // When the process hears of it is the host's affair.
    expect([code, errors]).toEqual([0, ""]);
    expect(output.toSorted()).toEqual(
      [`${origin}: boom`, "end", "second", "third, in the next iteration", "timer"].toSorted(),
    );
    expect(output.indexOf("second")).toBeLessThan(output.indexOf("third, in the next iteration"));
  });

  test("ends the process, as the host does, when a tick throws and nobody listens", async () => {
    const program = new URL("fixtures/throwing-tick.ts", import.meta.url);

    const { code, errors } = await runChild(program, { args: [drain] });

    expect([code, errors]).toEqual([1, expect.stringContaining("Error: boom")]);
  });

  test("does not starve a socket when 100,000 callbacks add themselves again and again", async () => {
    const server = createServer((socket) => socket.end("hello")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const loop = new EventLoop({ drain });
    const relax = keepBusy(loop, 100_000);
    const received: string[] = [];

    connect((server.address() as { port: number }).port, "127.0.0.1")
      .on("data", (data) => {
        received.push(data.toString());
        relax();
      })
      .on("close", () => loop.stop());
    await loop.runForever();
    server.close();

    expect(received).toEqual(["hello"]);
  });

  test("does not starve the host's timers when callbacks add themselves again and again", async () => {
    const loop = new EventLoop({ drain });
    const relax = keepBusy(loop, 1);
    const run = loop.runForever();

    await hostTimeout(5);
    relax();
    loop.stop();

    await expect(run).resolves.toBeUndefined();
  });

  test("does not starve its own timers when callbacks add themselves again and again", async () => {
    const loop = new EventLoop({ drain });
    const relax = keepBusy(loop, 100);
    const fired: string[] = [];
    loop.callLater(3, () => {
      fired.push("timer");
      relax();
      loop.stop();
    });

    await loop.runForever();

    expect(fired).toEqual(["timer"]);
  });

  test("calls timers in the order of their times, and equal times in the order of the calls", async () => {
    const loop = new EventLoop({ drain, clock: new VirtualClock({ isolated: true }) });
    const order: string[] = [];
    for (const [delay, name] of [
      [30, "c"],
      [10, "a1"],
      [20, "b"],
      [10, "a2"],
      [10, "a3"],
    ] as const)
      loop.callLater(delay, (text) => order.push(text), name);
    loop.callLater(40, () => loop.stop());

    await loop.runForever();

    expect(order).toEqual(["a1", "a2", "a3", "b", "c"]);
  });

  test("calls timers that are due already behind what is ready", async () => {
    const loop = new EventLoop({ drain, clock: new VirtualClock({ isolated: true }) });
    const order: string[] = [];
    loop.callLater(0, () => order.push("zero"));
    loop.callLater(-5, () => order.push("negative"));
    loop.callLater(-Infinity, () => order.push("minus infinity"));
    loop.callAt(-1, () => order.push("past"));
    loop.callSoon(() => order.push("ready"));

    await iterate(loop);

    expect(order).toEqual(["ready", "minus infinity", "negative", "past", "zero"]);
  });

  test("runs what is called when a step is at rest before the next callback, innermost first", async () => {
    const loop = new EventLoop({ drain });
    const order: string[] = [];
    loop.callSoon(() => {
      loop.atRest(() => order.push("outer"));
      loop.atRest(() => {
        order.push("inner");
        void Promise.resolve().then(() => order.push("microtask of inner"));
      });
      void Promise.resolve().then(() => order.push("microtask"));
    });
    loop.callSoon(() => order.push("next"));

    await iterate(loop);

    expect(order).toEqual(["microtask", "inner", "microtask of inner", "outer", "next"]);
  });

  test("goes on when something outside makes a callback ready while it rests", async () => {
    const loop = new EventLoop({ drain });
    const run = loop.runForever();
    await hostTimeout(2);

    loop.callSoon(() => loop.stop());

    await expect(run).resolves.toBeUndefined();
  });

  test("goes on when something outside sets an earlier timer while it rests", async () => {
    const loop = new EventLoop({ drain });
    loop.callLater(600_000, () => undefined);
    const run = loop.runForever();
    await hostTimeout(2);

    loop.callLater(1, () => loop.stop());

    await expect(run).resolves.toBeUndefined();
  });
});

test("A loop that drains by tick runs microtasks and ticks that make each other", async () => {
  const loop = new EventLoop({ drain: "tick" });
  const order: string[] = [];
  const alternate = async (): Promise<void> => {
    for (let count = 0; count < 20; count += 1) {
      await new Promise<void>((resolve) => {
        process.nextTick(resolve);
      });
    }
    order.push("alternated");
  };
  loop.callSoon(() => void alternate());
  loop.callSoon(() => order.push("next"));

  await iterate(loop);

  expect(order).toEqual(["alternated", "next"]);
});

/** A callback that waits for some microtasks, and adds others then. */
interface Planned {
  readonly delay: number | null;
  readonly awaits: number;
  readonly adds: readonly Planned[];
}

const { planned } = fc.letrec<{ planned: Planned }>((tie) => ({
  planned: fc.record({
    delay: fc.option(fc.integer({ min: -1, max: 3 })),
    awaits: fc.integer({ min: 0, max: 5 }),
    adds: fc.oneof(
      { depthSize: "small" },
      fc.constant([]),
      fc.array(tie("planned"), { maxLength: 3 }),
    ),
  }),
}));

/** Runs a plan in virtual time. Returns the beginnings and ends of its callbacks. */
async function trace(drain: DrainPath, plan: readonly Planned[]): Promise<string[]> {
  const loop = new EventLoop({ drain, clock: new VirtualClock({ isolated: true }) });
  const events: string[] = [];
  const add = (path: string, { delay, awaits, adds }: Planned): void => {
    const work = async (): Promise<void> => {
      events.push(`${path} begins`);
      for (let count = 0; count < awaits; count += 1) await Promise.resolve();
      for (const [index, next] of adds.entries()) add(`${path}.${index}`, next);
      events.push(`${path} ends`);
    };
    if (delay === null) loop.callSoon(() => void work());
    else loop.callLater(delay, () => void work());
  };
  for (const [index, next] of plan.entries()) add(`${index}`, next);
  loop.callLater(1_000, () => loop.stop());
  await loop.runForever();
  return events;
}

test("Both ways to drain give the same order, with no callback inside another", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(planned, { maxLength: 5 }), async (plan) => {
      const events = await trace("tick", plan);

      expect(await trace("microtask", plan)).toEqual(events);
      const beginnings = events.filter((event) => event.endsWith(" begins"));
      expect(events).toEqual(
        beginnings.flatMap((event) => [event, event.replace("begins", "ends")]),
      );
    }),
  );
});

describe("A loop at the end of the process", () => {
  const program = new URL("fixtures/deadlock.ts", import.meta.url);
  const deadlock = (kind: string): Promise<Outcome> => runChild(program, { args: [kind] });

  test("throws a DeadlockError when it waits for what nobody completes", async () => {
    const { code, errors } = await deadlock("future");

    expect([code, errors]).toEqual([1, expect.stringContaining("DeadlockError: Nothing is ready")]);
  });

  test("throws it in virtual time too, behind the last timer", async () => {
    const { code, errors } = await deadlock("virtual");

    expect([code, errors]).toEqual([1, expect.stringContaining("DeadlockError")]);
  });

  test("waits on with a timer that never comes, as a sleep until Ctrl-C does", async () => {
    const { code, output } = await deadlock("infinity");

    expect([code, output]).toEqual([0, ["still waiting"]]);
  });

  test("says what waits for what", async () => {
    const { errors } = await deadlock("scope");

    expect(errors).toMatch(/\{ name: 'the main work' \} waits for <Future pending>/);
  });

  test("goes on when another listener of `beforeExit` wakes it", async () => {
    expect(await deadlock("rescued")).toEqual({ code: 0, output: ["rescued"], errors: "" });
  });

  test("lets go of a timer that is cancelled from outside while it rests", async () => {
    const { code, errors } = await deadlock("cancelled-timer");

    expect([code, errors]).toEqual([1, expect.stringContaining("DeadlockError")]);
  });

  test("does not keep the process alive when it is stopped, whatever is set", async () => {
    expect(await deadlock("stopped")).toEqual({ code: 0, output: ["stopped"], errors: "" });
  });
});
