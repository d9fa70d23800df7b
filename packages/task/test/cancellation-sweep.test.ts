import { type Future, getRunningLoop } from "@aio/loop";
import { describe, expect, test } from "vitest";
import { createTask, currentTask, gather, sleep, sweepCancellations } from "../src/index.ts";
import { thrownBy } from "./thrown-by.ts";

describe("sweepCancellations", () => {
  test("cancels at every await, before the first and after the last waking", async () => {
    const reached = new Set<string>();

    const tried = await sweepCancellations(() => {
      let step = "not begun";
      return {
        main: async () => {
          step = "first";
          await sleep(1);
          step = "second";
          await sleep(1);
          step = "done";
        },
        check: () => void reached.add(step),
      };
    });

    expect([...reached].toSorted()).toEqual(["done", "first", "not begun", "second"]);
    expect(tried).toBeGreaterThanOrEqual(3);
  });

  test("cancels every task of the program", async () => {
    const cancelled = new Set<string>();
    const work = async (name: string): Promise<void> => {
      try {
        await sleep(1);
      } catch (error) {
        cancelled.add(name);
        throw error;
      }
    };

    await sweepCancellations(() => ({
      main: () =>
        gather([() => work("a"), () => work("b"), () => work("c")], { returnExceptions: true }),
      check: () => undefined,
    }));

    expect([...cancelled].toSorted()).toEqual(["a", "b", "c"]);
  });

  test("cancels between the waking of a wait and its going on", async () => {
    const woken = new Set<boolean>();

    await sweepCancellations(() => {
      let turn!: Future<void>;
      return {
        main: async () => {
          turn = getRunningLoop().createFuture();
          getRunningLoop().callSoon(() => turn.setResult());
          try {
            await turn;
          } catch {
            woken.add(!turn.cancelled);
          }
        },
        check: () => undefined,
      };
    });

    expect(woken).toContain(true);
  });

  test("says which task was cancelled, and before which step", async () => {
    const error = await thrownBy(
      sweepCancellations(() => {
        let open = 0;
        return {
          main: async () => {
            open += 1;
            await sleep(1);
            open -= 1; // not in a `finally`
          },
          check: () => {
            if (open !== 0) throw new Error("something is left open");
          },
        };
      }),
    );

    expect(error).toMatchObject({
      message: expect.stringMatching(
        /^The program fails when task 0 is cancelled before step \d+: Error: something is left open$/,
      ),
      cause: { message: "something is left open" },
    });
  });

  test("finds a program that hangs when one of its tasks is cancelled", async () => {
    const error = await thrownBy(
      sweepCancellations(() => {
        let ready!: Future<void>;
        return {
          main: () => {
            ready = getRunningLoop().createFuture();
            return gather(
              [
                async () => {
                  await sleep(1);
                  ready.setResult();
                },
                async () => await ready,
              ],
              { returnExceptions: true },
            );
          },
          check: () => undefined,
        };
      }),
    );

    expect(error).toMatchObject({ cause: { name: "DeadlockError" } });
  });

  test("throws what the program throws when nothing is cancelled", async () => {
    const error = await thrownBy(
      sweepCancellations(() => ({
        main: () => {
          throw new Error("broken");
        },
        check: () => undefined,
      })),
    );

    expect(error).toMatchObject({
      message: "The program fails when nothing is cancelled: Error: broken",
    });
  });

  test("ends the tasks that are left before it checks", async () => {
    const seen: unknown[] = [];

    await sweepCancellations(() => {
      let ended = true;
      return {
        main: async () => {
          void createTask(async () => {
            ended = false;
            try {
              await sleep(Infinity);
            } finally {
              ended = true;
            }
          });
          await sleep(1);
        },
        check: () => void seen.push(ended, currentTask() !== null),
      };
    });

    expect(new Set(seen)).toEqual(new Set([true]));
  });
});
