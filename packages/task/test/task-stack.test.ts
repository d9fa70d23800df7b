import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { Future, getRunningLoop, VirtualClock } from "@aio/loop";
import { describe, expect, test, vi } from "vitest";
import { createTask, run, sleep, type Task, timeout, yieldNow } from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

// Node 22 and 24 do not see through the `await` of a Future: there, the stack of a wait may be empty.
const seesAwaits = Number.parseInt(process.versions.node, 10) >= 26;

async function innermost(): Promise<void> {
  await sleep(60_000);
}

async function middle(): Promise<void> {
  await innermost();
}

async function outermost(): Promise<void> {
  await middle();
}

function thrower(): never {
  throw new Error("no luck");
}

async function failing(): Promise<void> {
  await yieldNow();
  thrower();
}

/** Runs `main` in debug mode. */
function debugged<T>(main: () => Promise<T>): Promise<T> {
  return run(main, { debug: true, clock: new VirtualClock({ isolated: true }) });
}

/** A task that has failed. */
async function failed(): Promise<Task<void>[]> {
  const task = createTask(failing, { name: "unlucky" });
  await thrownBy(task);
  return [task];
}

/** The functions of this file that frames of a stack name. */
function functions(frames: string[]): string[] {
  return frames
    .filter((frame) => frame.includes("task-stack.test.ts"))
    .map(
      (frame) => /(innermost|middle|outermost|thrower|failing)/.exec(frame)?.[1] ?? frame.trim(),
    );
}

async function stackOfFailed(): Promise<string[]> {
  const [task] = await failed();
  return functions(task?.getStack() ?? []);
}

/** What `task` prints. */
async function printed(task: Task<unknown>, limit?: number): Promise<string> {
  const file = new PassThrough();
  task.printStack({ file, limit });
  file.end();
  return await text(file);
}

describe("getStack of a task that waits", () => {
  test("gives its async frames, the newest first, in debug mode", () =>
    debugged(async () => {
      const task = createTask(outermost);
      await sleep(1);

      const stack = functions(task.getStack());

      expect(stack).toEqual(seesAwaits ? ["innermost", "middle", "outermost"] : stack);
    }));

  test("gives the frames of every branch", () =>
    debugged(async () => {
      const task = createTask(() => Promise.allSettled([innermost(), middle()]));
      await sleep(1);

      const stack = functions(task.getStack());

      expect(stack).toEqual(seesAwaits ? ["innermost", "innermost", "middle"] : stack);
    }));

  test("gives the frames of a wait inside a deadline too", () =>
    debugged(async () => {
      const task = createTask(() => timeout(60_000, outermost));
      await sleep(1);

      const stack = functions(task.getStack());

      expect(stack).toEqual(seesAwaits ? ["innermost", "middle", "outermost"] : stack);
    }));

  test("gives only lines that name a place", () =>
    debugged(async () => {
      const task = createTask(outermost);
      await sleep(1);

      expect(task.getStack().filter((line) => !/^ +at /.test(line))).toEqual([]);
    }));

  test("gives at most so many of the newest", () =>
    debugged(async () => {
      const task = createTask(outermost);
      await sleep(1);
      const all = task.getStack();

      expect(task.getStack({ limit: 2 })).toEqual(all.slice(0, 2));
      expect(task.getStack({ limit: 0 })).toEqual([]);
      expect(task.getStack({ limit: 1_000 })).toEqual(all);
    }));

  test("is empty without debug mode", () =>
    isolated(async () => {
      getRunningLoop().debug = false;
      const task = createTask(outermost);
      await sleep(1);

      expect(task.getStack()).toEqual([]);
    }));

  test("is empty before the first step", () =>
    debugged(async () => {
      expect(createTask(outermost).getStack()).toEqual([]);
    }));
});

