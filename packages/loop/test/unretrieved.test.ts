import { AsyncLocalStorage } from "node:async_hooks";
import { describe, expect, onTestFinished, test } from "vitest";
import { EventLoop, type Future, log, setLogger } from "../src/index.ts";
import { runChild } from "./child.ts";
import { inLoop } from "./in-loop.ts";

const program = new URL("fixtures/unretrieved.ts", import.meta.url);

describe("An exception that nobody has looked at", () => {
  test("is reported once when its Future is collected, to the exception handler of the loop", async () => {
    expect(await runChild(program, { args: ["lost"] })).toEqual({
      code: 0,
      output: ["Future exception was never retrieved: Error: lost", "end"],
      errors: "",
    });
  });

  test("is not reported when somebody has, in whatever way", async () => {
    const args = ["result", "exception", "awaited", "waiter", "then", "done-callback"];

    expect(await runChild(program, { args })).toEqual({ code: 0, output: ["end"], errors: "" });
  });

  test("is not what a Future has that is cancelled, pending, or has a result", async () => {
    const args = ["cancelled", "succeeded", "pending"];

    expect(await runChild(program, { args })).toEqual({ code: 0, output: ["end"], errors: "" });
  });

  test("is reported when a done callback did not look at it", async () => {
    const { output } = await runChild(program, { args: ["blind-callback"] });

    expect(output).toEqual(["Future exception was never retrieved: Error: lost", "end"]);
  });

  test("is reported to the log by default", async () => {
    const { errors } = await runChild(program, { args: ["log"] });

    expect(errors).toMatch(/^Future exception was never retrieved\nError: lost\n/);
  });

  test("is reported with the place where its Future was made, in debug mode", async () => {
    const { errors } = await runChild(program, { args: ["log"], env: { AIO_DEBUG: "1" } });

    expect(errors).toMatch(/created at:\n(?: +at .*\n)*? +at .*unretrieved\.ts.*\n.*Error: lost/s);
  });

  test("is reported with that place once, when its Future is there to be asked", () => {
    const loop = new EventLoop({ debug: true });
    const reports: string[] = [];
    setLogger({ ...log, error: (text) => reports.push(text) });
    onTestFinished(() => setLogger(null));
    loop.createFuture().setException(new Error("boom"));

    for (const record of loop.unretrieved) record.report();
    loop.close();

    expect(reports).toHaveLength(1);
    expect(reports[0]?.match(/created at:/g)).toHaveLength(1);
  });

  test("is listed by its loop until somebody looks, and reported by `report` before", () => {
    const loop = new EventLoop();
    const reports: unknown[] = [];
    loop.exceptionHandler = (_loop, context) => reports.push(context);
    const error = new Error("boom");
    const future = loop.createFuture();
    future.setException(error);
    const { size } = loop.unretrieved;

    for (const record of [...loop.unretrieved, ...loop.unretrieved]) record.report();

    expect([size, loop.unretrieved.size]).toEqual([1, 0]);
    expect(reports).toEqual([
      { message: "Future exception was never retrieved", exception: error, future },
    ]);
  });

  test("is reported in the async context of the code that failed", async () => {
    const request = new AsyncLocalStorage<string>();
    const loop = new EventLoop();
    const seen: unknown[] = [];
    loop.exceptionHandler = () => seen.push(request.getStore());
    const future = request.run("made it", () => loop.createFuture());
    request.run("failed", () => future.setException(new Error("boom")));

    request.run("reports it", () => {
      for (const record of loop.unretrieved) record.report();
    });

    expect(seen).toEqual(["failed"]);
    expect(future.done).toBe(true);
  });

  test("is reported in that context also when its Future is collected", async () => {
    const { output } = await runChild(program, { args: ["in-context"] });

    expect(output).toEqual([
      "Future exception was never retrieved: Error: lost, by request 7",
      "end",
    ]);
  });

  test("is listed no more when somebody looks", async () => {
    await inLoop(async (loop) => {
      const failed = (): Future<unknown> => {
        const future = loop.createFuture();
        future.setException(new Error("boom"));
        return future;
      };

      failed().exception();
      expect(() => failed().result()).toThrow("boom");
      await expect(failed()).rejects.toThrow("boom");

      expect(loop.unretrieved.size).toBe(0);
    });
  });
});
