import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  EventLoop,
  type Figures,
  setLogger,
  type SnapshotProvider,
  type SnapshotRegistry,
} from "../../src/index.ts";
import { iterate } from "../in-loop.ts";

/** Who tells of the loops, as those find it who look from outside. */
function provider(): SnapshotProvider {
  const registry = Reflect.get(globalThis, Symbol.for("@aio/inspect")) as SnapshotRegistry;
  const [first] = registry.providers;
  if (first === undefined) throw new Error("No loop was made");
  return first;
}

/** A loop that is measured from now on. */
function measuredLoop(options?: ConstructorParameters<typeof EventLoop>[0]): EventLoop {
  const loop = new EventLoop(options);
  provider().measure();
  onTestFinished(() => {
    provider().stopMeasuring();
    loop.close();
  });
  return loop;
}

function measure(): Figures["loops"][number] {
  const figures = provider().measure().loops.at(-1);
  if (figures === undefined) throw new Error("The loop is not known");
  return figures;
}

function hold(milliseconds: number): void {
  for (const end = performance.now() + milliseconds; performance.now() < end;);
}

describe.each(["tick", "microtask"] as const)(
  "While a loop that drains by %s is measured,",
  (drain) => {
    test("its steps are counted", async () => {
      const loop = measuredLoop({ drain });
      for (let number = 0; number < 200; number += 1) loop.callSoon(() => undefined);

      await iterate(loop);
      const first = measure();
      await iterate(loop);

      expect(first.steps).toBeGreaterThanOrEqual(200);
      expect(measure().steps).toBeLessThan(10);
    });

    test("those of a loop that is made meanwhile are counted from the first on", async () => {
      measuredLoop({ drain });
      const later = new EventLoop({ drain });
      onTestFinished(() => later.close());
      for (let number = 0; number < 200; number += 1) later.callSoon(() => undefined);

      await iterate(later);

      expect(measure().steps).toBeGreaterThanOrEqual(200);
    });

    test("a step that takes long is told by name, with what it did in microtasks", async () => {
      const loop = measuredLoop({ drain });
      loop.callSoon(async function glutton() {
        await Promise.resolve();
        hold(30);
      });

      await iterate(loop);
      const { slowest, busy } = measure();

      expect(slowest[0]?.name).toBe("<Handle glutton>");
      expect(slowest[0]?.duration).toBeGreaterThanOrEqual(29);
      expect(busy).toBeGreaterThanOrEqual(29);
    });

    test("a slow one among many quick ones is told with how many it is among", async () => {
      const loop = measuredLoop({ drain });
      for (let number = 0; number < 500; number += 1) loop.callSoon(() => undefined);
      loop.callSoon(() => hold(30));
      for (let number = 0; number < 500; number += 1) loop.callSoon(() => undefined);

      await iterate(loop);
      const [slow] = measure().slowest;

      expect(slow?.duration).toBeGreaterThanOrEqual(29);
      expect(slow?.among).toBeLessThanOrEqual(64);
    });

    test("what waits is told", async () => {
      const loop = measuredLoop({ drain });
      loop.callLater(1_000_000, () => undefined);
      loop.callSoon(() => undefined);

      expect(measure()).toMatchObject({ ready: 1, timers: 1, tasks: 0 });
    });
  },
);

describe("A measurement", () => {
  test("knows of a callback that holds the loop while it is asked, and of all of it later", async () => {
    const loop = measuredLoop();
    let during: Figures | undefined;
    let all = 0;
    loop.callSoon(() => {
      const start = performance.now();
      hold(40);
      during = provider().measure();
      hold(40);
      all = performance.now() - start;
    });

    await iterate(loop);
    const busy = measure().busy;
    let worst = 0;
    await expect
      .poll(() => (worst = Math.max(worst, provider().measure().lag?.max ?? 0)))
      .toBeGreaterThanOrEqual(65);

    expect(during?.lag?.max).toBeGreaterThanOrEqual(25); // the timer is due after 10 ms
    expect(during?.loops.at(-1)?.busy).toBeGreaterThanOrEqual(39);
    expect(busy).toBeGreaterThanOrEqual(39);
    expect(busy).toBeLessThan(all - 1); // the rest was told before
  });

  test("begins with nothing, and tells of the time since the last question", async () => {
    const loop = new EventLoop();
    onTestFinished(() => loop.close());
    const begin = provider().measure();
    hold(20);
    const next = provider().measure();
    provider().stopMeasuring();

    expect(begin.period).toBe(0);
    expect(next.period).toBeGreaterThanOrEqual(20);
    expect(provider().measure().period).toBe(0);
    provider().stopMeasuring();
  });

  test("leaves the loop when it is stopped, or nobody asks for 30 seconds", () => {
    vi.useFakeTimers({ toFake: ["setImmediate", "setInterval", "clearInterval", "performance"] });
    onTestFinished(() => void vi.useRealTimers());
    const loop = new EventLoop();
    onTestFinished(() => loop.close());

    expect(loop.meter).toBeNull();
    provider().measure();
    expect(loop.meter).not.toBeNull();
    provider().stopMeasuring();
    expect(loop.meter).toBeNull();
    provider().measure();
    vi.advanceTimersByTime(20_000);
    provider().measure();
    vi.advanceTimersByTime(29_000);
    expect(loop.meter).not.toBeNull();
    vi.advanceTimersByTime(1_000);
    expect(loop.meter).toBeNull();
    vi.advanceTimersByTime(100);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("neither sets nor clears a timer while it is asked: that may interrupt Node in its work on them", () => {
    const loop = new EventLoop();
    onTestFinished(() => loop.close());
    const spies = (["setTimeout", "setInterval", "clearTimeout", "clearInterval"] as const).map(
      (name) => vi.spyOn(globalThis, name),
    );
    onTestFinished(() => void vi.restoreAllMocks());

    provider().measure();
    provider().measure();
    provider().stopMeasuring();

    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  });

  test("lets debug mode report slow callbacks, also when that is switched meanwhile", async () => {
    const warnings: string[] = [];
    setLogger({
      warn: (text) => warnings.push(text),
      error: vi.fn<(text: string) => void>(),
      debug: vi.fn<(text: string) => void>(),
    });
    onTestFinished(() => setLogger(null));
    const loop = measuredLoop();
    loop.debug = true;
    loop.slowCallbackDuration = 10;
    loop.callSoon(function glutton() {
      hold(20);
    });

    await iterate(loop);

    expect(warnings).toEqual([expect.stringMatching(/^Executing <Handle glutton> took \d+ ms$/)]);
    expect(measure().slowest[0]?.name).toBe("<Handle glutton>");
    provider().stopMeasuring();
    expect(loop.debug).toBe(true);
  });
});
