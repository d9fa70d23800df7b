import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  creationStack,
  EventLoop,
  isDebugDefault,
  programFrames,
  setLogger,
} from "../src/index.ts";
import { runChild } from "./child.ts";
import { iterate } from "./in-loop.ts";

/** What is logged while the test runs. */
function logged(): string[] {
  const lines: string[] = [];
  const write = (message: string): void => void lines.push(message);
  setLogger({ error: write, warn: write, debug: write });
  onTestFinished(() => setLogger(null));
  return lines;
}

function stubEnvironment(variables: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  onTestFinished(() => void vi.unstubAllEnvs());
}

function spin(duration: number): void {
  const end = performance.now() + duration;
  while (performance.now() < end);
}

async function asyncCallback(): Promise<void> {}

/** A loop for one test. Debug mode would report one that is never closed. */
function makeLoop(options?: ConstructorParameters<typeof EventLoop>[0]): EventLoop {
  const loop = new EventLoop(options);
  onTestFinished(() => loop.close());
  return loop;
}

describe("Debug mode", () => {
  test.each([
    [{ AIO_DEBUG: "1" }, true],
    [{ AIO_DEBUG: "0" }, true], // as in Python: not empty is on
    [{ AIO_DEBUG: "" }, false],
    [{ NODE_DEBUG: "aio" }, true],
    [{ NODE_DEBUG: "http,aio,net" }, true],
    [{ NODE_DEBUG: "AIO" }, true], // Node does not look at the case either
    [{ NODE_DEBUG: "audio,aiox" }, false],
    [{}, false],
  ])("is by default what the environment %o says: %s", (variables, expected) => {
    stubEnvironment({ AIO_DEBUG: undefined, NODE_DEBUG: undefined, ...variables });

    expect([isDebugDefault(), makeLoop().debug]).toEqual([expected, expected]);
  });

  test("is what the option says, whatever the environment does", () => {
    stubEnvironment({ AIO_DEBUG: "1" });
    const off = makeLoop({ debug: false });
    stubEnvironment({ AIO_DEBUG: "" });
    const on = makeLoop({ debug: true });

    expect([off.debug, on.debug]).toEqual([false, true]);
  });

  test("can be switched on and off", async () => {
    const lines = logged();
    const loop = makeLoop({ debug: false });
    loop.slowCallbackDuration = 0;

    loop.debug = true;
    loop.callSoon(() => undefined);
    await iterate(loop);
    const whileOn = lines.length;
    loop.debug = false;
    loop.callSoon(() => undefined);
    await iterate(loop);

    expect([whileOn, lines.length]).toEqual([1, 1]);
  });

  test.each([
    ["callSoon", (loop: EventLoop) => loop.callSoon(asyncCallback)],
    ["callSoonThreadsafe", (loop: EventLoop) => loop.callSoonThreadsafe(asyncCallback)],
    ["callLater", (loop: EventLoop) => loop.callLater(1, asyncCallback)],
    ["callAt", (loop: EventLoop) => loop.callAt(1, asyncCallback)],
  ])("has %s refuse async functions, which are let through otherwise", (_name, schedule) => {
    expect(() => schedule(makeLoop({ debug: true }))).toThrow(
      new TypeError(
        "Expected `callback` to be a plain function, got an async one; have it call createTask()",
      ),
    );
    expect(() => schedule(makeLoop({ debug: false }))).not.toThrow();
  });
});

describe("A slow callback", () => {
  test("is reported in debug mode, with its name and its milliseconds", async () => {
    const lines = logged();
    const loop = makeLoop({ debug: true });
    loop.slowCallbackDuration = 2;
    loop.callSoon(function slow() {
      spin(3);
    });
    loop.callSoon(() => undefined);

    await iterate(loop);

    expect(lines[0]).toMatch(/^Executing <Handle slow> took \d+ ms$/);
  });

  test("is slow by the microtasks that it starts too", async () => {
    const lines = logged();
    const loop = makeLoop({ debug: true });
    loop.slowCallbackDuration = 20;
    loop.callSoon(function slow() {
      void Promise.resolve().then(() => spin(21));
    });

    await iterate(loop);

    expect(lines).toEqual([expect.stringMatching(/^Executing <Handle slow> took \d+ ms$/)]);
  });

  test("takes at least 100 ms by default", () => {
    expect(makeLoop().slowCallbackDuration).toBe(100);
  });

  test("is not reported without debug mode, nor when it is faster", async () => {
    const lines = logged();
    const off = makeLoop({ debug: false });
    off.slowCallbackDuration = 0;
    const fast = makeLoop({ debug: true });
    fast.slowCallbackDuration = 60_000;
    for (const loop of [off, fast]) {
      loop.callSoon(() => undefined);
      await iterate(loop);
    }

    expect(lines).toEqual([]);
  });
});

