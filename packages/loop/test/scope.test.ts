import { describe, expect, onTestFinished, test } from "vitest";
import {
  CancelledError,
  EventLoop,
  type Future,
  operation,
  Scope,
  setLogger,
  Wait,
} from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

const cancelled = (message: string) =>
  expect.objectContaining({ name: "CancelledError", message }) as Error;

function ignore(): void {}

/** A wait of nothing in particular. */
class BareWait extends Wait<string> {
  wasAbandoned = false;

  protected override get label(): string {
    return "nothing";
  }

  protected override finish(): string {
    return "too early";
  }

  protected override interrupted(): void {}

  protected override abandon(): void {
    this.wasAbandoned = true;
  }
}

/** Three scopes inside each other. */
function nested(): [Scope, Scope, Scope] {
  const outer = new Scope(null);
  const middle = new Scope(outer);
  return [outer, middle, new Scope(middle)];
}

/** A scope with a wait inside that has moved from one scope to another. */
async function moved(loop: EventLoop): Promise<{
  from: Scope;
  to: Scope;
  future: Future<string>;
  work: Promise<string>;
}> {
  const from = new Scope();
  const to = new Scope();
  const scope = new Scope(from);
  const future = loop.createFuture<string>();
  const work = scope.run(async () => await future);
  await nextTurn(loop);
  scope.moveTo(to);
  return { from, to, future, work };
}

