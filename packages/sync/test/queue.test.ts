import { inspect } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { createTask, gather, sleep, waitFor, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { Queue, QueueEmpty, QueueFull, QueueShutDown } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

describe("Queue", () => {
  test("gives first what was put first", () =>
    isolated(async () => {
      const queue = new Queue<string>();
      for (const item of ["a", "b", "c"]) await queue.put(item);

      const item = await queue.get();

      expectTypeOf(item).toEqualTypeOf<string>();
      expect([item, queue.getNowait(), await queue.get()]).toEqual(["a", "b", "c"]);
    }));

  test("says how many items are in it, and may be", () => {
    const queue = new Queue<number>(2);
    const sizes = [[queue.qsize, queue.empty, queue.full]];
    for (const item of [1, 2]) {
      queue.putNowait(item);
      sizes.push([queue.qsize, queue.empty, queue.full]);
    }

    expect(queue.maxsize).toBe(2);
    expect(sizes).toEqual([
      [0, true, false],
      [1, false, false],
      [2, false, true],
    ]);
  });

  test.each([0, -1])("of size %d is never full", (maxsize) => {
    const queue = new Queue<number>(maxsize);
    for (let i = 0; i < 3_000; i += 1) queue.putNowait(i);

    expect(queue.full).toBe(false);
    expect(Array.from({ length: 3_000 }, () => queue.getNowait())).toEqual(
      Array.from({ length: 3_000 }, (_, i) => i),
    );
  });

  test("refuses a size that is none", () => {
    expect(() => new Queue(Number.NaN)).toThrow(RangeError);
    expect(() => new Queue("1" as never)).toThrow(TypeError);
  });

  test("takes no turn of the loop when nobody has to wait", () =>
    isolated(async () => {
      const queue = new Queue<number>(1);
      let turns = 0;
      getRunningLoop().callSoon(() => (turns += 1));

      await queue.put(1);
      await queue.get();

      expect(turns).toBe(0);
    }));

  test("throws when it is empty or full, and one will not wait", () => {
    const queue = new Queue<number>(1);

    expect(() => queue.getNowait()).toThrow(QueueEmpty);
    queue.putNowait(1);
    expect(() => queue.putNowait(2)).toThrow(QueueFull);
  });

  test("serves those who wait in the order in which they came", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      const got: string[] = [];
      const tasks = ["a", "b", "c"].map((name) =>
        createTask(async () => void got.push(`${name}${await queue.get()}`)),
      );
      await yieldNow();

      for (const item of [1, 2, 3]) queue.putNowait(item);
      await gather(tasks);

      expect(got).toEqual(["a1", "b2", "c3"]);
    }));

  test("lets those who put wait while it is full", () =>
    isolated(async () => {
      const queue = new Queue<number>(1);
      const put = createTask(async () => {
        for (let item = 0; item < 3; item += 1) await queue.put(item);
      });
      await sleep(10);
      expect(queue.qsize).toBe(1);

      expect([await queue.get(), await queue.get(), await queue.get()]).toEqual([0, 1, 2]);
      await put;
    }));

  test("puts who was woken, and found nothing, back into the queue", () =>
    isolated(async () => {
      const queue = new Queue<string>();
      const task = createTask(() => queue.get());
      await yieldNow();

      queue.putNowait("snatched");
      expect(queue.getNowait()).toBe("snatched");
      await sleep(1);
      expect(task.done).toBe(false);
      queue.putNowait("second");

      expect(await task).toBe("second");
    }));

  test("puts who was woken for a place, and found it taken, back into the queue", () =>
    isolated(async () => {
      const queue = new Queue<string>(1);
      queue.putNowait("first");
      const task = createTask(() => queue.put("waited"));
      await yieldNow();

      queue.getNowait();
      queue.putNowait("snatched the place");
      await sleep(1);

      expect(task.done).toBe(false);
      expect(queue.getNowait()).toBe("snatched the place");
      await task;
      expect(queue.getNowait()).toBe("waited");
    }));

  test("does not touch a promise that is put into it in a box", () =>
    isolated(async () => {
      const queue = new Queue<{ readonly promise: Promise<number> }>();
      const promise = Promise.resolve(1);
      queue.putNowait({ promise });

      expect((await queue.get()).promise).toBe(promise);
    }));

  test("keeps its items where it is told", () => {
    const items = new Set<number>();
    const queue = new Queue<number>(0, {
      get length() {
        return items.size;
      },
      push: (item) => void items.add(item),
      shift: () => {
        const [item = 0] = items;
        items.delete(item);
        return item;
      },
      clear: () => items.clear(),
      toArray: () => [...items],
    });
    for (const item of [2, 1, 2]) queue.putNowait(item);

    expect(inspect(queue)).toContain("items=[ 2, 1 ]");
    expect([queue.getNowait(), queue.getNowait(), queue.empty]).toEqual([2, 1, true]);
  });

  test("passes on what its storage throws, to who waits too", () =>
    isolated(async () => {
      const broken = new Error("broken");
      let length = 0;
      const queue = new Queue<number>(0, {
        get length() {
          return length;
        },
        push: () => void (length += 1),
        shift: () => {
          throw broken;
        },
        clear: () => void (length = 0),
        toArray: () => [],
      });
      const waiting = createTask(() => queue.get());
      await yieldNow();
      queue.putNowait(1);

      expect(await thrownBy(waiting)).toBe(broken);
      expect(await thrownBy(queue.get())).toBe(broken);
    }));

  test("throws in another loop than the first that somebody waited in", async () => {
    const queue = new Queue<number>();
    await isolated(() => thrownBy(waitFor(queue.get(), 1)));

    expect(await isolated(() => thrownBy(queue.get()))).toMatchObject({ name: "RuntimeError" });
  });

  test("shows its items, and who waits", () =>
    isolated(async () => {
      const queue = new Queue<number>(2);
      expect(inspect(queue)).toBe("<Queue maxsize=2>");
      const getter = createTask(() => queue.get(), { name: "reader" });
      await yieldNow();
      expect(inspect(queue)).toBe("<Queue maxsize=2 getters=1 (Task 'reader')>");
      expect(inspect(getter)).toContain("waits for get() of <Queue maxsize=2");
      queue.putNowait(0);
      await getter;
      queue.putNowait(1);
      queue.putNowait(2);
      void createTask(() => queue.put(3), { name: "writer" });
      void createTask(() => queue.join(), { name: "end" });
      await yieldNow();

      expect(inspect(queue)).toBe(
        "<Queue maxsize=2 items=[ 1, 2 ] putters=1 (Task 'writer') joiners=1 (Task 'end') unfinished=3>",
      );
    }));
});

