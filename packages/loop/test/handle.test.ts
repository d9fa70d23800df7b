import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { EventLoop, Handle, TimerHandle, VirtualClock } from "../src/index.ts";
import { runChild } from "./child.ts";
import { iterate } from "./in-loop.ts";

function login(_password: string): void {}
function tick(): void {}

describe("Handle", () => {
  test("is what callSoon returns", () => {
    const handle = new EventLoop().callSoon(() => undefined);

    expect(handle).toBeInstanceOf(Handle);
    expect(handle).not.toBeInstanceOf(TimerHandle);
  });

  test("keeps its callback from running when it is cancelled", async () => {
    const loop = new EventLoop();
    const calls: string[] = [];
    const handle = loop.callSoon(() => calls.push("cancelled"));
    loop.callSoon(() => calls.push("next"));

    handle.cancel();
    await iterate(loop);

    expect(calls).toEqual(["next"]);
  });

  test("can be cancelled by a callback of the same iteration", async () => {
    const loop = new EventLoop();
    const calls: string[] = [];
    loop.callSoon(() => handle.cancel());
    const handle = loop.callSoon(() => calls.push("cancelled"));

    await iterate(loop);

    expect(calls).toEqual([]);
  });

  test("is cancelled after cancel(), however often it is called", () => {
    const handle = new EventLoop().callSoon(() => undefined);
    const before = handle.cancelled;

    handle.cancel();
    handle.cancel();

    expect([before, handle.cancelled]).toEqual([false, true]);
  });

  test("is not cancelled by having run", async () => {
    const loop = new EventLoop();
    const handle = loop.callSoon(() => undefined);

    await iterate(loop);

    expect(handle.cancelled).toBe(false);
  });

  test("shows the name of its callback, and never its arguments", () => {
    const loop = new EventLoop({ debug: false });
    const handle = loop.callSoon(login, "secret");
    const before = inspect(handle);

    handle.cancel();

    expect([before, inspect(handle)]).toEqual(["<Handle login>", "<Handle cancelled login>"]);
  });
});

describe("TimerHandle", () => {
  test("is what callLater and callAt return", () => {
    const loop = new EventLoop();
    const handles = [loop.callLater(1, () => undefined), loop.callAt(1, () => undefined)];

    expect(handles.every((handle) => handle instanceof TimerHandle)).toBe(true);
  });

  test("tells when it is due, also when it has run and when it is cancelled", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ start: 100, isolated: true }) });
    const ran = loop.callLater(20, () => loop.stop());
    const cancelled = loop.callAt(130, () => undefined);

    cancelled.cancel();
    await loop.runForever();

    expect([ran.when, cancelled.when]).toEqual([120, 130]);
  });

  test("takes the time from the clock when it is cancelled: the loop does not wait for it", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ isolated: true }) });
    loop.callLater(1_000, () => undefined).cancel();
    loop.callLater(2_000, () => undefined).cancel();
    loop.callLater(10, () => loop.stop());

    await loop.runForever();

    expect(loop.time()).toBe(10);
  });

  test("frees its place and its callback at once when it is cancelled", async () => {
    const { output } = await runChild(new URL("fixtures/cancelled-timers.ts", import.meta.url));

    expect(output).toEqual(["callback collected: true", "grown by more than 10 MB: false"]);
  });

  test("does nothing when it is cancelled twice, or after it ran", async () => {
    const loop = new EventLoop({ clock: new VirtualClock({ isolated: true }) });
    const other = loop.callLater(20, () => loop.stop());
    const timer = loop.callLater(10, () => {
      timer.cancel();
      timer.cancel();
    });

    await loop.runForever();

    expect([loop.time(), other.cancelled]).toEqual([20, false]);
  });

  test("shows the name of its callback", () => {
    expect(inspect(new EventLoop().callLater(1, tick))).toBe("<TimerHandle tick>");
  });
});
