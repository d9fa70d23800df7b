import { spawn } from "node:child_process";
import { AsyncLocalStorage } from "node:async_hooks";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { describe, expect, onTestFinished, test } from "vitest";
import { Scope, EventLoop, getRunningLoop, RuntimeError } from "../src/index.ts";
import { runChild } from "./child.ts";

/** Sends a signal to this process. */
function raise(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal);
}

async function asyncHandler(): Promise<void> {}
function others(): void {}

describe("addSignalHandler", () => {
  test("has its callback called by the loop, with its arguments, while the loop rests", async () => {
    const loop = new EventLoop();
    const calls: unknown[] = [];
    loop.addSignalHandler(
      "SIGUSR2",
      (...args: unknown[]) => {
        calls.push(args, getRunningLoop(), Scope.current);
        loop.stop();
      },
      1,
      "two",
    );
    loop.callLater(600_000, () => undefined);
    const run = loop.runForever();

    raise("SIGUSR2");
    await run;
    loop.close();

    expect(calls).toEqual([[1, "two"], loop, undefined]);
  });

  test("calls back each time that the signal comes", async () => {
    const loop = new EventLoop();
    let calls = 0;
    loop.addSignalHandler("SIGUSR2", () => {
      calls += 1;
      if (calls === 3) loop.stop();
      else raise("SIGUSR2");
    });
    const run = loop.runForever();

    raise("SIGUSR2");
    await run;
    loop.close();

    expect(calls).toBe(3);
  });

  test("replaces the handler of before: only the second is called", async () => {
    const loop = new EventLoop();
    const calls: string[] = [];
    loop.addSignalHandler("SIGUSR2", () => calls.push("first"));
    loop.addSignalHandler("SIGUSR2", () => {
      calls.push("second");
      loop.stop();
    });
    const run = loop.runForever();

    raise("SIGUSR2");
    await run;
    const listeners = process.listenerCount("SIGUSR2");
    loop.close();

    expect([calls, listeners]).toEqual([["second"], 1]);
  });

  test("keeps several signals apart", async () => {
    const loop = new EventLoop();
    const calls: string[] = [];
    loop.addSignalHandler("SIGUSR2", () => {
      calls.push("SIGUSR2");
      raise("SIGWINCH");
    });
    loop.addSignalHandler("SIGWINCH", () => {
      calls.push("SIGWINCH");
      loop.stop();
    });
    const run = loop.runForever();

    raise("SIGUSR2");
    await run;
    loop.close();

    expect(calls).toEqual(["SIGUSR2", "SIGWINCH"]);
  });

  test("calls back in the async context of the one who registered", async () => {
    const store = new AsyncLocalStorage<string>();
    const loop = new EventLoop();
    const seen: unknown[] = [];
    store.run("registrar", () =>
      loop.addSignalHandler("SIGUSR2", () => {
        seen.push(store.getStore());
        store.enterWith("changed");
        if (seen.length === 2) loop.stop();
        else raise("SIGUSR2");
      }),
    );
    const run = store.run("runner", () => loop.runForever());

    raise("SIGUSR2");
    await run;
    loop.close();

    expect(seen).toEqual(["registrar", "registrar"]);
  });

  test("reports what the callback throws, and goes on", async () => {
    const loop = new EventLoop();
    const reports: unknown[] = [];
    loop.exceptionHandler = (_loop, { exception }) => {
      reports.push(exception);
      loop.stop();
    };
    const boom = new Error("boom");
    loop.addSignalHandler("SIGUSR2", () => {
      throw boom;
    });
    const run = loop.runForever();

    raise("SIGUSR2");
    await run;
    loop.close();

    expect(reports).toEqual([boom]);
  });

  test.each(["SIGFOO", "sigterm", "toString", ""])("refuses the name %o", (name) => {
    const loop = new EventLoop();

    // @ts-expect-error -- no signal
    expect(() => loop.addSignalHandler(name, () => undefined)).toThrow(
      new RangeError(`Expected \`signal\` to be a name such as "SIGTERM", got "${name}"`),
    );
  });

  test.each([15, undefined, null])("refuses %o as a name", (name) => {
    const loop = new EventLoop();

    // @ts-expect-error -- no name
    expect(() => loop.addSignalHandler(name, () => undefined)).toThrow(
      new TypeError(`Expected \`signal\` to be a name such as "SIGTERM", got ${name}`),
    );
  });

  test.each(["SIGKILL", "SIGSTOP"] as const)("refuses %s, which nobody can handle", (signal) => {
    const loop = new EventLoop();

    expect(() => loop.addSignalHandler(signal, () => undefined)).toThrow(
      new RuntimeError(`${signal} cannot be handled by any process; handle SIGTERM instead`),
    );
    expect(loop.hasSignalHandler(signal)).toBe(false);
  });

  test("refuses what is no function", () => {
    // @ts-expect-error -- no function
    expect(() => new EventLoop().addSignalHandler("SIGUSR2", undefined)).toThrow(
      new TypeError("Expected `callback` to be a function, got undefined"),
    );
  });

  test("refuses an async function, with and without debug mode", () => {
    for (const debug of [true, false]) {
      const loop = new EventLoop({ debug });
      onTestFinished(() => loop.close());
      expect(() => loop.addSignalHandler("SIGUSR2", asyncHandler)).toThrow(TypeError);
    }
  });

  test("is refused by a closed loop", () => {
    const loop = new EventLoop();
    loop.close();

    expect(() => loop.addSignalHandler("SIGUSR2", () => undefined)).toThrow(
      new RuntimeError("The event loop is closed; make a new one"),
    );
  });

  test("is refused in a worker thread", async () => {
    const worker = new Worker(new URL("fixtures/signal-in-worker.ts", import.meta.url));
    const [message] = await once(worker, "message");

    expect(message).toBe(
      "RuntimeError: SIGUSR2 cannot be handled in a worker thread; handle it in the main thread",
    );
  });
});

