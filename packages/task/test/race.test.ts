import { CancelledError, Future, getRunningLoop } from "@aio/loop";
import { describe, expect, expectTypeOf, test } from "vitest";
import { createTask, race, sleep, timeout } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { collectReports } from "./reports.ts";
import { thrownBy } from "./thrown-by.ts";

describe("race", () => {
  test("gives the result of the first that is done", () =>
    isolated(async () => {
      const winner = await race(
        () => sleep(20, "slow"),
        () => sleep(10, 5),
      );

      expectTypeOf(winner).toEqualTypeOf<string | number>();
      expect(winner).toBe(5);
      expect(getRunningLoop().time()).toBe(10);
    }));

  test("throws the error of the first that is done", () =>
    isolated(async () => {
      const failure = new Error("first");

      expect(
        await thrownBy(
          race(
            () => sleep(20),
            () => Promise.reject(failure),
          ),
        ),
      ).toBe(failure);
    }));

  test("takes the first of the arguments when several are done at once", () =>
    isolated(async () => {
      expect(
        await race(
          () => "a",
          () => "b",
        ),
      ).toBe("a");
    }));

  test("cancels the losers, and waits for them", () =>
    isolated(async () => {
      const ended: string[] = [];
      const loser = createTask(async () => {
        try {
          await sleep(60_000);
        } finally {
          await sleep(50);
          ended.push("loser");
        }
      });

      expect(await race(loser, sleep(10, "winner"))).toBe("winner");

      expect(ended).toEqual(["loser"]);
      expect(loser.cancelled).toBe(true);
      expect(getRunningLoop().time()).toBe(60);
    }));

  test("leaves the promise that loses behind", () =>
    isolated(async () => {
      const foreign = Promise.withResolvers<string>();

      expect(await race(foreign.promise, sleep(10, "winner"))).toBe("winner");

      foreign.reject(new Error("too late"));
      expect(await sleep(10, "quiet")).toBe("quiet");
    }));

  test("reports what a loser throws on its way out", () =>
    isolated(async () => {
      const reports = collectReports();

      await race(
        () => sleep(60_000).then(null, () => Promise.reject(new Error("cleanup failed"))),
        () => sleep(10),
      );

      expect(reports).toMatchObject([
        {
          message: expect.stringMatching(/^Task 'Task-\d+' failed after it lost a race$/),
          exception: { message: "cleanup failed" },
        },
      ]);
    }));

  test("cancels all when it is cancelled, and waits for them", () =>
    isolated(async () => {
      const ended: string[] = [];
      const runner = (name: string, cleanup: number) => async () => {
        try {
          await sleep(60_000);
        } finally {
          await sleep(cleanup);
          ended.push(name);
        }
      };
      const task = createTask(() => race(runner("a", 20), runner("b", 10)));
      await sleep(5);

      task.cancel("enough");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "enough" });
      expect(ended).toEqual(["b", "a"]);
    }));

  test("cancels all when a deadline passes", () =>
    isolated(async () => {
      const future = new Future<void>();

      expect(await thrownBy(timeout(10, () => race(future, sleep(60_000))))).toMatchObject({
        name: "TimeoutError",
      });
      expect(future.cancelled).toBe(true);
    }));

  test("throws the cancellation of the first that ends by one", () =>
    isolated(async () => {
      const task = createTask(() => sleep(60_000));
      getRunningLoop().callLater(5, () => task.cancel("one of them"));

      const error = await thrownBy(race(task, sleep(10)));

      expect(error).toBeInstanceOf(CancelledError);
      expect(error).toMatchObject({ message: "one of them" });
    }));

  test("refuses to begin without runners", () =>
    isolated(async () => {
      expect(() => race()).toThrow(RangeError);
    }));
});
