import { CancelledError, Future, getRunningLoop } from "@aio/loop";
import { describe, expect, test } from "vitest";
import { createTask, shield, sleep, timeout, waitFor, yieldNow } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { collectReports } from "./reports.ts";
import { thrownBy } from "./thrown-by.ts";

describe("shield", () => {
  test("gives the result of what it protects", () =>
    isolated(async () => {
      expect(await shield(() => sleep(10, "saved"))).toBe("saved");
    }));

  test("throws the error of what it protects", () =>
    isolated(async () => {
      const failure = new Error("not saved");

      expect(await thrownBy(shield(() => Promise.reject(failure)))).toBe(failure);
    }));

  test("throws what is no Error as it is", () =>
    isolated(async () => {
      // oxlint-disable-next-line prefer-promise-reject-errors -- a value of another kind
      expect(await thrownBy(shield(() => Promise.reject("a string")))).toBe("a string");
    }));

  test("lets the work go on when the one who waits is cancelled", () =>
    isolated(async () => {
      const work = createTask(() => sleep(100, "saved"));
      const waiting = createTask(async () => await shield(work));
      await sleep(10);

      waiting.cancel("hurry");

      expect(await thrownBy(waiting)).toMatchObject({ name: "CancelledError", message: "hurry" });
      expect(work.done).toBe(false);
      expect(await work).toBe("saved");
      expect(work.cancelling()).toBe(0);
    }));

  test("lets the work go on when a deadline passes", () =>
    isolated(async () => {
      const work = createTask(() => sleep(100, "saved"));

      const errors = [
        await thrownBy(waitFor(shield(work), 10)),
        await thrownBy(timeout(10, () => shield(work))),
      ];

      expect(errors).toMatchObject([{ name: "TimeoutError" }, { name: "TimeoutError" }]);
      expect(await work).toBe("saved");
    }));

  test("is cancelled when the work itself is", () =>
    isolated(async () => {
      const work = createTask(() => sleep(100));
      const outer = shield(work);
      await yieldNow();

      work.cancel();

      expect(await thrownBy(outer)).toBeInstanceOf(CancelledError);
      expect(outer.cancelled).toBe(true);
    }));

  test("returns what is done already", () =>
    isolated(async () => {
      const done = new Future<number>();
      done.setResult(1);

      expect(shield(done)).toBe(done);
    }));

  test("reports that it was set by hand just before what it protects was noticed", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      const inner = new Future<number>();
      const outer = shield(inner);
      inner.setResult(1);
      outer.setResult(2);
      await yieldNow();
      expect(await outer).toBe(2);
      return collected;
    });

    expect(reports).toMatchObject([{ exception: { name: "InvalidStateError" } }]);
  });

  test("reports an error that nobody is left to see, once for several shields", async () => {
    const reports = await isolated(async () => {
      const collected = collectReports();
      const work = createTask(async () => {
        await sleep(10);
        throw new TypeError("lost");
      });
      shield(work).cancel();
      shield(work).cancel();
      await sleep(20);
      return collected;
    });

    expect(reports).toMatchObject([
      {
        message: "TypeError exception in shielded future",
        exception: { message: "lost" },
        future: expect.any(Future),
      },
    ]);
  });

  test("protects a foreign promise like any other", () =>
    isolated(async () => {
      const foreign = Promise.withResolvers<string>();
      const waiting = createTask(async () => await shield(foreign.promise));
      await yieldNow();

      waiting.cancel();

      expect(await thrownBy(waiting)).toBeInstanceOf(CancelledError);
      foreign.reject(new Error("too late"));
      const reports = collectReports();
      await sleep(10);
      expect(reports).toMatchObject([{ exception: { message: "too late" } }]);
    }));

  test("protects several waits independently", () =>
    isolated(async () => {
      const work = createTask(() => sleep(100, "saved"));
      const cancelled = shield(work);
      const other = shield(work);
      getRunningLoop().callLater(10, () => cancelled.cancel());

      expect(await other).toBe("saved");
      expect(cancelled.cancelled).toBe(true);
    }));
});