describe("Scope", () => {
  test("interrupts an await at the bottom of five plain async functions", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture();
      const cleaned: number[] = [];
      const five = async (depth: number): Promise<unknown> => {
        try {
          return depth === 5 ? await future : await five(depth + 1);
        } finally {
          cleaned.push(depth);
        }
      };
      const scope = new Scope();
      const work = scope.run(() => five(1));
      await nextTurn(loop);

      scope.cancel("enough", "group");

      await expect(work).rejects.toMatchObject({ message: "enough", reason: "group" });
      expect([cleaned, future.cancelled]).toEqual([[5, 4, 3, 2, 1], true]);
    });
  });

  test("remembers a request that comes before the first wait", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      scope.cancel("early");

      const work = scope.run(async () => await loop.createFuture());

      await expect(work).rejects.toThrow(new CancelledError("early"));
    });
  });

  test("remembers a request that comes inside a foreign promise", async () => {
    await inLoop(async (loop) => {
      const foreign = Promise.withResolvers<void>();
      const steps: string[] = [];
      const scope = new Scope();
      const work = scope.run(async () => {
        await foreign.promise;
        steps.push("behind the foreign promise");
        await loop.createFuture();
      });
      await nextTurn(loop);

      scope.cancel("remembered");
      await nextTurn(loop);
      const before = [...steps];
      foreign.resolve();

      await expect(work).rejects.toThrow(new CancelledError("remembered"));
      expect([before, steps]).toEqual([[], ["behind the foreign promise"]]);
    });
  });

  test("delivers a request of the code inside at its next wait", async () => {
    await inLoop(async (loop) => {
      const steps: string[] = [];
      const scope = new Scope();
      const work = scope.run(async () => {
        scope.cancel("by myself");
        steps.push("went on");
        await loop.createFuture();
      });

      await expect(work).rejects.toThrow(new CancelledError("by myself"));
      expect(steps).toEqual(["went on"]);
    });
  });

  test("does not count the await of what is done as a wait", async () => {
    await inLoop(async (loop) => {
      const done = loop.createFuture<string>();
      done.setResult("value");
      const scope = new Scope();
      scope.cancel("later");
      const work = scope.run(async () => {
        const value = await done;
        await expect((async () => await loop.createFuture())()).rejects.toThrow(CancelledError);
        return value;
      });

      expect(await work).toBe("value");
    });
  });

  test("throws instead of the result when the request comes between completion and waking", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<string>();
      const scope = new Scope();
      const work = scope.run(async () => await future);
      await nextTurn(loop);

      future.setResult("value");
      scope.cancel("at the last moment");

      await expect(work).rejects.toThrow(new CancelledError("at the last moment"));
      expect(future.result()).toBe("value");
    });
  });

  test("delivers a request once: the next wait is left alone", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<string>();
      const scope = new Scope();
      const work = scope.run(async () => {
        await expect((async () => await loop.createFuture())()).rejects.toThrow(CancelledError);
        return await future;
      });
      scope.cancel();
      await nextTurn(loop);

      future.setResult("went on");

      expect(await work).toBe("went on");
    });
  });

  test("interrupts every branch that waits, in the order in which they began", async () => {
    await inLoop(async (loop) => {
      const order: string[] = [];
      const branch = async (name: string): Promise<void> => {
        try {
          await loop.createFuture();
        } catch {
          order.push(name);
        }
      };
      const scope = new Scope();
      const work = scope.run(() => Promise.all(["a", "b", "c"].map((name) => branch(name))));
      await nextTurn(loop);

      scope.cancel();
      await work;

      expect(order).toEqual(["a", "b", "c"]);
    });
  });

  test("interrupts also the branches that have been woken and have not gone on yet", async () => {
    await inLoop(async (loop) => {
      const good = loop.createFuture<string>();
      const bad = loop.createFuture<string>();
      const woken = new BareWait(loop);
      const scope = new Scope();
      const work = scope.run(() => {
        const branches = [
          async () => await loop.createFuture<string>(),
          async () => await good,
          async () => await bad,
          async () => await operation(async () => await woken.begin()),
        ];
        return Promise.allSettled(branches.map((branch) => branch()));
      });
      await nextTurn(loop);
      good.setResult("too early");
      bad.setException(new Error("too early"));
      woken.wake();

      scope.cancel("all of you");

      const outcomes = await work;
      expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => "rejected"));
      for (const outcome of outcomes)
        expect(outcome).toMatchObject({ reason: { message: "all of you" } });
      expect(woken.wasAbandoned).toBe(true);
    });
  });

  test("interrupts all branches when each of them has just been woken", async () => {
    await inLoop(async (loop) => {
      const futures = [1, 2, 3].map(() => loop.createFuture<string>());
      const scope = new Scope();
      const work = scope.run(() => Promise.allSettled(futures.map(async (future) => await future)));
      await nextTurn(loop);
      for (const future of futures) future.setResult("too early");

      scope.cancel("all of you");

      for (const outcome of await work)
        expect(outcome).toMatchObject({ reason: { message: "all of you" } });
      expect(scope.owed).toBeNull();
    });
  });

  test("leaves waits outside of it alone", async () => {
    await inLoop(async (loop) => {
      const outside = loop.createFuture();
      const inside = loop.createFuture();
      const around = new Scope();
      const scope = new Scope(around);
      const work = [
        around.run(async () => await outside),
        scope.run(async () => await inside),
      ] as const;
      await nextTurn(loop);

      scope.cancel();

      await expect(work[1]).rejects.toThrow(CancelledError);
      expect([inside.cancelled, outside.done]).toEqual([true, false]);
    });
  });

  test("interrupts waits in the scopes inside", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      const work = scope.run(() =>
        new Scope().run(() => new Scope().run(async () => await loop.createFuture())),
      );
      await nextTurn(loop);

      scope.cancel("from far outside");

      await expect(work).rejects.toThrow(new CancelledError("from far outside"));
    });
  });

  test("remembers a request for the waits in scopes that are made inside later", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      scope.cancel("remembered");

      const work = scope.run(() => new Scope().run(async () => await loop.createFuture()));

      await expect(work).rejects.toThrow(new CancelledError("remembered"));
    });
  });

  test("is cancelled through wait and clean-up when clean-up waits too", async () => {
    await inLoop(async (loop) => {
      const cleanup = loop.createFuture();
      const scope = new Scope();
      const work = scope.run(async () => {
        try {
          await loop.createFuture();
        } finally {
          await cleanup;
        }
      });
      await nextTurn(loop);
      scope.cancel("first");
      await nextTurn(loop);

      scope.cancel("second");

      await expect(work).rejects.toThrow(new CancelledError("second"));
      expect(scope.requests).toBe(2);
    });
  });

  test("shows in the stack of the error who asked, in debug mode", async () => {
    await inLoop(
      async (loop) => {
        const scope = new Scope();
        const work = scope.run(async () => await loop.createFuture());
        await nextTurn(loop);

        (function whoAsks() {
          scope.cancel();
        })();

        await expect(work).rejects.toMatchObject({
          stack: expect.stringContaining("whoAsks") as string,
        });
      },
      { debug: true },
    );
  });

  test("is the current scope of the code inside, and no other's", () => {
    const scope = new Scope(null);

    expect([Scope.current, scope.run(() => Scope.current)]).toEqual([undefined, scope]);
  });

  test("is made inside the current one, with its task, unless it is given another", () => {
    const task = { name: "task" };
    const outer = new Scope(null, task);
    const inner = outer.run(() => new Scope());
    const alone = outer.run(() => new Scope(null));

    expect([inner.parent, inner.task, alone.parent, alone.task]).toEqual([outer, task, null, null]);
  });

  test("lists what is inside, oldest first, and describes it", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      void scope.run(async () => await loop.createFuture());
      const inner = new Scope(scope);
      await nextTurn(loop);

      expect(scope.nodes().indexOf(inner)).toBe(0);
      expect([scope.nodes().length, scope.describe()]).toEqual([2, "<Future pending>"]);
    });
  });

  test("has nothing inside any more when the waits are over", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      await scope.run(async () => {
        const futures = [1, 2, 3].map(() => loop.createFuture<undefined>());
        for (const future of futures) loop.callSoon(() => future.setResult(undefined));
        await Promise.all(futures);
      });

      expect(scope.nodes()).toEqual([]);
    });
  });
});

