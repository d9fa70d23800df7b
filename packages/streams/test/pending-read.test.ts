import { inspect } from "node:util";
import { AsyncLocalStorage } from "node:async_hooks";
import { creationStack, isCancelled, RuntimeError } from "@aio/loop";
import { createTask, run, waitFor, yieldNow } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import { StreamReader } from "../src/index.ts";
import { quiet } from "./streams.ts";

describe("A read that waits", () => {
  test("can be awaited by several, and again when it is over", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = reader.readline();
      const tasks = ["first", "second"].map((name) =>
        createTask(async () => `${name} ${String(await reading)}`),
      );
      await yieldNow();

      reader.feedData(Buffer.from("line\n"));

      expect(await Promise.all(tasks)).toEqual(["first line\n", "second line\n"]);
      expect(String(await reading)).toBe("line\n");
      expect(reading.cancel()).toBe(false);
    }));

  test("is a promise by hand, in the async context of the caller", () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const reader = new StreamReader();
      const reading = reader.readline();
      const one = storage.run("here", () =>
        reading.then((line) => `${String(line)}${storage.getStore()}`),
      );
      const two = reading.then(
        (line) => line.length,
        () => -1,
      );
      const failing = reading.then(
        () => {
          throw new Error("of the callback");
        },
        () => undefined,
      );
      const nothing = reading.then(
        () => undefined,
        () => undefined,
      );

      reader.feedData(Buffer.from("line\n"));

      expect(await one).toBe("line\nhere");
      expect(await two).toBe(5);
      await expect(failing).rejects.toThrow("of the callback");
      expect(await nothing).toBe(undefined);
    }));

  test("leaves what came to the next one, when it is cancelled after it was woken", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = createTask(() => reader.readline());
      await yieldNow();

      reader.feedData(Buffer.from("line\n"));
      reading.cancel();

      await expect(reading).rejects.toSatisfy(isCancelled);
      expect(String(await reader.readline())).toBe("line\n");
    }));

  test("is cancelled by itself, also after it was woken", () =>
    run(async () => {
      const reader = new StreamReader();
      const first = reader.readline();
      expect(first.cancel("enough")).toBe(true);
      await expect(first).rejects.toMatchObject({ message: "enough" });
      const second = reader.readline();
      reader.feedData(Buffer.from("line\n"));
      expect(second.cancel()).toBe(true);
      await expect(second).rejects.toSatisfy(isCancelled);

      expect(String(await reader.readline())).toBe("line\n");
    }));

  test("is no unhandled rejection when it is cancelled, and one when it fails, with nobody waiting", () =>
    run(async () => {
      const unhandled: unknown[] = [];
      const note = (error: unknown): void => void unhandled.push(error);
      process.on("unhandledRejection", note);
      onTestFinished(() => void process.off("unhandledRejection", note));
      const reader = new StreamReader();
      reader.readline().cancel();
      await yieldNow();
      const failed = reader.readline();
      reader.setException(new Error("gone"));

      await yieldNow();
      await quiet();

      expect(unhandled).toEqual([new Error("gone")]);
      await expect(failed).rejects.toThrow("gone");
    }));

  test("moves to the scope that awaits it", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = reader.readline();
      const waiting = createTask(async () => await reading);
      await yieldNow();

      waiting.cancel();

      await expect(waiting).rejects.toSatisfy(isCancelled);
    }));

  test("throws a request that its task owes", () =>
    run(async () => {
      const reader = new StreamReader();
      const before = createTask(() => reader.readline());
      before.cancel(); // before it has started
      await expect(before).rejects.toSatisfy(isCancelled);

      let reading = reader.readline();
      const task = createTask(async () => {
        task.cancel();
        await reading; // begun before, and awaited by a task that owes
      });
      await expect(task).rejects.toSatisfy(isCancelled);

      reading = reader.readline();
      reader.feedData(Buffer.from("kept\n"));
      expect(String(await reading)).toBe("kept\n");
    }));

  test("throws the error that came after a chunk that was not enough", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = createTask(() => reader.readline());
      await yieldNow();

      reader.feedData(Buffer.from("half a line"));
      reader.setException(new Error("reset"));

      await expect(waitFor(reading, 1_000)).rejects.toThrow("reset");
    }));

  test("gives what came before the error, when it is enough", () =>
    run(async () => {
      const reader = new StreamReader();
      const reading = createTask(() => reader.readline());
      await yieldNow();

      reader.feedData(Buffer.from("line\n"));
      reader.setException(new Error("reset"));

      expect(String(await reading)).toBe("line\n");
      await expect(reader.readline()).rejects.toThrow("reset");
    }));

  test("says what it waits for", () =>
    run(
      async () => {
        const reader = new StreamReader();
        const task = createTask(() => reader.readexactly(5), { name: "client" });
        await yieldNow();

        const [wait] = task.scope.waits();

        expect(inspect(wait)).toBe(
          "<await of readexactly() of <StreamReader 0 bytes awaited> in Task 'client'>",
        );
        expect(wait?.describe()).toBe("readexactly() of <StreamReader 0 bytes awaited>");
        expect(creationStack(wait as object)).toContain("pending-read.test.ts");
        reader.feedEof();
        expect(wait?.describe()).toBe("");
        await expect(task).rejects.toThrow("0 bytes read of 5 expected");
      },
      { debug: true },
    ));
});

describe("A reader of another loop", () => {
  test("says so", async () => {
    const reader = await run(async () => new StreamReader());

    await run(async () => {
      await expect(reader.readline()).rejects.toThrow(RuntimeError);
      await expect(reader.readline()).rejects.toThrow("belongs to another loop");
    });
  });
});
