import { createTask, run, type Task } from "@aio/task";
import { EventLoop, type Coroutine, type Handle, isCancelled, type Step } from "@aio/loop";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import {
  CommunicateCancelledError,
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
describe("Cancelled anywhere,", { timeout: 60_000 }, () => {
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
      const running = runProcess("sh", ["-c", line], { input });
      const [stdout, stderr] = await running.then(
        (ended) => [ended.stdout, ended.stderr],
        partialOf,
      );
      expect(`one${input}two`).toContain(String(stdout ?? ""));
      expect("three").toContain(String(stderr ?? ""));
    });
    expect(tried).toBeGreaterThan(5);
  });

  test("communicate ends the process, and has what was read as `partial`, and again the next time", async () => {
    const output = "o".repeat(200_000);
    const tried = await sweep(async () => {
      const child = await createSubprocessExec("cat", [], { stdin: PIPE, stdout: PIPE });
      const [first] = await child.communicate(output).then(null, partialOf);
      expect(child.returncode).not.toBe(null); // it is gone already
      const [second] = await child.communicate();
      expect(output.startsWith(String(second))).toBe(true);
      expect(String(second).startsWith(String(first))).toBe(true);
    });
    expect(tried).toBeGreaterThan(5);
  });

  test("communicate goes on with endOnCancel false, and not a byte is lost or sent twice", async () => {
    const input = Array.from({ length: 50_000 }, (_, line) => `${line}\n`).join("");
    const tried = await sweep(async () => {
      await using child = await createSubprocessShell("cat; echo done >&2", {
        stdin: PIPE,
        stdout: PIPE,
        stderr: PIPE,
        endOnCancel: false,
      });
      const first = await child.communicate(input).then(null, partialOf);
      expect(first).toHaveLength(2);
      expect((await child.communicate()).map(String)).toEqual([input, "done\n"]);
      expect(child.returncode).toBe(0);
    });
    expect(tried).toBeGreaterThan(5);
  });

  test("a third communicate goes on as the second does", async () => {
    const input = "y".repeat(150_000);
    const tried = await sweep(async () => {
      const child: Process = await createSubprocessExec("cat", [], {
        stdin: PIPE,
        stdout: PIPE,
        endOnCancel: false,
      });
      const first = child.communicate(input);
      first.cancel();
      await first.then(null, partialOf);
      await child.communicate().then(null, partialOf);
      expect(String((await child.communicate())[0])).toBe(input);
    });
    expect(tried).toBeGreaterThan(5);
  });
});

/** What a cancelled one has read; one that was cancelled before it began has no such thing. */
function partialOf(error: unknown): CommunicateCancelledError["partial"] {
  if (error instanceof CommunicateCancelledError) return error.partial;
  throw error;
}

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
  const reports: unknown[] = [];
  loop.exceptionHandler = (_loop, report) => void reports.push(report);
  await run(
    async () => {
      task = createTask(main);
      await task.then(null, (error: unknown) => {
        if (!isCancelled(error)) throw error;
      });
    },
    { loopFactory: () => loop },
  );
  expect(reports).toEqual([]);
  return steps > step;
}

class SteppedLoop extends EventLoop {
  readonly #beforeStep: () => void;

  constructor(beforeStep: () => void) {
    super();
    this.#beforeStep = beforeStep;
  }

  override callSoon<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): Handle {
    return super.callSoon(() => {
      this.#beforeStep();
      callback(...args);
    });
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
