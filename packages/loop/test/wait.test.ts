import { setImmediate } from "node:timers/promises";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { AGAIN, CancelledError, type EventLoop, Scope, Wait } from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

/** A wait that notes what happens to it; it waits again as often as it is told. */
class NotedWait extends Wait<string> {
  readonly events: string[] = [];
  again = 0;

  static in(loop: EventLoop): NotedWait {
    const wait = new NotedWait(loop);
    void wait.begin();
    return wait;
  }

  protected override get label(): string {
    return "noted";
  }

  protected override finish(): string | typeof AGAIN {
    this.events.push("finish");
    this.again -= 1;
    return this.again >= 0 ? AGAIN : "value";
  }

  protected override interrupted(): void {
    this.events.push("interrupted");
  }

  protected override abandon(wasWoken: boolean): void {
    this.events.push(`abandon ${wasWoken ? "woken" : "waiting"}`);
  }
}

describe("A Wait", () => {
  test("gives what it finishes with, one turn after it was woken", async () => {
    await inLoop(async (loop) => {
      const wait = NotedWait.in(loop);

      wait.wake();
      expect(wait.events).toEqual([]);

      expect([await wait, wait.events]).toEqual(["value", ["finish"]]);
    });
  });

  test("waits on when there was nothing for it after all", async () => {
    await inLoop(async (loop) => {
      const wait = NotedWait.in(loop);
      wait.again = 1;

      wait.wake();
      await nextTurn(loop);
      expect([wait.isWaiting, wait.events]).toEqual([true, ["finish"]]);
      wait.wake();

      expect(await wait).toBe("value");
    });
  });

  test("can be awaited again, and by several", async () => {
    await inLoop(async (loop) => {
      const wait = NotedWait.in(loop);
      const first = Promise.all([wait, wait]);
      await Promise.resolve();

      wait.wake();

      expect([await first, await wait]).toEqual([["value", "value"], "value"]);
    });
  });

  test("is interrupted by the scope that awaits it, and not by the one that began it", async () => {
    await inLoop(async (loop) => {
      const [starter, awaiter] = [new Scope(), new Scope()];
      const wait = starter.run(() => NotedWait.in(loop));
      const result = awaiter.run(async () => await wait);
      await nextTurn(loop);

      starter.cancel();
      await nextTurn(loop);
      expect(wait.isWaiting).toBe(true);
      awaiter.cancel("enough");

      await expect(result).rejects.toThrow(new CancelledError("enough"));
      expect(wait.events).toEqual(["interrupted", "abandon waiting"]);
    });
  });

  test("abandons what it was woken for when it is cancelled before its turn", async () => {
    await inLoop(async (loop) => {
      const wait = NotedWait.in(loop);
      wait.wake();

      expect(wait.cancel("late")).toBe(true);

      await expect(wait).rejects.toThrow(new CancelledError("late"));
      expect(wait.events).toEqual(["abandon woken"]);
    });
  });

  test("cannot be cancelled when it is over", async () => {
    await inLoop(async (loop) => {
      const wait = NotedWait.in(loop);
      wait.wake();
      await wait;

      expect(wait.cancel()).toBe(false);
    });
  });

  test("that was cancelled and that nobody awaits is no unhandled rejection", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on("unhandledRejection", note);

    await inLoop(async (loop) => {
      NotedWait.in(loop).cancel();
      await nextTurn(loop);
    });
    await setImmediate(); // the host looks when its queues are empty

    process.off("unhandledRejection", note);
    expect(unhandled).toEqual([]);
  });

  test("shows in reports what it waits for", async () => {
    await inLoop(async (loop) => {
      expect(inspect(NotedWait.in(loop))).toBe("<await of noted>");
    });
  });
});
