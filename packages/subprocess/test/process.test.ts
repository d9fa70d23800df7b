import { randomBytes } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { createTask, gather, run, sleep, waitFor } from "@aio/task";
import {
  CancelledError,
  CancelScope,
  getRunningLoop,
  InvalidStateError,
  TimeoutError,
} from "@aio/loop";
import { describe, expect, test } from "vitest";
import {
  BrokenPipeError,
  type CommunicateCancelledError,
  createSubprocessExec,
  createSubprocessShell,
  PIPE,
  type Process,
  ProcessLookupError,
} from "../src/index.ts";
import { children, isAlive } from "./processes.ts";

describe("Process", { timeout: 60_000 }, () => {
  test("has the negative number of the signal as its returncode", () =>
    run(async () => {
      for (const [method, code] of [
        ["terminate", -15],
        ["kill", -9],
      ] as const) {
        const child = await createSubprocessExec("sleep", ["1000"]);
        child[method]();
        expect(await child.wait()).toBe(code);
        expect(child.returncode).toBe(code);
      }
    }));

  test("gets real-time signals, which have numbers only", () =>
    run(async () => {
      const line = "trap 'exit 5' 40; echo ready; while :; do sleep 0.01; done";
      const child = await createSubprocessShell(line, { stdout: PIPE });
      await child.stdout.readline();
      child.sendSignal(40);
      expect(await child.wait()).toBe(5);
      expect(() => child.sendSignal(1.5)).toThrow("Expected `signal` to be a signal");
    }));

  test("gives the same code to all who wait", () =>
    run(async () => {
      const child = await createSubprocessExec("sh", ["-c", "read x; exit 5"], { stdin: PIPE });
      const waits = gather(child.wait(), child.wait(), child.wait());
      child.stdin.write("go\n");
      expect(await waits).toEqual([5, 5, 5]);
      expect(await child.wait()).toBe(5);
    }));

  test("never signals a process that has ended", () =>
    run(async () => {
      const child = await createSubprocessExec("true");
      await child.wait();
      expect(() => child.terminate()).toThrow(ProcessLookupError);
      expect(() => child.sendSignal("SIGNAL" as never)).toThrow(RangeError);
    }));

  test("waits on while a grandchild holds stdout open", () =>
    run(async () => {
      const child = await createSubprocessShell("sleep 1000 & echo $!", { stdout: PIPE });
      const grandchild = Number(await child.stdout.readline());
      await child.transport.exited();

      const waiting = createTask(() => child.wait());
      await sleep(20);
      expect(waiting.done).toBe(false);

      process.kill(grandchild);
      expect(await waiting).toBe(0);
    }));

  test("gives output that was left in the pipe at its end", () =>
    run(async () => {
      const child = await createSubprocessExec("echo", ["late"], { stdout: PIPE });
      await child.wait();
      expect(String(await child.stdout.read())).toBe("late\n");
    }));

  test("gives all of its output when it ends before this program could hear of it", () =>
    run(async () => {
      const others = createTask(async () => {
        for (;;) {
          block(2);
          await sleep(0);
        }
      });
      // Wherever in a turn of the loop it is started.
      for (let steps = 0; steps < 8; steps += 1) {
        for (let i = 0; i < steps; i += 1) await sleep(0);
        const before = new Set(children());
        const starting = createSubprocessExec("echo", ["output"], { stdout: PIPE });
        while (children().some((pid) => !before.has(pid) && isAlive(pid))) block(1);
        const child = await starting;
        expect(String((await child.communicate())[0])).toBe("output\n");
      }
      others.cancel();
    }));

  test("lives on when it closes stdout", () =>
    run(async () => {
      const child = await createSubprocessShell("exec >&-; read x; exit 4", {
        stdin: PIPE,
        stdout: PIPE,
      });
      expect(await child.stdout.read()).toEqual(Buffer.alloc(0));
      expect(child.returncode).toBe(null);
      child.stdin.write("go\n");
      expect(await child.wait()).toBe(4);
    }));

  test("throws BrokenPipeError with the command when stdin is closed", () =>
    run(async () => {
      const child = await createSubprocessShell("exec <&-; echo closed; exec sleep 1000", {
        stdin: PIPE,
        stdout: PIPE,
      });
      await child.stdout.readline();

      const writing = async () => {
        for (;;) {
          child.stdin.write(Buffer.alloc(100_000));
          await child.stdin.drain();
        }
      };

      await expect(writing()).rejects.toBeInstanceOf(BrokenPipeError);
      await expect(child.stdin.waitClosed()).rejects.toMatchObject({ code: "EPIPE" });
      child.kill();
      await child.wait();
    }));

  test("is ended by the end of `await using`", () =>
    run(async () => {
      let pid: number;
      {
        await using child = await createSubprocessExec("sleep", ["1000"], { stdout: PIPE });
        pid = child.pid;
        expect(isAlive(pid)).toBe(true);
      }
      expect(isAlive(pid)).toBe(false);
    }));

  test("is killed when it ignores SIGTERM for the time of grace", () =>
    run(async () => {
      const child = await startStubborn();
      await child.end();
      expect(child.returncode).toBe(-9);
    }));

  test("is killed in that case also when the task that waits for it is cancelled once more meanwhile", () =>
    run(async () => {
      const child = await startStubborn();
      const waiting = createTask(() => child.wait());
      await sleep(0);
      waiting.cancel();
      await sleep(0);

      waiting.cancel();

      await expect(waiting).rejects.toThrow(CancelledError);
      expect(child.returncode).toBe(-9);
    }));
});

