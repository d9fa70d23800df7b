import { inspect } from "node:util";
import { createTask, gather, sleep, waitFor, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import { Barrier, BrokenBarrierError } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

describe("Barrier", () => {
  test("lets all go on when as many have come as it takes, each with a place of its own", () =>
    isolated(async () => {
      const barrier = new Barrier(3);
      const early = [createTask(() => barrier.wait()), createTask(() => barrier.wait())];
      await sleep(10);
      expect(early.some((task) => task.done)).toBe(false);
      expect(barrier.nWaiting).toBe(2);

      expect(await barrier.wait()).toBe(2);
      expect(await gather(early)).toEqual([0, 1]);
      expect(barrier.nWaiting).toBe(0);
    }));

  test("can be used again and again", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const rounds: number[] = [];
      const meet = async (): Promise<void> => {
        for (let round = 0; round < 3; round += 1) {
          await barrier.wait();
          rounds.push(round);
        }
      };

      await gather(meet, meet);

      expect(rounds).toEqual([0, 0, 1, 1, 2, 2]);
    }));

  test("throws in another loop than the first that somebody waited in", async () => {
    const barrier = new Barrier(2);
    await isolated(() => thrownBy(waitFor(barrier.wait(), 1)));

    expect(await isolated(() => thrownBy(barrier.wait()))).toMatchObject({
      name: "RuntimeError",
      message: expect.stringMatching(/^<Barrier filling .* is bound to a different event loop/),
    });
    expect(barrier.nWaiting).toBe(0);
    expect(barrier.parties).toBe(2);
  });

  test("of one lets everybody through", () =>
    isolated(async () => {
      expect(await new Barrier(1).wait()).toBe(0);
    }));

  test.each([0, -1, 1.5])("refuses %d parties", (parties) => {
    expect(() => new Barrier(parties)).toThrow(RangeError);
  });

  test("that is aborted throws at all who wait, and who come, until it is reset", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const waiting = createTask(() => barrier.wait());
      await sleep(1);

      await barrier.abort();

      expect(await thrownBy(waiting)).toBeInstanceOf(BrokenBarrierError);
      expect(await thrownBy(barrier.wait())).toBeInstanceOf(BrokenBarrierError);
      expect(barrier.broken).toBe(true);
      await barrier.reset();
      expect(barrier.broken).toBe(false);
      expect(await gather([() => barrier.wait(), () => barrier.wait()])).toEqual([0, 1]);
    }));

  test("that is reset throws at those who wait, and is whole", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const waiting = createTask(() => barrier.wait());
      await sleep(1);

      await barrier.reset();

      expect(await thrownBy(waiting)).toBeInstanceOf(BrokenBarrierError);
      expect(barrier.broken).toBe(false);
      expect(barrier.nWaiting).toBe(0);
    }));

  test("goes on waiting for others when one is cancelled", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const gone = createTask(() => barrier.wait());
      await sleep(1);
      gone.cancel();
      await sleep(1);
      expect(barrier.nWaiting).toBe(0);

      expect(await gather([() => barrier.wait(), () => barrier.wait()])).toEqual([0, 1]);
    }));

  test("shows its state, and who waits", () =>
    isolated(async () => {
      const barrier = new Barrier(3);
      const tasks = ["a", "b"].map((name) => createTask(() => thrownBy(barrier.wait()), { name }));
      await sleep(1);
      const states = [inspect(barrier), inspect(tasks[0])];
      await barrier.abort();

      expect([...states, inspect(barrier)]).toEqual([
        "<Barrier filling waiting=2/3 (Task 'a', Task 'b')>",
        expect.stringContaining("waits for wait() of <Barrier filling waiting=2/3 "),
        "<Barrier broken (Task 'a', Task 'b')>",
      ]);
      await gather(tasks);
      expect(inspect(barrier)).toBe("<Barrier broken>");
    }));

  test("shows who leaves, and does not count them as waiting", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const early = createTask(() => barrier.wait(), { name: "early" });
      await sleep(1);

      await barrier.wait();

      expect(inspect(barrier)).toBe("<Barrier draining waiting=0/2 (Task 'early')>");
      await early;
    }));
});

describe("Barrier.wait, cancelled", () => {
  test("by a signal, leaves the others waiting", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const controller = new AbortController();
      const gone = createTask(() => barrier.wait({ signal: controller.signal }));
      const stays = createTask(() => barrier.wait());
      // The two meet; from then on the signal has no effect.
      expect(await gather(gone, stays)).toEqual([0, 1]);
      const waiting = createTask(() => barrier.wait({ signal: controller.signal }));
      await sleep(1);

      controller.abort(new Error("enough"));

      expect(await thrownBy(waiting)).toMatchObject({ message: "enough", reason: "signal" });
      expect(barrier.nWaiting).toBe(0);
      expect(await gather([() => barrier.wait(), () => barrier.wait()])).toEqual([0, 1]);
    }));

  test("by a signal while those before leave, does not come in", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const controller = new AbortController();
      const before = [createTask(() => barrier.wait()), createTask(() => barrier.wait())];
      const late = createTask(() => barrier.wait({ signal: controller.signal }));
      await yieldNow();
      controller.abort();

      expect(await gather(before)).toEqual([0, 1]);
      expect(await thrownBy(late)).toMatchObject({ reason: "signal" });
      expect(inspect(barrier)).toBe("<Barrier filling waiting=0/2>");
    }));

  test("by a signal that is aborted already, changes nothing, nor does any other operation", () =>
    isolated(async () => {
      const barrier = new Barrier(1);
      const signal = AbortSignal.abort();

      for (const operation of ["wait", "reset", "abort"] as const)
        expect(await thrownBy(barrier[operation]({ signal }))).toMatchObject({ reason: "signal" });

      expect(barrier.broken).toBe(false);
      expect(await barrier.wait()).toBe(0);
    }));
});

describe("Barrier, at its edges,", () => {
  test("lets who comes while the others leave into the next round", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const tasks = [0, 1, 2, 3].map(() => createTask(() => barrier.wait()));

      expect(await gather(tasks)).toEqual([0, 1, 0, 1]);
      expect(barrier.nWaiting).toBe(0);
    }));

  test("says whether it broke before or during the wait", () =>
    isolated(async () => {
      const barrier = new Barrier(2);
      const waiting = createTask(() => barrier.wait());
      await sleep(1);
      await barrier.abort();

      expect(await thrownBy(waiting)).toMatchObject({
        message: "The barrier was aborted or reset while this task waited",
      });
      expect(await thrownBy(barrier.wait())).toMatchObject({
        message: "The barrier is broken; reset() makes it whole",
      });
    }));

  test("is unchanged by a reset when nobody waits", () =>
    isolated(async () => {
      const barrier = new Barrier(1);

      await barrier.reset();

      expect(await barrier.wait()).toBe(0);
      expect(inspect(barrier)).toBe("<Barrier filling waiting=0/1>");
    }));
});
