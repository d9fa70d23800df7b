import { inspect } from "node:util";
import { CancelledError, getRunningLoop, RuntimeError } from "@aio/loop";
import { createTask, gather, run, Runner, sleep, timeout, waitFor, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { Event } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

describe("Event", () => {
  test("starts out clear", () => {
    expect(new Event().isSet).toBe(false);
  });

  test("is set and cleared, as often as one likes", () => {
    const event = new Event();
    const states: boolean[] = [];

    for (const change of ["set", "set", "clear", "clear", "set"] as const) {
      event[change]();
      states.push(event.isSet);
    }

    expect(states).toEqual([true, true, false, false, true]);
  });

  test("needs no loop to be made, set and cleared", () => {
    expect(() => {
      const event = new Event();
      event.set();
      event.clear();
    }).not.toThrow();
  });

  test("may be made before the loop that it is waited for in", async () => {
    const event = new Event();

    const result = await isolated(async () => {
      getRunningLoop().callLater(10, () => event.set());
      return await event.wait();
    });

    expect(result).toBe(true);
  });

  test("shows whether it is set, and how many wait", () =>
    isolated(async () => {
      const event = new Event();
      const seen = [inspect(event)];
      const tasks = ["a", "b"].map((name) => createTask(() => event.wait(), { name }));
      await yieldNow();
      seen.push(inspect(event));
      event.set();
      await gather(tasks);

      expect([...seen, inspect(event)]).toEqual([
        "<Event unset>",
        "<Event unset waiters=2 (Task 'a', Task 'b')>",
        "<Event set>",
      ]);
    }));
});

describe("Event.wait", () => {
  test("goes straight through when the event is set, without a turn of the loop", () =>
    isolated(async () => {
      const event = new Event();
      event.set();
      let turns = 0;
      getRunningLoop().callSoon(() => (turns += 1));

      const result = await event.wait();

      expectTypeOf(result).toEqualTypeOf<true>();
      expect(result).toBe(true);
      expect(turns).toBe(0);
    }));

  test("waits until the event is set", () =>
    isolated(async () => {
      const event = new Event();
      const task = createTask(() => event.wait());
      await sleep(1_000);
      expect(task.done).toBe(false);

      event.set();

      expect(await task).toBe(true);
      expect(getRunningLoop().time()).toBe(1_000);
    }));

  test("is woken by one turn of the loop", () =>
    isolated(async () => {
      const event = new Event();
      const order: string[] = [];
      void createTask(async () => {
        await event.wait();
        order.push("woken");
      });
      await yieldNow();

      event.set();
      order.push("set");
      await yieldNow();
      order.push("a turn later");

      expect(order).toEqual(["set", "woken", "a turn later"]);
    }));

  test("wakes a thousand tasks in the order in which they came", () =>
    isolated(async () => {
      const event = new Event();
      const order: number[] = [];
      const places = Array.from({ length: 1_000 }, (_, place) => place);
      const tasks = places.map((place) =>
        createTask(async () => {
          await event.wait();
          order.push(place);
        }),
      );
      await yieldNow();

      event.set();
      await gather(tasks);

      expect(order).toEqual(places);
    }));

  test("ends also when the event is cleared before the task that was woken runs", () =>
    isolated(async () => {
      const event = new Event();
      const woken = createTask(() => event.wait());
      await yieldNow();

      event.set();
      event.clear();
      const late = createTask(() => event.wait());

      expect(await woken).toBe(true);
      await sleep(10);
      expect(late.done).toBe(false);
      event.set();
      expect(await late).toBe(true);
    }));

  test("may be called by one task again and again", () =>
    isolated(async () => {
      const event = new Event();
      let rounds = 0;
      const task = createTask(async () => {
        while (rounds < 3) {
          await event.wait();
          event.clear();
          rounds += 1;
        }
      });

      for (let round = 0; round < 3; round += 1) {
        await sleep(10);
        event.set();
      }
      await task;

      expect(rounds).toBe(3);
      expect(event.isSet).toBe(false);
    }));

  test("throws where it must wait and no loop runs", async () => {
    expect(await thrownBy(new Event().wait())).toBeInstanceOf(RuntimeError);
  });

  test("goes straight through without a loop when the event is set", async () => {
    const event = new Event();
    event.set();

    expect(await event.wait()).toBe(true);
  });

  test("may be set by a signal of the world outside", () =>
    run(async () => {
      const event = new Event();
      const { readFile } = await import("node:fs/promises");
      void readFile(import.meta.filename).then(() => event.set());

      expect(await event.wait()).toBe(true);
    }));
});

describe("Event.wait in several loops", () => {
  test("throws in another loop than the first, and the first one goes on", async () => {
    const event = new Event();
    await using runner = new Runner();
    const waiting = await runner.run(() => ({ task: createTask(() => event.wait()) }));
    await runner.run(() => yieldNow());

    expect(await isolated(() => thrownBy(event.wait()))).toMatchObject({
      name: "RuntimeError",
      message: expect.stringMatching(
        /^<Event unset waiters=1 .*> is bound to a different event loop; make a new one for each loop$/,
      ),
    });

    event.set();
    expect(await runner.run(() => waiting.task)).toBe(true);
  });

  test("throws when the first loop is closed", async () => {
    const event = new Event();
    await isolated(() => thrownBy(waitFor(event.wait(), 10)));

    expect(await isolated(() => thrownBy(event.wait()))).toBeInstanceOf(RuntimeError);
  });

  test("goes straight through in any loop when the event is set, and binds it to none", async () => {
    const event = new Event();
    event.set();
    await isolated(() => event.wait());
    event.clear();

    const result = await isolated(async () => {
      getRunningLoop().callSoon(() => event.set());
      return await event.wait();
    });

    expect(result).toBe(true);
  });
});

describe("Event.wait, cancelled", () => {
  test("before it begins, changes nothing", () =>
    isolated(async () => {
      const event = new Event();
      const task = createTask(() => event.wait());

      task.cancel();

      expect(await thrownBy(task)).toBeInstanceOf(CancelledError);
      expect(inspect(event)).toBe("<Event unset>");
    }));

  test("leaves the queue, and the others are woken in order", () =>
    isolated(async () => {
      const event = new Event();
      const order: string[] = [];
      const [, second] = ["first", "second", "third"].map((name) =>
        createTask(async () => {
          await event.wait();
          order.push(name);
        }),
      );
      await yieldNow();

      second?.cancel("gone");
      await yieldNow();
      await yieldNow();
      expect(inspect(event)).toContain("<Event unset waiters=2 ");
      event.set();
      await sleep(10);

      expect(order).toEqual(["first", "third"]);
      expect(second?.cancelled).toBe(true);
    }));

  test("at the moment of waking, throws, and the event stays set", () =>
    isolated(async () => {
      const event = new Event();
      const task = createTask(() => event.wait());
      await yieldNow();

      event.set();
      task.cancel("now");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "now" });
      expect(event.isSet).toBe(true);
      expect(await event.wait()).toBe(true);
    }));

  test("and set in the same step, throws", () =>
    isolated(async () => {
      const event = new Event();
      const task = createTask(() => event.wait());
      await yieldNow();

      task.cancel("first");
      event.set();

      expect(await thrownBy(task)).toMatchObject({ message: "first" });
      expect(inspect(event)).toBe("<Event set>");
    }));

  test("by a deadline, leaves the event usable", () =>
    isolated(async () => {
      const event = new Event();

      expect(await thrownBy(waitFor(event.wait(), 10))).toMatchObject({ name: "TimeoutError" });
      expect(await thrownBy(timeout(10, () => event.wait()))).toMatchObject({
        name: "TimeoutError",
      });
      expect(inspect(event)).toBe("<Event unset>");
      event.set();
      expect(await event.wait()).toBe(true);
    }));

  test("by a signal, tells so, and leaves the others waiting", () =>
    isolated(async () => {
      const event = new Event();
      const controller = new AbortController();
      const gone = createTask(() => event.wait({ signal: controller.signal }));
      const stays = createTask(() => event.wait());
      await yieldNow();

      controller.abort(new Error("enough"));

      expect(await thrownBy(gone)).toMatchObject({ message: "enough", reason: "signal" });
      expect(await thrownBy(event.wait({ signal: controller.signal }))).toBeInstanceOf(
        CancelledError,
      );
      event.set();
      expect(await stays).toBe(true);
    }));

  test("by its own cancel, interrupts nothing else", () =>
    isolated(async () => {
      const event = new Event();
      const waiting = event.wait();
      const other = event.wait();
      await yieldNow();

      expect(waiting.cancel("enough")).toBe(true);
      event.set();

      expect(await thrownBy(waiting)).toMatchObject({ message: "enough" });
      expect(await other).toBe(true);
    }));

  test("by its own cancel at once, throws", () =>
    isolated(async () => {
      const waiting = new Event().wait();

      waiting.cancel("changed my mind");

      expect(await thrownBy(waiting)).toMatchObject({ message: "changed my mind" });
    }));

  test("and awaited by nobody, is forgotten", () =>
    isolated(async () => {
      const event = new Event();

      event.wait().cancel(); // an unhandled rejection would fail the run of the tests
      await sleep(10);

      expect(inspect(event)).toBe("<Event unset>");
    }));
});