describe("communicate", { timeout: 60_000 }, () => {
  test("closes stdin, also without input", () =>
    run(async () => {
      const child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
      expect(await child.communicate()).toEqual([Buffer.alloc(0), null]);
      expect(child.returncode).toBe(0);
    }));

  test("gives null for what is no pipe", () =>
    run(async () => {
      const child = await createSubprocessExec("true");
      expect(await child.communicate("ignored")).toEqual([null, null]);
    }));

  test("lets a process leave its input unread", () =>
    run(async () => {
      const child = await createSubprocessShell("echo done", { stdin: PIPE, stdout: PIPE });
      const [stdout] = await child.communicate(Buffer.alloc(10_000_000));
      expect(String(stdout)).toBe("done\n");
    }));

  test("has one at a time, and one input", () =>
    run(async () => {
      await using child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
      const first = child.communicate("once");
      await expect(child.communicate()).rejects.toBeInstanceOf(InvalidStateError);
      await first;
      await expect(child.communicate("twice")).rejects.toBeInstanceOf(InvalidStateError);
    }));

  test("fails at once while somebody else reads an end, who gets all of it", () =>
    run(async () => {
      const child = await createSubprocessShell("cat; echo done >&2", {
        stdin: PIPE,
        stdout: PIPE,
        stderr: PIPE,
      });
      const line = createTask(() => child.stderr.readline());
      await sleep(0);

      await expect(child.communicate()).rejects.toThrow("while another task waits for data");

      expect(String(await line)).toBe("done\n");
      await child.wait();
    }));

  test("ends the process when it is cancelled, and keeps what was read", () =>
    run(async () => {
      const child = await createSubprocessShell(`printf 'first\\nsecond\\n'; exec sleep 1000`, {
        stdout: PIPE,
        stderr: PIPE,
      });
      expect(String(await child.stdout.readline())).toBe("first\n");
      const going = child.communicate();
      going.cancel("enough");

      const error = await going.then(null, (reason: unknown) => reason);

      expect(error).toBeInstanceOf(CancelledError);
      expect((error as CommunicateCancelledError).message).toBe("enough");
      expect((error as CommunicateCancelledError).partial.map(String)).toEqual(["second\n", ""]);
      expect(child.returncode).toBe(-15);
      expect((await child.communicate()).map(String)).toEqual(["second\n", ""]);
    }));

  test.each([
    ["as long as its input", "cat", 1_000_000, 0],
    ["longer than its input", "cat; head -c 700000 /dev/zero", 1_000_000, 700_000],
    ["shorter than its input", "head -c 700000; cat >/dev/null", 700_000, 0],
    ["much shorter than its input", "head -c 200000; cat >/dev/null", 200_000, 0],
  ])("gives output that is %s", (_, line, copied, zeros) =>
    run(async () => {
      const input = randomBytes(1_000_000);
      const child = await createSubprocessShell(line, { stdin: PIPE, stdout: PIPE });
      const [output] = await child.communicate(input);
      const expected = Buffer.concat([input.subarray(0, copied), Buffer.alloc(zeros)]);
      expect(output.equals(expected)).toBe(true);
    }),
  );

  test("goes on after a cancelled one, with the process alive", () =>
    run(async () => {
      const child = await createSubprocessExec("cat", [], {
        stdin: PIPE,
        stdout: PIPE,
        endOnCancel: false,
      });
      const input = Buffer.alloc(8_000_000, "abc");
      // Whenever the cancellation strikes: not a byte is lost.
      for (let turns = 1; turns < 20; turns += 1) {
        const going = child.communicate(turns === 1 ? input : undefined);
        for (let i = 0; i < turns; i += 1) await turn();
        going.cancel();
        await going.then(null, () => undefined);
      }
      const [stdout] = await child.communicate();
      expect(stdout.equals(input)).toBe(true);
      expect(child.returncode).toBe(0);
    }));
});

describe("wait", { timeout: 60_000 }, () => {
  test("ends the process when it is cancelled", () =>
    run(async () => {
      const child = await createSubprocessExec("sleep", ["1000"]);
      await expect(waitFor(child.wait(), 10)).rejects.toBeInstanceOf(TimeoutError);
      expect(child.returncode).toBe(-15);
      expect(await child.wait()).toBe(-15);
    }));

  test("leaves the process alone with endOnCancel false", () =>
    run(async () => {
      const child = await createSubprocessExec("sleep", ["1000"], { endOnCancel: false });
      const scope = new CancelScope({ deadline: getRunningLoop().time() + 10 });
      await scope.run(() => child.wait());
      expect(child.returncode).toBe(null);
      child.kill();
      expect(await child.wait()).toBe(-9);
    }));
});

/** Starts a process that ignores SIGTERM, and has 50 ms after it. */
async function startStubborn(): Promise<Process> {
  const line = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
  const child = await createSubprocessShell(line, { stdout: PIPE, grace: 50, wholeTree: true });
  await child.stdout.readline();
  return child;
}

/** Keeps this program from everything for so many milliseconds. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}
