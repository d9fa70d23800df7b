import { getRunningLoop } from "@aio/loop";
import { describe, expect, test } from "vitest";
import { createTask, currentTask, sleep, staggeredRace, type Task } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

/** A starter that notes when it begins and that it was cancelled. */
function starter(
  log: string[],
  name: string,
  delay: number,
  failure?: Error,
): () => Promise<string> {
  const loop = getRunningLoop();
  return async () => {
    log.push(`${name}@${loop.time()}`);
    try {
      await sleep(delay);
    } catch (error) {
      log.push(`${name} cancelled`);
      throw error;
    }
    if (failure !== undefined) throw failure;
    return name;
  };
}

const failure = new Error("refused");

describe("staggeredRace", () => {
  test("starts one after the other, and gives the first that succeeds", () =>
    isolated(async () => {
      const log: string[] = [];

      const outcome = await staggeredRace(
        [starter(log, "a", 1_000), starter(log, "b", 50), starter(log, "c", 1_000)],
        20,
      );

      expect(outcome.winner).toEqual({ value: "b", index: 1 });
      expect(log.slice(0, 3)).toEqual(["a@0", "b@20", "c@40"]);
      expect(log.slice(3).toSorted()).toEqual(["a cancelled", "c cancelled"]);
      expect(getRunningLoop().time()).toBe(70);
    }));

  test.each([
    ["ends with", async (task: Task<string>) => await task],
    [
      "is cancelled by",
      async (task: Task<string>) => {
        (currentTask() ?? task).cancel();
        return await sleep(60_000, "");
      },
    ],
  ])("goes on with the next when one %s a cancellation", (_what, cancel) =>
    isolated(async () => {
      const cancelled = createTask(() => sleep(60_000, ""));
      cancelled.cancel();

      const { winner } = await staggeredRace([() => cancel(cancelled), () => "second"], null);

      expect(winner).toEqual({ value: "second", index: 1 });
    }),
  );

  test("starts no other when the first succeeds in time", () =>
    isolated(async () => {
      const log: string[] = [];

      const outcome = await staggeredRace([starter(log, "a", 10), starter(log, "b", 10)], 20);

      expect(outcome).toEqual({ winner: { value: "a", index: 0 }, errors: [null] });
      expect(log).toEqual(["a@0"]);
    }));

  test("starts the next at once when one fails", () =>
    isolated(async () => {
      const log: string[] = [];

      const outcome = await staggeredRace(
        [starter(log, "a", 5, failure), starter(log, "b", 10)],
        20,
      );

      expect(outcome).toEqual({ winner: { value: "b", index: 1 }, errors: [failure, null] });
      expect(log).toEqual(["a@0", "b@5"]);
    }));

  test("starts the next only then without a delay", () =>
    isolated(async () => {
      const log: string[] = [];

      const outcome = await staggeredRace(
        [starter(log, "a", 100, failure), starter(log, "b", 10)],
        null,
      );

      expect(outcome.winner).toEqual({ value: "b", index: 1 });
      expect(log).toEqual(["a@0", "b@100"]);
    }));

  test("gives all errors when none succeeds", () =>
    isolated(async () => {
      const log: string[] = [];

      const outcome = await staggeredRace(
        [starter(log, "a", 30, failure), starter(log, "b", 5, failure)],
        20,
      );

      expect(outcome).toEqual({ winner: null, errors: [failure, failure] });
    }));

  test("has no winner when nobody starts", () =>
    isolated(async () => {
      expect(await staggeredRace([], 20)).toEqual({ winner: null, errors: [] });
    }));

  test("cancels all when it is cancelled", () =>
    isolated(async () => {
      const log: string[] = [];
      const task = createTask(() =>
        staggeredRace([starter(log, "a", 1_000), starter(log, "b", 1_000)], 20),
      );
      await sleep(50);

      task.cancel("enough");

      expect(await thrownBy(task)).toMatchObject({ name: "CancelledError", message: "enough" });
      expect(log.slice(2)).toEqual(["a cancelled", "b cancelled"]);
    }));

  test("refuses a delay that is no number of milliseconds", () =>
    isolated(async () => {
      expect(() => staggeredRace([], NaN)).toThrow(RangeError);
    }));
});
