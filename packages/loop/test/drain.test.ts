import { describe, expect, test } from "vitest";
import { canDrainNow, drainNow, drainThen } from "../src/drain.ts";

/** Calls `body` outside of microtasks, in a tick of its own. */
function inTick<T>(body: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    process.nextTick(() => {
      try {
        resolve(body());
      } catch (error) {
        reject(error);
      }
    });
  });
}

async function awaitOften(times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) await Promise.resolve();
}

describe("drainNow", () => {
  test("works on this host", async () => {
    expect(await inTick(canDrainNow)).toBe(true);
  });

  test("runs ticks and microtasks until there are none", async () => {
    const order = await inTick(() => {
      const done: string[] = [];
      const alternate = async (): Promise<void> => {
        for (let count = 0; count < 10; count += 1) {
          await new Promise<void>((resolve) => {
            process.nextTick(resolve);
          });
        }
        done.push("alternated");
      };
      void alternate();
      drainNow();
      return done;
    });

    expect(order).toEqual(["alternated"]);
  });
});

describe("drainThen", () => {
  test("calls back after all microtasks", async () => {
    const order: string[] = [];
    await inTick(async () => {
      void awaitOften(100).then(() => order.push("awaits"));
      await new Promise<void>((resolve) => {
        drainThen(() => {
          order.push("then");
          resolve();
        });
      });
    });

    expect(order).toEqual(["awaits", "then"]);
  });
});
