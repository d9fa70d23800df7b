import { once } from "node:events";
import { setImmediate as turn } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { runProcess } from "../src/index.ts";
import { isAlive } from "./processes.ts";

const FIXTURE = new URL("fixtures/in-worker.ts", import.meta.url);

describe("In a worker thread, with a loop of its own,", { timeout: 60_000 }, () => {
  test("processes run, beside those of the main thread", () =>
    run(async () => {
      const worker = new Worker(FIXTURE);
      const message = once(worker, "message");
      const here = await runProcess("echo", ["here"]);

      expect(String(here.stdout)).toBe("here\n");
      expect(await message).toEqual([
        {
          output: "out\nerr\n",
          returncode: 7,
          codes: Array.from({ length: 20 }, (_, code) => code),
          sorted: "a\nb\n",
        },
      ]);
      await worker.terminate();
    }));

  test("processes are killed when the thread exits", async () => {
    const worker = new Worker(FIXTURE, { workerData: "exit" });
    const [pid] = (await once(worker, "message")) as [number];
    expect(isAlive(pid)).toBe(true);

    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- no window
    worker.postMessage("exit");

    await once(worker, "exit");
    while (isAlive(pid)) await turn();
  });
});
