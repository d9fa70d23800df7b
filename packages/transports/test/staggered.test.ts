import { type Future, getRunningLoop, isCancelled, VirtualClock } from "@aio/loop";
import { createTask, run, sleep, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import { interleaved } from "../src/connect.ts";
import { staggered } from "../src/staggered.ts";

/** Attempts that wait until they are told how they end, and write down when they begin. */
class Attempts {
  readonly events: string[] = [];
  readonly errors: string[] = [];
  readonly discarded: string[] = [];
  readonly #ends: Future<string>[] = [];

  list(count: number): (() => Promise<string>)[] {
    return Array.from({ length: count }, (_, i) => async () => {
      const loop = getRunningLoop();
      this.events.push(`${i} at ${loop.time()}`);
      const end = (this.#ends[i] = loop.createFuture<string>());
      try {
        return await end;
      } catch (error) {
        if (isCancelled(error)) this.events.push(`${i} cancelled`);
        throw error;
      }
    });
  }

  end(i: number): Future<string> {
    const end = this.#ends[i];
    if (end === undefined) throw new Error(`attempt ${i} has not begun`);
    return end;
  }

  race(count: number, delay: number): Promise<string | undefined> {
    return staggered(getRunningLoop(), this.list(count), delay, {
      failed: (error) => this.errors.push(error.message),
      discard: (loser) => this.discarded.push(loser),
    });
  }
}

const virtual = <T>(main: () => Promise<T>): Promise<T> => run(main, { clock: new VirtualClock() });

describe("a staggered race", () => {
  test("begins the next attempt after the delay; the first success wins, and the others are cancelled", () =>
    virtual(async () => {
      const attempts = new Attempts();
      const race = createTask(() => attempts.race(3, 250));

      await sleep(300);
      expect(attempts.events).toEqual(["0 at 0", "1 at 250"]);
      attempts.end(1).setResult("second");

      expect(await race).toBe("second");
      await sleep(1_000);
      expect(attempts.events).toEqual(["0 at 0", "1 at 250", "0 cancelled"]);
    }));

  test("loses no winner when it is cancelled in the very moment", () =>
    virtual(async () => {
      for (let turns = 0; turns < 6; turns += 1) {
        const attempts = new Attempts();
        const race = createTask(() => attempts.race(1, 250));
        await sleep(10);
        attempts.end(0).setResult("first");
        for (let i = 0; i < turns; i += 1) await yieldNow();

        const accepted = race.cancel();
        const won = await race.then(
          (winner) => [winner],
          () => [],
        );
        await sleep(10);
        // An attempt that hears of the cancellation itself lets go of what it has.
        const closed = attempts.events.includes("0 cancelled") ? ["first"] : [];

        expect([turns, accepted, ...won, ...attempts.discarded, ...closed]).toEqual([
          turns,
          won.length === 0,
          "first",
        ]);
      }
    }));

  test("begins the next attempt at once when one fails", () =>
    virtual(async () => {
      const attempts = new Attempts();
      const race = createTask(() => attempts.race(2, 250));

      await sleep(10);
      attempts.end(0).setException(new Error("refused"));
      await sleep(1);
      attempts.end(1).setResult("second");

      expect(await race).toBe("second");
      expect(attempts.events[1]).toBe("1 at 10");
      expect(attempts.errors).toEqual(["refused"]);
    }));

  test("ends with nothing when all attempts have failed", () =>
    virtual(async () => {
      const attempts = new Attempts();
      const race = createTask(() => attempts.race(2, 10));

      await sleep(20);
      attempts.end(1).setException(new Error("b"));
      attempts.end(0).setException(new Error("a"));

      expect(await race).toBeUndefined();
      expect(attempts.errors).toEqual(["b", "a"]);
    }));

  test("cancels every attempt when it is cancelled", () =>
    virtual(async () => {
      const attempts = new Attempts();
      const race = createTask(() => attempts.race(3, 10));
      await sleep(15);

      race.cancel();

      await expect(race).rejects.toSatisfy(isCancelled);
      await sleep(100);
      expect(attempts.events.toSorted()).toEqual([
        "0 at 0",
        "0 cancelled",
        "1 at 10",
        "1 cancelled",
      ]);
    }));
});

const order = (families: number[], count: number): string =>
  interleaved(
    families.map((family, i) => ({ address: String(i), family })),
    count,
  )
    .map(({ family }) => family)
    .join("");

describe("interleaving", () => {
  test("has the families take turns, beginning with the first", () => {
    expect(order([6, 6, 6, 4, 4], 1)).toBe("64646");
    expect(order([4, 6, 6], 1)).toBe("466");
    expect(order([6, 6, 6, 4, 4], 2)).toBe("66464");
    expect(order([6, 6, 4], 0)).toBe("664");
    expect(order([], 1)).toBe("");
  });
});
