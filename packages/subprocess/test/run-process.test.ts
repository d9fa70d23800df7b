import { setImmediate as turn } from "node:timers/promises";
import { createTask, run, timeout } from "@aio/task";
import { CancelledError, TimeoutError } from "@aio/loop";
import { describe, expect, test } from "vitest";
import { CalledProcessError, DEVNULL, PIPE, runProcess, TimeoutExpired } from "../src/index.ts";

describe("runProcess", { timeout: 60_000 }, () => {
  test("gives the input, and returns what was written, and the code", () =>
    run(async () => {
      const done = await runProcess("sh", ["-c", "cat; echo oops >&2; exit 3"], { input: "in" });
      expect(done).toMatchObject({
        returncode: 3,
        stdout: Buffer.from("in"),
        stderr: Buffer.from("oops\n"),
      });
    }));

  test("refuses input that would go nowhere", () =>
    run(async () => {
      const error = "Expected no `stdin` beside `input`";
      await expect(runProcess("cat", [], { input: "x", stdin: DEVNULL })).rejects.toThrow(error);
      await expect(runProcess("cat", [], { input: "x", stdin: null })).rejects.toThrow(error);
      const ended = await runProcess("cat", [], { input: "x", stdin: PIPE });
      expect(String(ended.stdout)).toBe("x");
    }));

  test("with check, throws what the process said", () =>
    run(async () => {
      const running = runProcess("sh", ["-c", "echo why >&2; exit 3"], { check: true });
      const error = await running.then(null, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(CalledProcessError);
      expect(error).toMatchObject({ returncode: 3, command: ["sh", "-c", "echo why >&2; exit 3"] });
      expect(String(error)).toContain("exited with 3:\nwhy");
    }));

  test("with a timeout, ends the process, and keeps what it wrote", () =>
    run(async () => {
      const line = "echo partial; trap '' TERM; while :; do sleep 0.05; done";
      const running = runProcess("sh", ["-c", line], { timeout: 300, grace: 50, wholeTree: true });
      const error = await running.then(null, (reason: unknown) => reason);
      expect(error).toBeInstanceOf(TimeoutExpired);
      expect(error).toBeInstanceOf(TimeoutError);
      expect((error as TimeoutExpired).partial.map(String)).toEqual(["partial\n", ""]);
    }));

  test("does not wait for what holds its pipes open when time is up", () =>
    run(async () => {
      const running = runProcess("sh", ["-c", "sleep 3 & exec sleep 1000"], { timeout: 50 });
      await timeout(2_500, () => expect(running).rejects.toBeInstanceOf(TimeoutExpired));
    }));

  test("ends the process when its task is cancelled", () =>
    run(async () => {
      const task = createTask(() => runProcess("sleep", ["1000"]));
      await turn();
      task.cancel();
      await expect(task).rejects.toBeInstanceOf(CancelledError);
    }));
});
