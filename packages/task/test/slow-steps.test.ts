import { Future, getRunningLoop, setLogger } from "@aio/loop";
import { describe, expect, onTestFinished, test } from "vitest";
import { createTask, sleep, timeout, yieldNow } from "../src/index.ts";
import { isolated } from "./isolated.ts";

function spin(): void {
  const end = performance.now() + 6;
  while (performance.now() < end);
}

/** The reports on slow steps of `work`, which runs as the task x in debug mode. */
async function reportsOn(work: () => Promise<void>): Promise<string[]> {
  const lines: string[] = [];
  const write = (message: string): void => void lines.push(message);
  setLogger({ error: write, warn: write, debug: write });
  onTestFinished(() => setLogger(null));
  await isolated(async () => {
    const loop = getRunningLoop();
    loop.debug = true;
    loop.slowCallbackDuration = 5;
    await createTask(work, { name: "x" });
  });
  return lines.filter((line) => line.includes("'x'") || line.includes("Yield"));
}

describe("The report of a slow step in debug mode", () => {
  test("names the task that it is the first step of", async () => {
    const [report] = await reportsOn(async () => spin());

    expect(report).toMatch(/^Executing <Task pending name='x' .*> took \d+ ms$/);
  });

  test("names the task, and what it had waited for", async () => {
    const reports = await reportsOn(async () => {
      await sleep(1);
      spin();
    });

    expect(reports).toContainEqual(
      expect.stringMatching(/^Executing <await of sleep\(1\) in Task 'x'> took \d+ ms$/),
    );
  });

  test("names the task behind the wait for a Future", async () => {
    const reports = await reportsOn(async () => {
      const future = new Future<void>();
      getRunningLoop().callSoon(() => future.setResult());
      await future;
      spin();
    });

    expect(reports).toContainEqual(
      expect.stringMatching(/^Executing <await of <Future .*> in Task 'x'> took \d+ ms$/),
    );
  });

  test("names the task behind a wait inside a deadline", async () => {
    const reports = await reportsOn(() =>
      Promise.resolve(
        timeout(50, async () => {
          await sleep(1);
          spin();
        }),
      ),
    );

    expect(reports).toContainEqual(
      expect.stringMatching(/^Executing <await of sleep\(1\) in Task 'x'> took \d+ ms$/),
    );
  });

  test("names the task that had given way to others", async () => {
    const reports = await reportsOn(async () => {
      await yieldNow();
      spin();
    });

    expect(reports).toContainEqual(
      expect.stringMatching(/^Executing .* in Task 'x'> took \d+ ms$/),
    );
  });
});
