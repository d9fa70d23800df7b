import type { SnapshotProvider, SnapshotRegistry } from "@aio/loop";

/** Those who tell of the loops of this process: one of each copy of `@aio/loop` that has made one. */
export function providers(): SnapshotProvider[] {
  const registry = Reflect.get(globalThis, Symbol.for("@aio/inspect")) as
    | SnapshotRegistry
    | undefined;
  return [...(registry?.providers ?? [])];
}