describe("getStack of a task that has failed", () => {
  test("gives the frames of its error, with and without debug mode", async () => {
    expect(await debugged(stackOfFailed)).toEqual(["thrower", "failing"]);
    expect(await isolated(stackOfFailed)).toEqual(["thrower", "failing"]);
  });

  test("gives at most so many of the oldest of the program, as CPython does for a traceback", () =>
    isolated(async () => {
      const [task] = await failed();

      expect(functions(task?.getStack({ limit: 1 }) ?? [])).toEqual(["failing"]);
      expect(task?.getStack({ limit: 0 })).toEqual([]);
    }));

  test("takes no line of the message for a frame", () =>
    isolated(async () => {
      const task = createTask(() => {
        throw new Error("meet me\n    at home (10:30)");
      });
      await thrownBy(task);

      expect(task.getStack().filter((line) => line.includes("home"))).toEqual([]);
    }));

  test("is empty when what was thrown is no Error: it has no frames", () =>
    isolated(async () => {
      const task = createTask(() => {
        // oxlint-disable-next-line typescript/only-throw-error -- users do
        throw "text";
      });
      await thrownBy(task);

      expect(task.getStack()).toEqual([]);
    }));

  test("does not count as looking at the error, which is still reported", () =>
    isolated(async () => {
      const loop = getRunningLoop();
      loop.exceptionHandler = () => undefined;
      const task = createTask(failing);
      await sleep(1);

      task.getStack();

      expect(loop.unretrieved.size).toBe(1);
    }));
});

describe("getStack of a task that has ended", () => {
  test("is empty when it ended well", () =>
    debugged(async () => {
      const task = createTask(() => sleep(1));
      await task;

      expect(task.getStack()).toEqual([]);
    }));

  test("is empty when it was cancelled", () =>
    debugged(async () => {
      const task = createTask(outermost);
      await sleep(1);
      task.cancel();
      await thrownBy(task);

      expect(task.getStack()).toEqual([]);
    }));
});

describe("printStack", () => {
  test("writes the stack of a task that waits under a headline", () =>
    debugged(async () => {
      const future = new Future<void>();
      const task = createTask(async () => await future, { name: "waiter" });
      await sleep(1);
      const stack = task.getStack();

      const [headline, ...lines] = (await printed(task)).split("\n");

      expect(headline).toMatch(
        seesAwaits
          ? /^Stack for <Task pending name='waiter'.* waits for <Future pending/
          : /^(Stack|No stack) for <Task pending name='waiter'/,
      );
      expect(lines).toEqual([...stack, ""]);
    }));

  test("writes the traceback of a task that has failed", () =>
    isolated(async () => {
      const [task] = await failed();
      if (task === undefined) throw new Error("unreachable: made above");

      const [headline, ...lines] = (await printed(task)).split("\n");

      expect(headline).toMatch(
        /^Traceback for <Task finished exception=Error: no luck name='unlucky'/,
      );
      expect(lines).toEqual([...task.getStack(), ""]);
    }));

  test("says that there is none when a task ended well", () =>
    isolated(async () => {
      const task = createTask(() => 1, { name: "fine" });
      await task;

      expect(await printed(task)).toBe("No stack for <Task finished result=1 name='fine'>\n");
    }));

  test("writes at most so many lines of it", () =>
    isolated(async () => {
      const [task] = await failed();
      if (task === undefined) throw new Error("unreachable: made above");

      expect((await printed(task, 1)).split("\n")).toHaveLength(3); // headline, line, the end
    }));

  test("writes to the standard error output by default", () =>
    isolated(async () => {
      const task = createTask(() => 1, { name: "fine" });
      await task;
      const written: unknown[] = [];
      const write = vi.spyOn(process.stderr, "write").mockReturnValue(true);
      try {
        task.printStack();
        written.push(...write.mock.calls.flat());
      } finally {
        write.mockRestore();
      }

      expect(written).toEqual(["No stack for <Task finished result=1 name='fine'>\n"]);
    }));
});
