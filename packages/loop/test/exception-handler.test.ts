import { AsyncLocalStorage } from "node:async_hooks";
import { inspect } from "node:util";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  EventLoop,
  type ExceptionContext,
  KeyboardInterrupt,
  setLogger,
  SystemExit,
} from "../src/index.ts";
import { iterate } from "./in-loop.ts";

const boom = new Error("boom");

function fail(): never {
  throw boom;
}

function login(_password: string): never {
  throw boom;
}

function ignore(): void {}

/** The errors that are logged while the test runs. */
function logged(): string[] {
  const lines: string[] = [];
  setLogger({ error: (message) => lines.push(message), warn: ignore, debug: ignore });
  onTestFinished(() => setLogger(null));
  return lines;
}

describe("An error in a callback", () => {
  test("goes to the exception handler with message, exception and handle", async () => {
    const loop = new EventLoop();
    const reports: [EventLoop, ExceptionContext][] = [];
    loop.exceptionHandler = (...report) => reports.push(report);
    const handle = loop.callSoon(fail);

    await iterate(loop);

    expect(reports).toEqual([
      [loop, { message: "Exception in callback <Handle fail>", exception: boom, handle }],
    ]);
  });

  test("keeps no other callback from running, and the loop running", async () => {
    logged();
    const loop = new EventLoop();
    const calls: string[] = [];
    loop.callSoon(fail);
    loop.callLater(0, fail);
    loop.callSoon(() => calls.push("other"));

    await iterate(loop);
    loop.callSoon(() => calls.push("next run"));
    await iterate(loop);

    expect(calls).toEqual(["other", "next run"]);
  });

  test("may be something that is no Error", async () => {
    const loop = new EventLoop();
    const reports: unknown[] = [];
    loop.exceptionHandler = (_loop, { exception }) => reports.push(exception);
    loop.callSoon(() => {
      // oxlint-disable-next-line typescript/only-throw-error -- users do
      throw "text";
    });

    await iterate(loop);

    expect(reports).toEqual(["text"]);
  });

  test.each([
    ["callback", (loop: EventLoop) => loop.callSoon(fail)],
    ["timer", (loop: EventLoop) => loop.callAt(0, fail)],
    [
      "done callback",
      (loop: EventLoop) => {
        const future = loop.createFuture();
        future.addDoneCallback(fail);
        future.cancel();
      },
    ],
  ])("is reported in the async context of the %s", async (_name, schedule) => {
    const store = new AsyncLocalStorage<string>();
    const loop = new EventLoop();
    const seen: unknown[] = [];
    loop.exceptionHandler = () => seen.push(store.getStore());
    store.run("request 7", () => schedule(loop));

    await iterate(loop);

    expect(seen).toEqual(["request 7"]);
  });

  test("is logged by default: message, handle, and the error with its stack", async () => {
    const lines = logged();
    const loop = new EventLoop({ debug: false });
    loop.callSoon(fail);

    await iterate(loop);

    expect(lines).toEqual([
      expect.stringMatching(
        /^Exception in callback <Handle fail>\nhandle: <Handle fail>\nError: boom\n +at /,
      ),
    ]);
  });

  test("is logged without the arguments of the callback, which may be secret", async () => {
    const lines = logged();
    const loop = new EventLoop({ debug: false });
    loop.callSoon(login, "secret");

    await iterate(loop);

    expect(lines.join("\n")).not.toContain("secret");
  });
});

describe.each([
  ["KeyboardInterrupt", new KeyboardInterrupt("Ctrl-C")],
  ["SystemExit", new SystemExit(3)],
])("%s, thrown by a callback,", (_name, error) => {
  test("leaves the loop at once, past the exception handler; what is ready stays so", async () => {
    const loop = new EventLoop();
    const reports: unknown[] = [];
    loop.exceptionHandler = (_loop, context) => reports.push(context);
    const calls: string[] = [];
    loop.callSoon(() => {
      throw error;
    });
    loop.callSoon(() => calls.push("stays ready"));

    await expect(loop.runForever()).rejects.toBe(error);
    const before = [...calls];
    await iterate(loop);

    expect([reports, before, calls]).toEqual([[], [], ["stays ready"]]);
  });

  test("leaves the loop also from a done callback", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture();
    future.addDoneCallback(() => {
      throw error;
    });
    future.setResult(1);

    await expect(loop.runForever()).rejects.toBe(error);
  });

  test("leaves the loop also from the exception handler", async () => {
    const loop = new EventLoop();
    loop.exceptionHandler = () => {
      throw error;
    };
    loop.callSoon(fail);

    await expect(loop.runForever()).rejects.toBe(error);
  });

  test("leaves runUntilComplete, and a loop that can run again", async () => {
    const loop = new EventLoop();
    const future = loop.createFuture<string>();
    loop.callSoon(() => {
      throw error;
    });

    await expect(loop.runUntilComplete(future)).rejects.toBe(error);
    loop.callSoon(() => future.setResult("later"));

    expect(await loop.runUntilComplete(future)).toBe("later");
  });
});