describe("A closed Scope", () => {
  test("refuses requests", () => {
    const scope = new Scope(null);
    scope.close();
    scope.close();

    expect([scope.cancel(), scope.requests, scope.closed]).toEqual([false, 0, true]);
  });

  test("lets go of what still waits inside, which goes on by itself", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<string>();
      const around = new Scope();
      const scope = new Scope(around);
      const work = scope.run(async () => await future);
      await nextTurn(loop);

      scope.close();
      around.cancel();
      const isDone = future.done;
      future.setResult("went on");

      expect([await work, isDone]).toEqual(["went on", false]);
    });
  });

  test("ties no later wait to itself", async () => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<string>();
      const around = new Scope();
      const scope = new Scope(around);
      scope.close();
      const work = scope.run(async () => await future);
      await nextTurn(loop);

      around.cancel();
      future.setResult("went on");

      expect(await work).toBe("went on");
    });
  });

  test("reports a branch that still waits in debug mode", async () => {
    const warnings: string[] = [];
    setLogger({ error: ignore, warn: (message) => warnings.push(message), debug: ignore });
    onTestFinished(() => setLogger(null));

    await inLoop(
      async (loop) => {
        const scope = new Scope();
        void scope.run(async () => await loop.createFuture());
        await nextTurn(loop);
        scope.close();
      },
      { debug: true },
    );

    expect(warnings).toEqual([
      expect.stringMatching(
        /ends while a branch of it still waits for <Future pending.*>; await all/,
      ),
    ]);
  });
});

