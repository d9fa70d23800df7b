import { findAwaitStack } from "./await-stack.ts";
import type { EventLoop } from "./loop.ts";
import { snapshotOf } from "./snapshot-of.ts";
import type { LookOptions, LoopSnapshot } from "./snapshot.ts";

// So many waits are looked at in one go: well under a millisecond.
const SLICE = 50;

/** Takes a look at `loops` between two steps, having found the lines where their tasks wait, a slice at a time. */
export async function lookAt(
  loops: () => readonly EventLoop[],
  { frames = true }: LookOptions = {},
): Promise<{ readonly loops: readonly LoopSnapshot[]; readonly pause: number }> {
  let pause = 0;
  const work = <T>(slice: () => T): T => {
    const start = performance.now();
    const result = slice();
    pause = Math.max(pause, performance.now() - start);
    return result;
  };
  if (frames) {
    await nextTurn();
    const waits = work(() => loops().flatMap((loop) => loop.scope.waits()));
    for (let first = 0; first < waits.length; first += SLICE) {
      work(() => waits.slice(first, first + SLICE).forEach(findAwaitStack));
      await nextTurn();
    }
  }
  await nextTurn();
  return { loops: work(() => loops().map((loop) => snapshotOf(loop))), pause };
}

/** A moment between two steps: outside of the loop, which may be stopped. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
