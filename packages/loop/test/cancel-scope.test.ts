import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { abortSignal, CancelledError, CancelScope, operation, Scope } from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

describe("CancelScope", () => {
  test("gives what its body gives", () =>
    inLoop(async () => {
      const scope = new CancelScope();

      expect(await scope.run(async () => 7)).toBe(7);
      expect([scope.cancelCalled, scope.cancelled]).toEqual([false, false]);
    }));

  test("interrupts its body, and ends silently", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope();
      loop.callLater(10, () => scope.cancel("enough"));
      let reason: unknown;

      const result = await scope.run(async () => {
        try {
          await loop.createFuture();
        } catch (error) {
          reason = error;
          throw error;
        }
      });

      expect([result, scope.cancelled]).toEqual([undefined, true]);
      expect(reason).toMatchObject({ name: "CancelledError", message: "enough", reason: "caller" });
    }));

  test("is cancelled by its deadline", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope({ deadline: loop.time() + 500 });

      await scope.run(() => loop.createFuture());

      expect([scope.cancelled, loop.time()]).toEqual([true, 500]);
    }));

  test("can have its deadline moved while its body runs", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope({ deadline: loop.time() + 500 });
      loop.callLater(400, () => {
        scope.deadline = 800;
      });

      await scope.run(() => loop.createFuture());

      expect(loop.time()).toBe(800);
    }));

  test("interrupts the first wait when it is cancelled before", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope();
      scope.cancel();
      const steps: string[] = [];

      await scope.run(async () => {
        steps.push("started");
        await loop.createFuture();
        steps.push("unreachable");
      });

      expect([steps, scope.cancelled]).toEqual([["started"], true]);
    }));

  test("is not cancelled when its body caught the cancellation and ended", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope({ deadline: loop.time() + 10 });

      const result = await scope.run(async () => {
        await loop.createFuture().then(null, () => undefined);
        return "saved";
      });

      expect([result, scope.cancelCalled, scope.cancelled]).toEqual(["saved", true, false]);
    }));

  test("passes other errors on", () =>
    inLoop(async () => {
      const scope = new CancelScope();

      await expect(scope.run(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    }));

  test("passes a cancellation from around on", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope();
      const around = operation(() => scope.run(() => loop.createFuture()));
      await nextTurn(loop);

      around.cancel("from around");

      await expect(around).rejects.toThrow(new CancelledError("from around"));
      expect(scope.cancelled).toBe(false);
    }));

  test("passes a cancellation from around on when both ask", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope();
      const around = operation(() => scope.run(() => loop.createFuture()));
      await nextTurn(loop);

      scope.cancel();
      around.cancel();

      await expect(around).rejects.toThrow(CancelledError);
      expect([scope.cancelCalled, scope.cancelled]).toEqual([true, false]);
    }));

  test("passes on a cancellation from around that was still to strike when the scope was entered", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope();
      const around = operation(async () => {
        await nextTurn(loop);
        scope.cancel();
        await scope.run(() => loop.createFuture());
      });

      around.cancel("from around");

      await expect(around).rejects.toThrow(CancelledError);
      expect(scope.cancelled).toBe(false);
    }));

  test("ends silently though its request was taken back by who was cancelled together with it", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope();
      const result = scope.run(async () => {
        const inner = operation(() => loop.createFuture());
        loop.callSoon(() => scope.cancel());
        try {
          await inner;
        } finally {
          Scope.current?.uncancel();
        }
      });

      expect([await result, scope.cancelled]).toEqual([undefined, true]);
    }));

  test("leaves the scope around it alone", () =>
    inLoop(async (loop) => {
      const outer = new CancelScope();
      const inner = new CancelScope({ deadline: loop.time() + 10 });

      const result = await outer.run(async () => {
        await inner.run(() => loop.createFuture());
        return "went on";
      });

      expect([result, outer.cancelCalled, inner.cancelled]).toEqual(["went on", false, true]);
    }));

  test("that is shielded is reached by no cancellation from around, which strikes behind it", () =>
    inLoop(async (loop) => {
      const steps: string[] = [];
      const scope = new CancelScope({ shielded: true });
      const finish = loop.createFuture<undefined>();
      const around = operation(async () => {
        await scope.run(async () => {
          await finish;
          steps.push("finished");
        });
        await loop.createFuture();
        steps.push("unreachable");
      });
      await nextTurn(loop);

      around.cancel("from around");
      await nextTurn(loop);
      finish.setResult(undefined);

      await expect(around).rejects.toThrow("from around");
      expect(steps).toEqual(["finished"]);
    }));

  test("that is shielded still hears its own cancellation", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope({ shielded: true, deadline: loop.time() + 10 });

      await scope.run(() => loop.createFuture());

      expect(scope.cancelled).toBe(true);
    }));

  test("that is shielded ends at its own deadline, though a cancellation from around waits behind it", () =>
    inLoop(async (loop) => {
      const steps: string[] = [];
      const scope = new CancelScope({ shielded: true, deadline: loop.time() + 10 });
      const around = operation(async () => {
        await scope.run(() => loop.createFuture());
        steps.push("behind");
        await loop.createFuture();
        steps.push("unreachable");
      });
      await nextTurn(loop);

      around.cancel("from around");

      await expect(around).rejects.toThrow("from around");
      expect([steps, scope.cancelled]).toEqual([["behind"], true]);
    }));

  test("that is inside a shield ends by itself, though a cancellation from around waits behind the shield", () =>
    inLoop(async (loop) => {
      const steps: string[] = [];
      const inner = new CancelScope({ deadline: loop.time() + 10 });
      const around = operation(() =>
        new CancelScope({ shielded: true }).run(async () => {
          await inner.run(() => loop.createFuture());
          steps.push("cleaned up");
        }),
      );
      await nextTurn(loop);

      around.cancel("from around");

      await around;
      expect([steps, inner.cancelled]).toEqual([["cleaned up"], true]);
    }));

  test("keeps a cancellation that its body did not wait for to itself, also where another one was caught", () =>
    inLoop(async (loop) => {
      const around = operation(async () => {
        await loop.createFuture().then(null, () => undefined);
        const scope = new CancelScope();
        await scope.run(() => scope.cancel());
        const wait = loop.createFuture<string>();
        loop.callSoon(() => wait.setResult("cleaned up"));
        return await wait;
      });
      await nextTurn(loop);

      around.cancel();

      expect(await around).toBe("cleaned up");
    }));

  test("passes on what cancels the operation of run", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope();
      const running = scope.run(() => loop.createFuture());
      await nextTurn(loop);

      running.cancel("not by the scope");

      await expect(running).rejects.toThrow(new CancelledError("not by the scope"));
      expect([scope.cancelCalled, scope.cancelled]).toEqual([false, false]);
    }));

  test("lets cancellations through again when its shield is taken down", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope({ shielded: true });
      const around = operation(() => scope.run(() => loop.createFuture()));
      await nextTurn(loop);

      scope.shielded = false;
      around.cancel("from around");

      await expect(around).rejects.toThrow("from around");
    }));

  test("interrupts what waits inside, and aborts its signal, when its shield is taken down behind a cancellation", () =>
    inLoop(async (loop) => {
      const scope = new CancelScope({ shielded: true });
      let signal: AbortSignal | undefined;
      const around = operation(() =>
        scope.run(async () => {
          signal = abortSignal();
          await loop.createFuture();
        }),
      );
      await nextTurn(loop);
      around.cancel("from around");
      await nextTurn(loop);

      scope.shielded = false;

      await expect(around).rejects.toThrow("from around");
      expect(signal?.reason).toEqual(new CancelledError("from around"));
    }));

  test("interrupts the next wait when its shield is taken down from inside", () =>
    inLoop(async (loop) => {
      const steps: string[] = [];
      const scope = new CancelScope({ shielded: true });
      const around = operation(() =>
        scope.run(async () => {
          await nextTurn(loop);
          scope.shielded = false;
          steps.push("still runs");
          await loop.createFuture();
        }),
      );

      around.cancel("from around");

      await expect(around).rejects.toThrow("from around");
      expect(steps).toEqual(["still runs"]);
    }));

  test("gives what a foreign promise gives that outlives the loop", async () => {
    const foreign = Promise.withResolvers<string>();
    const { running } = await inLoop((loop) => ({
      running: new CancelScope({ deadline: loop.time() + 60_000 }).run(() => foreign.promise),
    }));

    foreign.resolve("late");

    expect(await running).toBe("late");
  });

  test("runs one body only", () =>
    inLoop(async () => {
      const scope = new CancelScope();
      await scope.run(() => undefined);

      expect(() => scope.run(() => undefined)).toThrow("make a new one");
    }));

  test.each([
    [Number.NaN, RangeError],
    ["5" as unknown as number, TypeError],
  ])("refuses %o as its deadline", (deadline, type) => {
    expect(() => new CancelScope({ deadline })).toThrow(type);
  });

  test("shows its state", () => {
    expect(inspect(new CancelScope({ deadline: 5 }))).toBe(
      "<CancelScope created deadline=5 cancelCalled=false>",
    );
  });
});