describe("Queue, cancelled", () => {
  test("while it gets, leaves the item to the next", () =>
    isolated(async () => {
      const queue = new Queue<string>();
      const first = createTask(() => queue.get());
      const second = createTask(() => queue.get());
      await yieldNow();

      queue.putNowait("item");
      first.cancel();

      expect(await second).toBe("item");
      expect(first.cancelled).toBe(true);
    }));

  test("while it gets, by a deadline, leaves the item in the queue", () =>
    isolated(async () => {
      const queue = new Queue<string>();
      expect(await thrownBy(waitFor(queue.get(), 10))).toMatchObject({ name: "TimeoutError" });

      queue.putNowait("item");

      expect(queue.getNowait()).toBe("item");
    }));

  test("while it puts, gives its place to the next", () =>
    isolated(async () => {
      const queue = new Queue<number>(1);
      queue.putNowait(0);
      const first = createTask(() => queue.put(1));
      const second = createTask(() => queue.put(2));
      await yieldNow();

      queue.getNowait();
      first.cancel();
      await second;

      expect(queue.getNowait()).toBe(2);
    }));

  test("by a signal while it waits, gives up its place", () =>
    isolated(async () => {
      const queue = new Queue<number>(1);
      const controller = new AbortController();
      const { signal } = controller;
      const getting = createTask(() => queue.get({ signal }));
      await yieldNow();
      controller.abort();
      expect(await thrownBy(getting)).toMatchObject({ reason: "signal" });

      queue.putNowait(1);
      const another = new AbortController();
      const waiting = [
        createTask(() => queue.put(2, { signal: another.signal })),
        createTask(() => queue.join({ signal: another.signal })),
      ];
      await yieldNow();
      another.abort();

      for (const task of waiting) expect(await thrownBy(task)).toMatchObject({ reason: "signal" });
      expect(inspect(queue)).toBe("<Queue maxsize=1 items=[ 1 ] unfinished=1>");
    }));

  test("by a signal, takes and adds nothing", () =>
    isolated(async () => {
      const queue = new Queue<number>(1);
      const { signal } = new AbortController();
      const aborted = AbortSignal.abort(new Error("enough"));

      expect(await thrownBy(queue.put(1, { signal: aborted }))).toMatchObject({
        message: "enough",
        reason: "signal",
      });
      await queue.put(2, { signal });
      expect(await thrownBy(queue.get({ signal: aborted }))).toMatchObject({ reason: "signal" });
      expect(await thrownBy(queue.join({ signal: aborted }))).toMatchObject({ reason: "signal" });
      expect(await queue.get({ signal })).toBe(2);
    }));
});

