import { findAwaitStack, isLookedAt } from "./await-stack.ts";
import type { EventLoop } from "../loop.ts";
import type { ScopeNode } from "../scope.ts";
import { snapshotOf } from "./snapshot-of.ts";
import type { Look, LookOptions } from "./snapshot.ts";

// So many waits are looked at in one go: in a millisecond or less.
const SLICE = 100;
// A look at a stack takes fewer microtasks than this.
const MICROTASKS = 10;

/**
 * Takes a look at `loops` between two steps, having found the lines where their tasks wait: those of many
 * tasks a slice at a time, so that the program goes on in between.
 */
export async function lookAt(
  loops: () => readonly EventLoop[],
  { frames = true }: LookOptions = {},
): Promise<Look> {
  let pause = 0;
  let start = 0;
  const resume = async (): Promise<void> => {
    await nextTurn();
    start = performance.now();
  };
  const rest = (): void => {
    pause = Math.max(pause, performance.now() - start);
  };
  const newWaits = (): ScopeNode[] =>
    loops().flatMap((loop) => loop.scope.waits().filter((wait) => !isLookedAt(wait)));

  await resume();
  let waits = frames ? newWaits() : [];
  while (waits.length > SLICE) {
    for (const wait of waits.splice(0, SLICE)) findAwaitStack(wait);
    rest();
    await resume();
  }
  // Those that are left, and those that have come in between; then, before the next step, the look itself.
  waits = frames ? newWaits().slice(0, SLICE) : [];
  for (const wait of waits) findAwaitStack(wait);
  for (let left = waits.length > 0 ? MICROTASKS : 0; left > 0; left -= 1) await Promise.resolve();
  const snapshots = loops().map((loop) => snapshotOf(loop));
  rest();
  return { loops: snapshots, pause };
}

/** A moment between two steps: not by the loop, which may be stopped. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
