import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  EventLoop,
  getEventLoop,
  getRunningLoop,
  RuntimeError,
  runningLoop,
  setEventLoop,
  SystemClock,
} from "../src/index.ts";
import { inLoop } from "./in-loop.ts";

describe("getRunningLoop", () => {
  test("returns the loop in a callback", async () => {
    await inLoop((loop) => expect(getRunningLoop()).toBe(loop));
  });

  test("returns the loop behind a native await, also while the loop rests", async () => {
    const loop = new EventLoop();
    const run = loop.runForever();
    await Promise.resolve();
    const seen = getRunningLoop();
    loop.stop();
    await run;

    expect(seen).toBe(loop);
  });

  test("returns the loop of its own worker thread", async () => {
    await inLoop(
      async (loop) => {
        const worker = new Worker(new URL("fixtures/loop-in-worker.ts", import.meta.url));
        const [message] = await once(worker, "message");

        expect([message, getRunningLoop()]).toEqual(["own loop, at 60000", loop]);
      },
      { clock: new SystemClock() },
    );
  });

  test("throws when no loop runs, also when one is set", () => {
    setEventLoop(new EventLoop());
    onTestFinished(() => setEventLoop(null));

    expect(() => getRunningLoop()).toThrow(
      new RuntimeError("No event loop is running; call this inside `run(main)`"),
    );
  });

  test("throws again after the run", async () => {
    await inLoop(() => undefined);

    expect(() => getRunningLoop()).toThrow(RuntimeError);
  });
});

describe("runningLoop", () => {
  test("is null when no loop runs", () => {
    expect(runningLoop()).toBeNull();
  });
});

describe("getEventLoop", () => {
  test("returns the loop that was set when none runs", () => {
    const loop = new EventLoop();
    setEventLoop(loop);
    onTestFinished(() => setEventLoop(null));

    expect(getEventLoop()).toBe(loop);
  });

  test("returns the running loop rather than the one that was set", async () => {
    setEventLoop(new EventLoop());
    onTestFinished(() => setEventLoop(null));

    await inLoop((loop) => expect(getEventLoop()).toBe(loop));
  });

  test("throws when there is neither, and makes none", () => {
    expect(() => getEventLoop()).toThrow(/no current event loop.*setEventLoop\(\)/);
  });
});

describe("setEventLoop", () => {
  test("takes the loop away when given null", () => {
    setEventLoop(new EventLoop());
    setEventLoop(null);

    expect(() => getEventLoop()).toThrow(RuntimeError);
  });

  test.each([5, "loop", {}, undefined])("refuses %o", (value) => {
    // @ts-expect-error -- no loop
    expect(() => setEventLoop(value)).toThrow(/Expected `loop` to be an EventLoop or null, got/);
  });
});
