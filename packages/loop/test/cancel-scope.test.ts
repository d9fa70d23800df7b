import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { CancelledError, CancelScope, operation } from "../src/index.ts";
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

  test("that is shielded ends silently by its own cancellation, and a scope inside it by its deadline, whatever is asked around", () =>
    inLoop(async (loop) => {
      const steps: unknown[] = [];
      const around = operation(async () => {
        const shield = new CancelScope({ shielded: true });
        await shield.run(async () => {
          const inner = new CancelScope({ deadline: loop.time() + 10 });
          await inner.run(() => loop.createFuture());
          steps.push(inner.cancelled);
          shield.cancel();
          await loop.createFuture();
        });
        steps.push(shield.cancelled);
        await loop.createFuture();
        steps.push("unreachable");
      });
      await nextTurn(loop);

      around.cancel("from around");

      await expect(around).rejects.toThrow("from around");
      expect(steps).toEqual([true, true]);
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
