import type { EventLoop } from "@aio/loop";

/** What is closed together with its loop. */
interface Closable {
  loopClosed(): void;
}

// One entry at the loop for all of its transports, instead of one for each.
const openIn = new WeakMap<EventLoop, Set<Closable>>();

/** Has `transport` told when `loop` is closed. */
export function addOpen(loop: EventLoop, transport: Closable): void {
  let open = openIn.get(loop);
  if (open === undefined) {
    const all = new Set<Closable>();
    open = all;
    openIn.set(loop, all);
    loop.atClose(() => {
      for (const each of all) each.loopClosed();
      all.clear();
    });
  }
  open.add(transport);
}

/** Has it told no more. */
export function removeOpen(loop: EventLoop, transport: Closable): void {
  openIn.get(loop)?.delete(transport);
}