describe("exceptionHandler", () => {
  test("is null by default, and again when it is set to null", () => {
    const lines = logged();
    const loop = new EventLoop();
    const before = loop.exceptionHandler;
    loop.exceptionHandler = ignore;
    const custom = loop.exceptionHandler;
    loop.exceptionHandler = null;

    loop.callExceptionHandler({ message: "logged" });

    expect([before, custom, loop.exceptionHandler, lines]).toEqual([
      null,
      ignore,
      null,
      ["logged"],
    ]);
  });

  test.each([5, undefined, {}])("is never %o", (value) => {
    const loop = new EventLoop();

    expect(() => {
      // @ts-expect-error -- no function
      loop.exceptionHandler = value;
    }).toThrow(/Expected `exceptionHandler` to be a function, got/);
    expect(loop.exceptionHandler).toBeNull();
  });

  test("that throws is reported with the original context to the log", () => {
    const lines = logged();
    const loop = new EventLoop();
    loop.exceptionHandler = fail;

    loop.callExceptionHandler({ message: "the original" });

    expect(lines).toEqual([
      expect.stringMatching(
        /^Unhandled error in exception handler\ncontext: .*the original.*\nError: boom/s,
      ),
    ]);
  });
});

describe("callExceptionHandler", () => {
  test("lets nothing escape, not even from a logger that throws", () => {
    setLogger({ error: fail, warn: fail, debug: fail });
    const output = vi.spyOn(console, "error").mockReturnValue();
    onTestFinished(() => {
      setLogger(null);
      output.mockRestore();
    });
    const loop = new EventLoop();

    expect(() => loop.callExceptionHandler({ message: "lost" })).not.toThrow();
    expect(output.mock.calls).toEqual([
      ["Unhandled error in the logger of @aio/loop", boom, { message: "lost" }],
    ]);
  });
});

describe("defaultExceptionHandler", () => {
  test("writes the message, the other keys in order, and the exception last", () => {
    const lines = logged();

    new EventLoop().defaultExceptionHandler({
      message: "It went wrong",
      exception: "no Error",
      zebra: 1,
      socket: { fd: 7 },
      absent: undefined,
    });

    expect(lines).toEqual(["It went wrong\nsocket: { fd: 7 }\nzebra: 1\n'no Error'"]);
  });

  test("shows also what cannot show itself", () => {
    const lines = logged();
    const mute = { fd: 7, [inspect.custom]: fail };

    new EventLoop().defaultExceptionHandler({
      message: "It went wrong",
      socket: mute,
      exception: Object.assign(new Error("the original"), { [inspect.custom]: fail }),
    });

    expect(lines).toEqual([
      expect.stringMatching(/^It went wrong\nsocket: \{\n? *fd: 7,.*\nError: the original\n/s),
    ]);
  });

  test("has a message of its own when there is none", () => {
    const lines = logged();

    new EventLoop().defaultExceptionHandler({ message: "" });

    expect(lines).toEqual(["Unhandled exception in event loop"]);
  });

  test("adds the running callback and the place where it was made, in debug mode", async () => {
    const lines = logged();
    const loop = new EventLoop({ debug: true });
    loop.callSoon(function work() {
      loop.callExceptionHandler({ message: "It went wrong", exception: "no Error" });
    });

    await iterate(loop);

    expect(lines).toEqual([
      expect.stringMatching(
        /^It went wrong\nrunning handle: <Handle work>\nrunning handle created at:\n(?: +at .*\n)*? +at .*exception-handler\.test.*\n(?: +at .*\n)*'no Error'$/,
      ),
    ]);
  });

  test("does not name the running callback twice", async () => {
    const lines = logged();
    const loop = new EventLoop({ debug: true });
    loop.callSoon(fail);

    await iterate(loop);

    expect(lines).toEqual([
      expect.stringMatching(/^Exception in callback.*\nhandle: <Handle fail>/),
    ]);
    expect(lines[0]).not.toContain("running handle");
  });

  test("names no running callback without debug mode, nor outside of one", async () => {
    const lines = logged();
    const off = new EventLoop({ debug: false });
    off.callSoon(() => off.callExceptionHandler({ message: "without debug mode" }));
    await iterate(off);
    const on = new EventLoop({ debug: true });
    on.callSoon(ignore);
    await iterate(on);

    on.callExceptionHandler({ message: "outside" });

    expect(lines).toEqual(["without debug mode", "outside"]);
  });
});