describe("removeSignalHandler", () => {
  test("removes the handler, and says whether there was one", () => {
    const loop = new EventLoop();
    loop.addSignalHandler("SIGUSR2", () => undefined);
    const before = loop.hasSignalHandler("SIGUSR2");

    const removed = [loop.removeSignalHandler("SIGUSR2"), loop.removeSignalHandler("SIGUSR2")];

    expect([before, removed, loop.hasSignalHandler("SIGUSR2")]).toEqual([
      true,
      [true, false],
      false,
    ]);
  });

  test("gives the signal its default effect back", async () => {
    const child = spawn(process.execPath, [
      fileURLToPath(new URL("fixtures/signals.ts", import.meta.url)),
      "removed",
    ]);

    expect(await once(child, "exit")).toEqual([null, "SIGUSR2"]);
  });

  test("leaves the handlers of others alone", () => {
    process.on("SIGUSR2", others);
    const loop = new EventLoop();
    loop.addSignalHandler("SIGUSR2", () => undefined);

    loop.removeSignalHandler("SIGUSR2");
    const left = process.listeners("SIGUSR2");
    process.off("SIGUSR2", others);

    expect(left).toEqual([others]);
  });
});

describe("The signal handlers of a loop", () => {
  const program = new URL("fixtures/signals.ts", import.meta.url);

  test("are removed when it is closed", () => {
    const loop = new EventLoop();
    loop.addSignalHandler("SIGUSR2", () => undefined);
    loop.addSignalHandler("SIGWINCH", () => undefined);

    loop.close();

    expect([
      process.listenerCount("SIGUSR2"),
      process.listenerCount("SIGWINCH"),
      loop.hasSignalHandler("SIGUSR2"),
    ]).toEqual([0, 0, false]);
  });

  test("keep the process alive while it runs", async () => {
    const child = spawn(process.execPath, [fileURLToPath(program), "waits"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");

    child.kill("SIGUSR2");

    expect(await once(child, "exit")).toEqual([7, null]);
  });

  test("do not keep the process alive while it does not run", async () => {
    expect(await runChild(program, { args: ["does-not-run"] })).toMatchObject({ code: 0 });
  });

  test("do not keep the process alive when they are removed", async () => {
    const { code, errors } = await runChild(program, { args: ["removed-while-running"] });

    expect([code, errors]).toEqual([1, expect.stringContaining("DeadlockError")]);
  });
});