describe("The requests of a scope", () => {
  test("are counted for itself, around it, and inside it", () => {
    const [outer, middle, inner] = nested();
    outer.cancel();
    middle.cancel();
    middle.cancel();
    inner.cancel();

    expect([outer.requests, middle.requests, inner.requests]).toEqual([1, 2, 1]);
    expect([outer.requestsAround(), middle.requestsAround(), inner.requestsAround()]).toEqual([
      1, 3, 4,
    ]);
    expect([outer.requestsInside(), middle.requestsInside(), inner.requestsInside()]).toEqual([
      4, 3, 1,
    ]);
  });

  test("are taken back by takeBack, nearest first, which tells how many are left around", () => {
    const [outer, middle] = nested();
    outer.cancel();
    middle.cancel();

    expect([middle.takeBack(), middle.takeBack(), outer.takeBack()]).toEqual([1, 0, 0]);
  });

  test("are taken back by uncancel, outermost first, which tells how many are left inside", () => {
    const [outer, middle, inner] = nested();
    outer.cancel();
    inner.cancel();
    inner.cancel();

    expect([outer.uncancel(), outer.requests, inner.requests]).toEqual([2, 0, 2]);
    expect([middle.uncancel(), outer.uncancel(), outer.uncancel()]).toEqual([1, 0, 0]);
  });

  test.each([
    ["takeBack", (scope: Scope) => scope.takeBack()],
    ["uncancel", (scope: Scope) => scope.uncancel()],
  ])("lapse when %s takes the last one back before it is delivered", async (_name, takeBack) => {
    await inLoop(async (loop) => {
      const future = loop.createFuture<string>();
      const scope = new Scope();
      scope.cancel();
      takeBack(scope);

      const work = scope.run(async () => await future);
      await nextTurn(loop);
      future.setResult("value");

      expect(await work).toBe("value");
    });
  });

  test("stay owed when another one is left", async () => {
    await inLoop(async (loop) => {
      const scope = new Scope();
      scope.cancel("first");
      scope.cancel("second");
      scope.uncancel();

      const work = scope.run(async () => await loop.createFuture());

      await expect(work).rejects.toThrow(new CancelledError("second"));
    });
  });

  test.each([
    ["outer", "inner"],
    ["inner", "outer"],
  ])("are delivered together, with the newest message: %s, then %s", async (first, second) => {
    await inLoop(async (loop) => {
      const outer = new Scope();
      const inner = new Scope(outer);
      const named: Record<string, Scope> = { outer, inner };
      named[first]?.cancel(first);
      named[second]?.cancel(second);
      const future = loop.createFuture<string>();

      const work = inner.run(async () => {
        await expect((async () => await loop.createFuture())()).rejects.toEqual(cancelled(second));
        return await future;
      });
      await nextTurn(loop);
      await nextTurn(loop);
      future.setResult("went on");

      expect([await work, inner.owed, outer.owed]).toEqual(["went on", null, null]);
    });
  });

  test("remember the newest one that was not accepted at once, also after its delivery", () => {
    const [outer, , inner] = nested();
    inner.cancel("owed");

    const taken = inner.takeOwed();

    expect([taken?.message, inner.owed, outer.lastOwed]).toEqual(["owed", null, taken]);
  });

  test("are made anew by renew, on the nearest scope that counts one", () => {
    const [outer, middle, inner] = nested();
    outer.cancel("outer", "deadline");
    outer.takeOwed();

    inner.renew();

    expect([inner.owed?.reason, middle.requests, outer.owed?.message]).toEqual([
      "deadline",
      0,
      undefined,
    ]);
  });

  test("are not made anew when there is none", () => {
    const [, , inner] = nested();

    inner.renew();

    expect(inner.owed).toBeNull();
  });
});

describe("close", () => {
  class HandsOn extends Scope {
    protected override get handsOn(): boolean {
      return true;
    }
  }

  test("lets what is owed lapse", () => {
    const outer = new Scope(null);
    const inner = new Scope(outer);
    outer.cancel("outer");
    outer.takeOwed();
    inner.cancel("inner");

    inner.close();

    expect(outer.owed).toBeNull();
  });

  test("passes what is owed to the scope around, for a scope that hands on, when somebody there asks", () => {
    const outer = new Scope(null);
    const inner = new HandsOn(outer);
    outer.cancel("outer");
    outer.takeOwed();
    inner.cancel("inner");

    inner.close();

    expect(outer.owed?.message).toBe("inner");
  });

  test("passes nothing on when nobody around asks", () => {
    const outer = new Scope(null);
    const inner = new HandsOn(outer);
    inner.cancel("inner");

    inner.close();

    expect(outer.owed).toBeNull();
  });
});

describe("moveTo", () => {
  test("takes the waits inside away from the scope around", async () => {
    await inLoop(async (loop) => {
      const { from, future, work } = await moved(loop);

      from.cancel();
      future.setResult("untouched");

      expect(await work).toBe("untouched");
    });
  });

  test("ties the waits inside to the new scope", async () => {
    await inLoop(async (loop) => {
      const { to, work } = await moved(loop);

      to.cancel("from the new scope");

      await expect(work).rejects.toThrow(new CancelledError("from the new scope"));
    });
  });

  test("ties them to none when given null", async () => {
    await inLoop(async (loop) => {
      const from = new Scope();
      const scope = new Scope(from);
      scope.moveTo(null);

      expect([scope.parent, from.nodes(), loop.isRunning]).toEqual([null, [], true]);
    });
  });

  test("does nothing to a closed scope, or into one", () => {
    const closed = new Scope(null);
    closed.close();
    const open = new Scope(null);
    const scope = new Scope(open);

    scope.moveTo(closed);
    closed.moveTo(open);

    expect([scope.parent, closed.parent]).toEqual([open, null]);
  });
});