describe("creationStack", () => {
  test("tells where a handle, a timer and a Future were made, in debug mode", () => {
    const loop = makeLoop({ debug: true });
    const things = [
      loop.callSoon(() => undefined),
      loop.callLater(1, () => undefined),
      loop.createFuture(),
    ];

    for (const thing of things) expect(creationStack(thing)).toMatch(/^ +at .*debug\.test\.ts/m);
  });

  test("tells nothing without debug mode", () => {
    expect(creationStack(makeLoop({ debug: false }).createFuture())).toBeUndefined();
  });

  test("leaves the stack trace limit of the program as it is", () => {
    const { stackTraceLimit } = Error;
    makeLoop({ debug: true }).callSoon(spin, 0);

    expect(Error.stackTraceLimit).toBe(stackTraceLimit);
  });

  test("has at most 10 frames", () => {
    const loop = makeLoop({ debug: true });
    const deep = (depth: number): object => (depth === 0 ? loop.createFuture() : deep(depth - 1));

    expect(creationStack(deep(30))?.split("\n").length).toBe(10);
  });

  test("leaves out the frames of the host and of the packages", async () => {
    const program = new URL("fixtures/creation-stack.ts", import.meta.url);

    const { output, errors } = await runChild(program);

    const builtin = / at (?:async )?[\w.]+ \(<anonymous>\)$/; // Array.from and the like: part of the language
    const foreign = output.filter(
      (line) => !line.includes("fixtures/creation-stack.ts") && !builtin.test(line),
    );
    expect({ foreign, errors }).toEqual({ foreign: [], errors: "" });
    expect(output.filter((line) => / at (innermost|work) /.test(line))).toHaveLength(4); // the program's are there
  });

  test("is part of the report of an error", async () => {
    const lines = logged();
    const loop = makeLoop({ debug: true });
    loop.callSoon(() => {
      throw new Error("boom");
    });

    await iterate(loop);

    expect(lines[0]).toMatch(
      /handle: <Handle anonymous>\nhandle created at:\n(?: +at .*\n)*? +at .*debug\.test/,
    );
  });
});

/** An error with these lines below its headline. */
function errorWith(...frames: string[]): Error {
  const error = new Error("boom");
  error.stack = ["Error: boom", ...frames].join("\n");
  return error;
}

describe("programFrames", () => {
  const main = "    at main (file:///home/me/program/src/main.js:3:7)";

  test("gives the frames of an error", () => {
    expect(programFrames(new Error("boom"))[0]).toMatch(/^ +at .*debug\.test\.ts/);
  });

  test("leaves out the frames of the host", () => {
    const error = errorWith(
      "    at processTicksAndRejections (node:internal/process/task_queues:104:5)",
      "    at node:internal/main/run_main_module:33:47",
      main,
    );

    expect(programFrames(error)).toEqual([main]);
  });

  test.each([
    ["file:///home/me/program/node_modules/@aio/task/dist/create-task.js"],
    [
      "file:///home/me/program/node_modules/.pnpm/@aio+task@1.0.0/node_modules/@aio/task/dist/create-task.js",
    ],
  ])("leaves out the frames of a package that is installed at %s", (address) => {
    const error = errorWith(`    at createTask (${address}:46:10)`, main);

    expect(programFrames(error)).toEqual([main]);
  });

  test("takes no line of the message for a frame", () => {
    expect(programFrames(new Error("meet me\n    at home (10:30)")).join("\n")).not.toContain(
      "home",
    );
  });

  test("gives the frames also when the message has been changed since", () => {
    const error = errorWith(main);
    error.message = "a message that is longer than the whole stack was before, ".repeat(10);

    expect(programFrames(error)).toEqual([main]);
  });

  test("gives nothing when the stack is gone", () => {
    const error = new Error("boom");
    delete error.stack;

    expect(programFrames(error)).toEqual([]);
  });
});
