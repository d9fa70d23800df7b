import { describe, expect, test } from "vitest";
import {
  CancelledError,
  Scope,
  type EventLoop,
  InvalidStateError,
  type Operation,
  operation,
  ScopedOperation,
} from "../src/index.ts";
import { runChild } from "./child.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

/** An operation started in one scope and awaited in another. */
async function moved(loop: EventLoop): Promise<{
  starter: Scope;
  awaiter: Scope;
  waiting: Operation<string>;
  result: Promise<string>;
}> {
  const starter = new Scope();
  const awaiter = new Scope();
  const future = loop.createFuture<string>();
  loop.callLater(10, () => {
    if (!future.done) future.setResult("value");
  });
  const waiting = starter.run(() => operation(async () => await future));
  await nextTurn(loop);
  const result = awaiter.run(async () => await waiting);
  await nextTurn(loop);
  return { starter, awaiter, waiting, result };
}

describe("operation", () => {
  test("starts its body at once", async () => {
    const steps: string[] = [];

    const started = operation(() => steps.push("body"));
    steps.push("caller");
    await started;

    expect(steps).toEqual(["body", "caller"]);
  });

  test("gives what the body gives: a value, a promise's, a Future's, another operation's", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<string>();
      loop.callSoon(() => future.setResult("future"));
      const inner = operation(() => "operation");

      expect([
        await operation(() => "value"),
        await operation(() => Promise.resolve("promise")),
        await operation(() => future),
        await operation(() => inner),
      ]).toEqual(["value", "promise", "future", "operation"]);
    });
  });

  test("throws what the body throws, at once or later", async () => {
    const boom = new Error("boom");

    await expect(
      operation(() => {
        throw boom;
      }),
    ).rejects.toBe(boom);
    await expect(operation(() => Promise.reject(boom))).rejects.toBe(boom);
  });

  test("runs its body in a scope of its own inside the current one", () => {
    const outer = new Scope(null);
    const seen = outer.run(() => {
      let inside: Scope | undefined;
      void operation(() => {
        inside = Scope.current;
      });
      return inside;
    });

    expect([seen === outer, seen?.parent, Scope.current]).toEqual([false, outer, undefined]);
  });

  test("leaves nothing behind in the scope when it has ended", async () => {
    const outer = new Scope(null);

    await outer.run(async () => await operation(() => Promise.resolve(1)));

    expect(outer.nodes()).toEqual([]);
  });

  test("adds no turn of the loop to the wait inside", async () => {
    await inLoop(async (loop) => {
      const order: string[] = [];
      const future = loop.createFuture<string>();
      loop.callSoon(() => {
        future.setResult("operation");
        loop.callSoon(() => order.push("behind"));
      });

      order.push(await operation(() => operation(async () => await future)));
      await nextTurn(loop);

      expect(order).toEqual(["operation", "behind"]);
    });
  });

  test("can be awaited twice", async () => {
    const twice = operation(() => Promise.resolve("value"));

    expect([await twice, await twice, await Promise.all([twice, twice])]).toEqual([
      "value",
      "value",
      ["value", "value"],
    ]);
  });

  test("can be awaited long after it has ended", async () => {
    await inLoop(async (loop) => {
      const ended = operation(() => "value");
      await nextTurn(loop);

      expect(await ended).toBe("value");
    });
  });

  test("refuses what is no function", async () => {
    await expect(
      // @ts-expect-error -- no function
      (async () => await operation(Promise.resolve(1)))(),
    ).rejects.toThrow(/Expected `body` to be a function, got Promise/);
  });

  test("refuses to wait for itself, instead of waiting for ever", async () => {
    const { code, output } = await runChild(
      new URL("fixtures/operation-awaits-itself.ts", import.meta.url),
    );

    expect([code, output]).toEqual([0, [expect.stringMatching(/^RuntimeError: .*await itself/)]]);
  });
});

