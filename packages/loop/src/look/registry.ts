import { runOutside } from "../context.ts";
import { lookAt } from "./look.ts";
import type { EventLoop } from "../loop.ts";
import { Measurement } from "./measurement.ts";
import { Scope } from "../scope.ts";
import { snapshotOf, titleOf } from "./snapshot-of.ts";
import type { SnapshotProvider, SnapshotRegistry } from "./snapshot.ts";

const loops = new Set<WeakRef<EventLoop>>();
const measurement = new Measurement(() => knownLoops());
const provider: SnapshotProvider = {
  snapshot: () => knownLoops().map((loop) => snapshotOf(loop)),
  // Whoever asks by the debug protocol interrupts a task, and is none of its business.
  look: (options) => runOutside(() => lookAt(knownLoops, options)),
  running: () => {
    const task = Scope.current?.task ?? null;
    return task === null ? null : titleOf(task);
  },
  measure: () => runOutside(() => measurement.take()),
  stopMeasuring: () => measurement.stop(),
};

/** Makes `loop` known to those who look at the program, as long as it lives. */
export function registerLoop(loop: EventLoop): void {
  loops.add(new WeakRef(loop));
  registry().providers.add(provider);
  measurement.begin(loop);
}

/** Makes it unknown. */
export function forgetLoop(loop: EventLoop): void {
  for (const reference of loops) if (reference.deref() === loop) loops.delete(reference);
}

/** The loops that exist and are not closed, in the order in which they were made. */
export function knownLoops(): EventLoop[] {
  const known: EventLoop[] = [];
  for (const reference of loops) {
    const loop = reference.deref();
    if (loop === undefined) loops.delete(reference);
    else known.push(loop);
  }
  return known;
}

/** Where those find it who come by the debug protocol, and other copies of this package. */
function registry(): SnapshotRegistry {
  const key = Symbol.for("@aio/inspect");
  const known = Reflect.get(globalThis, key) as SnapshotRegistry | undefined;
  if (known !== undefined) return known;
  const value: SnapshotRegistry = { version: 1, providers: new Set() };
  Object.defineProperty(globalThis, key, { value, configurable: true });
  return value;
}
