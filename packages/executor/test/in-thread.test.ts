import { CancelledError, isCancelled, type Operation } from "@aio/loop";
import { run } from "@aio/task";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  inThread,
  ProcessPoolExecutor,
  runInExecutor,
  ThreadPoolExecutor,
  toThread,
} from "../src/index.ts";
import { functions, thrownBy } from "./functions.ts";

describe("inThread", { timeout: 30_000 }, () => {
  test("gives functions that run in the default executor when they are called", () =>
    run(async () => {
      expect(await functions.add(1, 2)).toBe(3);
      expect(await toThread(functions.addLater, 3, 4)).toBe(7);
      expect(await runInExecutor(null, functions.add, 5, 6)).toBe(11);
    }));

  test("keeps the types, and has nothing but the functions", () => {
    expect(functions.add.name).toBe("add");
    expectTypeOf(functions.add).parameters.toEqualTypeOf<[a: number, b: number]>();
    expectTypeOf(functions.addLater).returns.toEqualTypeOf<Operation<number>>();
    expectTypeOf(functions).not.toHaveProperty("notAFunction");
  });

  test("says which functions there are when there is no such one", () =>
    run(async () => {
      const { hash } = inThread<{ hash: () => string }>(
        new URL("fixtures/functions.ts", import.meta.url),
      );

      const error = await thrownBy(() => hash());

      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toMatch(/exports no function `hash`; it exports .*`add`/);
    }));

  test("says that a module is missing", () =>
    run(async () => {
      const { hash } = inThread<{ hash: () => string }>(
        new URL("fixtures/none.ts", import.meta.url),
      );

      expect(await thrownBy(() => hash())).toMatchObject({ code: "ERR_MODULE_NOT_FOUND" });
    }));

  test("refuses a path, and says what to pass", () => {
    expect(() => inThread("./hash.ts")).toThrow('pass new URL("./module.ts", import.meta.url)');
  });
});

describe("What a job throws", { timeout: 30_000 }, () => {
  test.each(["range", "custom", "aggregate", "dom"] as const)(
    "comes back with its class, message and stack: %s",
    (kind) =>
      run(async () => {
        await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
        const error = await thrownBy(() => pool.submit(functions.failWith, kind));

        const expected = {
          range: { name: "RangeError", message: "too far" },
          custom: { name: "HashError", message: "no hash", code: "E_HASH", block: 7 },
          aggregate: { name: "AggregateError", message: "both" },
          dom: { name: "TimeoutError", message: "took long" },
        }[kind];
        expect(error).toMatchObject(expected);
        expect(error).toBeInstanceOf(
          { range: RangeError, custom: Error, aggregate: AggregateError, dom: DOMException }[kind],
        );
        expect(error.stack).toContain("functions.ts");
      }),
  );

  test("brings its cause, and the errors of an AggregateError", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const custom = await thrownBy(() => pool.submit(functions.failWith, "custom"));
      const both = await thrownBy(() => pool.submit(functions.failWith, "aggregate"));

      expect(custom.cause).toBeInstanceOf(TypeError);
      expect((both as unknown as AggregateError).errors.map(String)).toEqual([
        "TypeError: one",
        "RangeError: two",
      ]);
    }));

  test.each([
    ["a thread", ThreadPoolExecutor],
    ["a process", ProcessPoolExecutor],
  ])("comes back from %s also when some of it can neither be read nor sent", (_where, Pool) =>
    run(async () => {
      await using pool = new Pool({ maxWorkers: 1 });
      const worker = await pool.submit(functions.identify);

      const error = await thrownBy(() => pool.submit(functions.failOddly));

      expect(error).toMatchObject({
        name: "Error",
        message: "[ 'first', 'second' ]",
        cause: { message: "why" },
        number: 7,
        nested: "{ send: [Function: send] }",
        shown: "[object Object]",
        memory: expect.stringContaining("SharedArrayBuffer") as unknown,
        program: expect.stringContaining("WebAssembly.Module") as unknown,
        lazy: { name: "RangeError", message: "cannot be read" },
      });
      expect(error.stack).toBe("Error: [ 'first', 'second' ]");
      expect(await pool.submit(functions.identify)).toBe(worker); // it has survived
    }),
  );

  test("is not followed in circles", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const error = (await thrownBy(() => pool.submit(functions.failInCircles))) as unknown;

      expect(error).toBeInstanceOf(AggregateError);
      const { errors, cause } = error as AggregateError;
      expect(errors.map(String)).toEqual(Array.from({ length: 20 }, (_, i) => `Error: part ${i}`));
      expect(cause).toBe(undefined);
    }));

  test("may be no error", () =>
    run(async () => {
      expect(await thrownBy(() => toThread(functions.failWith, "value"))).toEqual({
        reason: "plain",
      });
    }));

  test("is a cancellation when it was one there", () =>
    run(async () => {
      await using pool = new ThreadPoolExecutor({ maxWorkers: 1 });
      const job = pool.submit(() => {
        throw Object.assign(new Error("stopped inside"), {
          name: "CancelledError",
          code: "AIO_CANCELLED",
          reason: "caller",
        });
      });

      const error = await thrownBy(() => job);

      expect(error).toBeInstanceOf(CancelledError);
      expect(isCancelled(error)).toBe(true);
      expect(job.cancelled).toBe(true);
    }));
});