describe("Queue.join", () => {
  test("goes straight through when nothing was put", async () => {
    await expect(Promise.resolve(new Queue().join())).resolves.toBeUndefined();
  });

  test("waits until each item put was said to be done", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      queue.putNowait(2);
      const joined = createTask(() => queue.join());
      queue.getNowait();
      queue.getNowait();
      queue.taskDone();
      await sleep(1);
      expect(joined.done).toBe(false);

      queue.taskDone();
      queue.putNowait(3); // too late for who was woken

      await joined;
    }));

  test("needs no more than one taskDone() for each item", () => {
    const queue = new Queue<number>();
    queue.putNowait(1);
    queue.taskDone();

    expect(() => queue.taskDone()).toThrow(RangeError);
  });
});

describe("Queue.shutdown", () => {
  test("lets the items that are left be got, and takes no more", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);

      queue.shutdown();

      expect(queue.isShutDown).toBe(true);
      expect(() => queue.putNowait(2)).toThrow(QueueShutDown);
      expect(await thrownBy(queue.put(2))).toBeInstanceOf(QueueShutDown);
      expect(await queue.get()).toBe(1);
      expect(await thrownBy(queue.get())).toBeInstanceOf(QueueShutDown);
      expect(() => queue.getNowait()).toThrow(QueueShutDown);
    }));

  test("says that it is shut down, and not that it is full", () => {
    const queue = new Queue<number>(1);
    queue.putNowait(1);

    queue.shutdown();

    expect(() => queue.putNowait(2)).toThrow(QueueShutDown);
  });

  test("at once leaves the work that is in progress to be said done", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      for (const item of [1, 2, 3]) queue.putNowait(item);
      queue.getNowait();
      const joined = createTask(() => queue.join());
      await yieldNow();

      queue.shutdown({ immediate: true });
      await sleep(1);
      expect(joined.done).toBe(false);
      queue.taskDone();

      await joined;
      expect(() => queue.taskDone()).toThrow(RangeError);
    }));

  test("throws at all who wait", () =>
    isolated(async () => {
      const full = new Queue<number>(1);
      full.putNowait(1);
      const empty = new Queue<number>();
      const waiting = [createTask(() => full.put(2)), createTask(() => empty.get())];
      await yieldNow();

      full.shutdown();
      empty.shutdown();

      expect(await gather(waiting, { returnExceptions: true })).toMatchObject([
        { name: "QueueShutDown" },
        { name: "QueueShutDown" },
      ]);
      expect(full.qsize).toBe(1);
    }));

  test("at once drops the items, which count as done", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      const joined = createTask(() => queue.join());
      await yieldNow();

      queue.shutdown();
      queue.shutdown({ immediate: true });

      await joined;
      expect(queue.empty).toBe(true);
    }));
});

describe("Queue.shutdown of a storage that throws", () => {
  test("changes nothing, and can be tried again", () => {
    let isBroken = true;
    const items: number[] = [];
    const queue = new Queue<number>(0, {
      get length() {
        return items.length;
      },
      push: (item) => void items.push(item),
      shift: () => items.shift() as number,
      clear: () => {
        if (isBroken) throw new Error("broken");
        items.length = 0;
      },
      toArray: () => [...items],
    });
    queue.putNowait(1);
    queue.putNowait(2);

    expect(() => queue.shutdown({ immediate: true })).toThrow("broken");
    expect(inspect(queue)).toBe("<Queue maxsize=0 items=[ 1, 2 ] unfinished=2>");
    isBroken = false;
    queue.shutdown({ immediate: true });

    expect(inspect(queue)).toBe("<Queue maxsize=0 shutdown>");
  });
});

