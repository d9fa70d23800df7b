import { getRunningLoop, type Logger, setLogger } from "@aio/loop";
import { describe, expect, test } from "vitest";
import { createTask, sleep, type Task, yieldNow } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

/** Runs `main` in debug mode, and gives the warnings. */
async function warningsOf(main: () => Promise<unknown>): Promise<string[]> {
  const warnings: string[] = [];
  const logger: Logger = {
    error: (message) => warnings.push(message),
    warn: (message) => warnings.push(message),
    debug: () => undefined,
  };
  setLogger(logger);
  try {
    await isolated(async () => {
      getRunningLoop().debug = true;
      getRunningLoop().slowCallbackDuration = Infinity;
      await main();
    });
  } finally {
    setLogger(null);
  }
  return warnings;
}

describe("Debug mode", () => {
  test("reports a task that has swallowed its cancellation, and what it waits for", async () => {
    const warnings = await warningsOf(async () => {
      const task = createTask(
        async () => {
          await thrownBy(sleep(60_000));
          await sleep(5_000);
        },
        { name: "stubborn" },
      );
      await yieldNow();
      task.cancel();
      await task;
    });

    expect(warnings).toEqual([
      "Task 'stubborn' was cancelled 1000 ms ago, and still waits for sleep(5000); let the CancelledError pass, or call uncancel() to go on",
    ]);
  });

  test("reports a task that is inside a foreign promise", async () => {
    const warnings = await warningsOf(async () => {
      const foreign = Promise.withResolvers<void>();
      const task = createTask(async () => await foreign.promise, { name: "lost" });
      await yieldNow();
      task.cancel();
      await sleep(2_000);
      foreign.resolve();
      await thrownBy(task);
    });

    expect(warnings).toEqual([
      expect.stringMatching(/^Task 'lost' was cancelled .* is inside a foreign promise/),
    ]);
  });

  test("reports nothing when the task ends soon, or takes its request back", async () => {
    const warnings = await warningsOf(async () => {
      const obedient = createTask(() => sleep(60_000));
      const forgiven: Task<void> = createTask(async () => {
        await thrownBy(sleep(60_000));
        forgiven.uncancel();
        await sleep(5_000);
      });
      await yieldNow();
      obedient.cancel();
      forgiven.cancel();
      await forgiven;
    });

    expect(warnings).toEqual([]);
  });

  test("reports no branch that is cancelled together with its task", async () => {
    const warnings = await warningsOf(async () => {
      const task = createTask(() => Promise.all([sleep(60_000), sleep(60_000)]));
      await yieldNow();
      task.cancel();
      await thrownBy(task);
    });

    expect(warnings).toEqual([]);
  });

  test("reports a branch that still waits when its task ends", async () => {
    const warnings = await warningsOf(async () => {
      await createTask(
        async () => {
          void sleep(100).then(null, () => undefined);
        },
        { name: "careless" },
      );
      await sleep(200);
    });

    expect(warnings).toEqual([
      expect.stringMatching(/'careless'.* ends while a branch of it still waits for sleep\(100\)/),
    ]);
  });
});