describe("Event.wait of any tasks", () => {
  test("wakes, in order, exactly those that wait and were not cancelled", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ comes: fc.nat(5), cancelled: fc.option(fc.nat(9), { nil: null }) })),
        fc.nat(9),
        async (waiters, setAt) => {
          await isolated(async () => {
            const event = new Event();
            const loop = getRunningLoop();
            const woken: number[] = [];
            for (const [place, { comes, cancelled }] of waiters.entries()) {
              const task = createTask(async () => {
                await sleep(comes);
                await event.wait();
                woken.push(place);
              });
              if (cancelled !== null) loop.callLater(cancelled + 0.5, () => task.cancel());
            }
            await sleep(setAt + 0.25);
            const early = woken.length;
            event.set();
            await sleep(100);

            expect(early).toBe(0);
            const places = waiters
              .map(({ comes, cancelled }, place) => ({ place, comes, cancelled }))
              .filter(({ comes, cancelled }) => {
                const wakes = Math.max(comes, setAt + 0.25);
                return cancelled === null || cancelled + 0.5 > wakes;
              })
              .toSorted((a, b) => a.comes - b.comes || a.place - b.place)
              .map(({ place }) => place);
            expect(woken).toEqual(places);
            expect(inspect(event)).toBe("<Event set>");
          });
        },
      ),
    ));
});
