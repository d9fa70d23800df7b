import { run } from "@aio/task";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { createSubprocessExec, createSubprocessShell, PIPE, runProcess } from "../src/index.ts";
import { isAlive } from "./processes.ts";

describe("A process with wholeTree", { timeout: 60_000 }, () => {
  test("takes its grandchildren along when it is ended, though they ignore SIGTERM", () =>
    run(async () => {
      const line = `(trap '' TERM; while :; do sleep 0.05; done) & echo $!; wait`;
      const child = await createSubprocessShell(line, { stdout: PIPE, wholeTree: true });
      const grandchild = Number(await child.stdout.readline());

      await child.end();

      expect(await isGone(grandchild)).toBe(true);
    }));

  test("takes its grandchildren along by end(), though it has exited before", () =>
    run(async () => {
      const child = await createSubprocessShell("sleep 1000 & echo $!", {
        stdout: PIPE,
        wholeTree: true,
      });
      const grandchild = Number(await child.stdout.readline());
      await child.transport.exited();
      expect(isAlive(grandchild)).toBe(true);

      await child.end();

      expect(await isGone(grandchild)).toBe(true);
      expect(await child.wait()).toBe(0);
    }));

  test("takes its grandchildren along at the end of `await using`, though it has exited before", () =>
    run(async () => {
      let grandchild: number;
      {
        await using child = await createSubprocessShell("sleep 1000 >&- & echo $!", {
          stdout: PIPE,
          wholeTree: true,
        });
        grandchild = Number(await child.stdout.readline());
        expect(await child.wait()).toBe(0); // nobody holds its stdout open
        expect(isAlive(grandchild)).toBe(true);
      }
      expect(await isGone(grandchild)).toBe(true);
    }));

  test("signals its grandchildren while they hold its pipes open, though it has exited before", () =>
    run(async () => {
      const child = await createSubprocessShell("sleep 1000 & echo $!", {
        stdout: PIPE,
        wholeTree: true,
      });
      const grandchild = Number(await child.stdout.readline());
      await child.transport.exited();

      child.terminate();

      expect(await child.wait()).toBe(0);
      expect(await isGone(grandchild)).toBe(true);
    }));

  test("takes its grandchildren along when its loop is closed, though it has exited before", async () => {
    let grandchild = 0;
    await run(async () => {
      const child = await createSubprocessShell("sleep 1000 & echo $!", {
        stdout: PIPE,
        wholeTree: true,
      });
      grandchild = Number(await child.stdout.readline());
      await child.transport.exited();
    });
    expect(await isGone(grandchild)).toBe(true);
  });

  test("takes its grandchildren along when time is up", () =>
    run(async () => {
      const line = "sleep 1000 & echo $!; wait";
      const running = runProcess("sh", ["-c", line], { timeout: 300, wholeTree: true });
      const { partial } = (await running.then(null, (error: unknown) => error)) as {
        partial: [Buffer, Buffer];
      };
      expect(await isGone(Number(partial[0]))).toBe(true);
    }));

  test("has nobody left to kill when all have ended", () =>
    run(async () => {
      const child = await createSubprocessExec("true", [], { wholeTree: true });
      expect(await child.wait()).toBe(0);
      await child.end();
      expect(() => child.kill()).toThrow("has ended");
    }));
});

describe("A process without wholeTree", { timeout: 60_000 }, () => {
  test("leaves its grandchildren alone", () =>
    run(async () => {
      const child = await createSubprocessShell("sleep 1000 >&- & echo $!; wait", { stdout: PIPE });
      const grandchild = Number(await child.stdout.readline());
      await child.end();
      expect(isAlive(grandchild)).toBe(true);
      process.kill(grandchild, "SIGKILL");
    }));
});

/** The system takes a moment: the test runs into its own time limit if the process stays. */
async function isGone(pid: number): Promise<boolean> {
  while (isAlive(pid)) await turn();
  return pid > 0;
}