describe("cancel of an operation", () => {
  test("interrupts what it waits for, with the message", async () => {
    await inLoop(async (loop) => {
      const waiting = operation(async () => await loop.createFuture());
      await nextTurn(loop);

      expect(waiting.cancel("enough")).toBe(true);
      await expect(waiting).rejects.toThrow(new CancelledError("enough"));
    });
  });

  test("does not touch another one that is awaited beside it", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<string>();
      const first = operation(async () => await loop.createFuture());
      const second = operation(async () => await future);
      const both = Promise.allSettled([first, second]);
      await nextTurn(loop);

      first.cancel("only this");
      await nextTurn(loop);
      const isTouched = future.done;
      future.setResult("second");

      expect(await both).toEqual([
        { status: "rejected", reason: new CancelledError("only this") },
        { status: "fulfilled", value: "second" },
      ]);
      expect(isTouched).toBe(false);
    });
  });

  test("does not count on the scope around", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      await scope.run(async () => {
        const waiting = operation(async () => await loop.createFuture());
        waiting.cancel();
        await expect(waiting).rejects.toThrow(CancelledError);
      });

      expect([scope.requests, scope.requestsInside(), scope.owed]).toEqual([0, 0, null]);
    });
  });

  test("is remembered when it comes before the wait", async () => {
    await inLoop(async (loop) => {
      const foreign = Promise.withResolvers<void>();
      const waiting = operation(async () => {
        await foreign.promise;
        await loop.createFuture();
      });

      waiting.cancel("early");
      foreign.resolve();

      await expect(waiting).rejects.toThrow(new CancelledError("early"));
    });
  });

  test("lets the operation end as it likes when it never waits again", async () => {
    const foreign = Promise.withResolvers<string>();
    const waiting = operation(async () => await foreign.promise);

    waiting.cancel();
    foreign.resolve("ended anyway");

    expect(await waiting).toBe("ended anyway");
  });

  test("may be caught by the body, which goes on", async () => {
    await inLoop(async (loop) => {
      const waiting = operation(async () => {
        try {
          return await loop.createFuture<string>();
        } catch {
          return "rescued";
        }
      });
      await nextTurn(loop);

      waiting.cancel();

      expect(await waiting).toBe("rescued");
    });
  });

  test("returns false when the operation has ended", async () => {
    const ended = operation(() => "value");
    await ended;

    expect(ended.cancel()).toBe(false);
  });
});

describe("An operation that is awaited in another scope", () => {
  test("is cancelled with that scope", async () => {
    await inLoop(async (loop) => {
      const { awaiter, result } = await moved(loop);

      awaiter.cancel("the awaiter");

      await expect(result).rejects.toThrow(new CancelledError("the awaiter"));
    });
  });

  test("is no longer cancelled with the one that started it", async () => {
    await inLoop(async (loop) => {
      const { starter, result } = await moved(loop);

      starter.cancel();

      expect(await result).toBe("value");
    });
  });

  test("is cancelled with the one that started it before it is awaited", async () => {
    await inLoop(async (loop) => {
      const starter = new Scope();
      const waiting = starter.run(() => operation(async () => await loop.createFuture()));
      await nextTurn(loop);

      starter.cancel("the starter");

      await expect(waiting).rejects.toThrow(new CancelledError("the starter"));
    });
  });
});

describe("An operation that nobody awaits", () => {
  const program = new URL("fixtures/unawaited-operation.ts", import.meta.url);

  test("is no unhandled rejection when it was cancelled", async () => {
    const args = ["cancelled", "cancelled-at-once"];

    expect(await runChild(program, { args })).toEqual({ code: 0, output: ["end"], errors: "" });
  });

  test("is no unhandled rejection when it is awaited before it fails", async () => {
    const args = ["failed-and-awaited", "failed-and-caught"];

    expect(await runChild(program, { args })).toEqual({ code: 0, output: ["end"], errors: "" });
  });

  test.each(["failed", "failed-at-once", "failed-after-cancel"])(
    "is an unhandled rejection: %s",
    async (kind) => {
      const { code, errors } = await runChild(program, { args: [kind] });

      expect([code, errors]).toEqual([1, expect.stringContaining("Error: boom")]);
    },
  );
});

describe("ScopedOperation", () => {
  test("is its own scope, and calls the body with the argument", async () => {
    const own = new ScopedOperation<unknown[]>(null);

    const result = await own.start((argument) => [argument, Scope.current], "argument");

    expect(result).toEqual(["argument", own]);
  });

  test("ends with what `succeeded` makes of the result", async () => {
    class Doubled extends ScopedOperation<number> {
      protected override succeeded(result: number): number {
        return super.succeeded(result) * 2;
      }
    }
    const own = new Doubled(null);

    expect([await own.start(() => 21, undefined), own.closed]).toEqual([42, true]);
  });

  test("ends with what `failed` makes of the error", async () => {
    class Rescued extends ScopedOperation<string> {
      protected override failed(error: unknown): string {
        this.close();
        return `rescued from ${String(error)}`;
      }
    }
    const work = new Rescued(null).start(() => Promise.reject(new Error("boom")), undefined);

    expect(await work).toBe("rescued from Error: boom");
  });

  test("cannot be awaited before it is started", () => {
    expect(() => new ScopedOperation<number>(null).then()).toThrow(InvalidStateError);
  });
});
