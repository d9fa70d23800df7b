import { createTask, run, type Task } from "@aio/task";
import { EventLoop, type Coroutine, isCancelled, type Step } from "@aio/loop";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  type CommunicateCancelledError,
  createSubprocessExec,
  createSubprocessShell,
  PIPE,
  type Process,
  runProcess,
  STDOUT,
} from "../src/index.ts";
import { children, openFiles } from "./processes.ts";

// Each program is run again and again with its task cancelled before another step of the loop, until it ends before
// that. `sweepCancellations` of @aio/task cannot: its time is virtual, and the end of a process comes from outside.
describe("Cancelled anywhere,", () => {
  test("createSubprocessExec leaves no process and no pipe", async () => {
    const tried = await sweep(() =>
      createSubprocessExec("sleep", ["1000"], { stdin: PIPE, stdout: PIPE, stderr: STDOUT }).then(
        (child) => child.end(),
      ),
    );
    expect(tried).toBeGreaterThan(5);
  });

  test("wait leaves no process and no pipe", async () => {
    const tried = await sweep(async () => {
      const child = await createSubprocessExec("sleep", ["0.02"], { stdout: PIPE });
      await child.wait();
    });
    expect(tried).toBeGreaterThan(5);
  });

  test("runProcess leaves no process and no pipe, and loses nothing that it says it has read", async () => {
    const line = "printf one; cat; printf two; printf three >&2";
    const input = "x".repeat(300_000);
    const tried = await sweep(async () => {
      try {
        const { stdout, stderr } = await runProcess("sh", ["-c", line], { input });
        expect([String(stdout), String(stderr)]).toEqual([`one${input}two`, "three"]);
      } catch (error) {
        const { partial } = error as Partial<CommunicateCancelledError>;
        const [stdout, stderr] = partial ?? [null, null];
        expect(`one${input}two`.startsWith(String(stdout ?? ""))).toBe(true);
        expect("three".startsWith(String(stderr ?? ""))).toBe(true);
        throw error;
      }
    });
    expect(tried).toBeGreaterThan(5);
  });

  test("communicate ends the process, and has what was read as `partial`, and again the next time", async () => {
    const output = "o".repeat(200_000);
    const tried = await sweep(async () => {
      const child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
      try {
        expect(String((await child.communicate(output))[0])).toBe(output);
      } catch (error) {
        const { partial } = error as CommunicateCancelledError;
        expect(child.returncode).not.toBe(null); // it is gone already
        const [stdout] = await child.communicate();
        expect(output.startsWith(String(stdout))).toBe(true);
        expect(String(stdout).startsWith(String(partial[0]))).toBe(true);
        throw error;
      }
    });
    expect(tried).toBeGreaterThan(5);
  });

  test("communicate goes on with endOnCancel false, and not a byte is lost or sent twice", async () => {
    const input = Buffer.from(Array.from({ length: 50_000 }, (_, line) => `${line}\n`).join(""));
    const tried = await sweep(async () => {
      await using child = await createSubprocessShell("cat; echo done >&2", {
        stdin: PIPE,
        stdout: PIPE,
        stderr: PIPE,
        endOnCancel: false,
      });
      const expected = [String(input), "done\n"];
      const going = child.communicate(input);
      try {
        expect((await going).map(String)).toEqual(expected);
      } catch (error) {
        expect((error as CommunicateCancelledError).partial).toHaveLength(2);
        expect((await child.communicate()).map(String)).toEqual(expected);
        expect(child.returncode).toBe(0);
        throw error;
      }
    });
    expect(tried).toBeGreaterThan(5);
  });

  test("a second communicate is cancelled like the first", async () => {
    const input = "y".repeat(150_000);
    await sweep(async () => {
      const child: Process = await createSubprocessExec("cat", [], {
        stdin: PIPE,
        stdout: PIPE,
        endOnCancel: false,
      });
      const first = child.communicate(input);
      first.cancel();
      await first.then(null, () => undefined);
      try {
        await child.communicate();
      } finally {
        expect(String((await child.communicate())[0])).toBe(input);
      }
    });
  });
});

/** @returns how many cancellations were tried. */
async function sweep(main: Coroutine<unknown>): Promise<number> {
  await cancelled(main, Infinity); // what is opened once, and stays open
  const before = openFiles();
  for (let step = 0; ; step += 1) {
    const reached = await cancelled(main, step);
    expect(children()).toEqual([]);
    while (openFiles() > before) await turn(); // the system closes them a moment later
    if (!reached) return step;
  }
}

/** @returns whether the program came to that step. */
async function cancelled(main: Coroutine<unknown>, step: number): Promise<boolean> {
  let task: Task<unknown> | null = null;
  let steps = 0;
  const loop = new SteppedLoop(() => {
    if (task === null) return;
    if (steps === step) task.cancel();
    steps += 1;
  });
  await run(
    async () => {
      task = createTask(main);
      await task.then(null, (error: unknown) => {
        if (!isCancelled(error)) throw error;
      });
    },
    { loopFactory: () => loop },
  );
  return steps > step;
}

class SteppedLoop extends EventLoop {
  readonly #beforeStep: () => void;

  constructor(beforeStep: () => void) {
    super();
    this.#beforeStep = beforeStep;
  }

  override enqueue(step: Step): void {
    super.enqueue({
      run: () => {
        this.#beforeStep();
        return step.run();
      },
    });
  }
}