describe("Queue.fail", () => {
  test("gives the items that are left, then the error, to everybody", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      const error = new Error("the source is broken");
      queue.putNowait(1);

      queue.fail(error);
      queue.fail(new Error("another"));

      expect(await queue.get()).toBe(1);
      expect(await thrownBy(queue.get())).toBe(error);
      expect(() => queue.getNowait()).toThrow(error);
      expect(await thrownBy(all(queue))).toBe(error);
      expect(await thrownBy(queue.put(2))).toMatchObject({ name: "QueueShutDown", cause: error });
    }));

  test("ends no `for await` in silence, when the error is that of another queue", () =>
    isolated(async () => {
      const source = new Queue<number>();
      const queue = new Queue<number>();
      source.shutdown();
      const error = (await thrownBy(source.get())) as QueueShutDown;

      queue.fail(error);

      expect(await thrownBy(all(queue))).toBe(error);
    }));

  test("wakes who waits", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      const error = new Error("broken");
      const waiting = createTask(() => queue.get());
      await yieldNow();

      queue.fail(error);

      expect(await thrownBy(waiting)).toBe(error);
    }));

  test("refuses what is no error", () => {
    expect(() => new Queue().fail("broken" as never)).toThrow(TypeError);
  });
});

describe("for await of a queue", () => {
  test("gets the items until the queue is shut down and none is left", () =>
    isolated(async () => {
      const queue = new Queue<number>(1);
      const seen = createTask(() => all(queue));
      for (let item = 0; item < 4; item += 1) await queue.put(item);
      queue.shutdown();

      expect(await seen).toEqual([0, 1, 2, 3]);
    }));

  test("shares the items among several loops", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      const loops = gather([() => all(queue), () => all(queue)]);
      for (let item = 0; item < 6; item += 1) {
        queue.putNowait(item);
        await sleep(1);
      }
      queue.shutdown();

      const seen = await loops;

      expect(seen.flat().toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
    }));

  test("leaves the queue as it is when it is left early, and is cancelled like a get", () =>
    isolated(async () => {
      const queue = new Queue<number>();
      queue.putNowait(1);
      queue.putNowait(2);
      for await (const item of queue) if (item === 1) break;
      expect(queue.getNowait()).toBe(2);

      const waiting = createTask(() => all(queue));
      await yieldNow();
      waiting.cancel("enough");

      expect(await thrownBy(waiting)).toMatchObject({ message: "enough" });
      expect(inspect(queue)).toBe("<Queue maxsize=0 unfinished=2>");
    }));
});

test("Items are neither lost nor doubled, and keep their order, whoever is cancelled", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.record({ waits: fc.nat(2), cancelled: fc.option(fc.nat(12), { nil: null }) }), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.array(fc.nat(2), { maxLength: 20 }),
      (maxsize, getters, pauses) =>
        isolated(async () => {
          const queue = new Queue<number>(maxsize);
          const got: number[] = [];
          const tasks = getters.map(({ waits }) =>
            createTask(async () => {
              for (;;) {
                got.push(await queue.get());
                await sleep(waits);
              }
            }),
          );
          for (const [place, { cancelled }] of getters.entries())
            if (cancelled !== null)
              getRunningLoop().callLater(cancelled + 0.5, () => tasks[place]?.cancel());
          let put = 0;
          const producer = createTask(async () => {
            for (const pause of pauses) {
              await queue.put(put);
              put += 1;
              await sleep(pause);
            }
          });
          await sleep(100);
          producer.cancel();
          for (const task of tasks) task.cancel();
          await gather([producer, ...tasks], { returnExceptions: true });
          while (!queue.empty) got.push(queue.getNowait());

          expect(got).toEqual(Array.from({ length: put }, (_, item) => item));
        }),
    ),
  ));
