import { type EventLoop, type Operation, operation } from "@aio/loop";

/**
 * Makes one attempt after the other, each `delay` milliseconds after the last, or as soon as the last has failed.
 * The first that succeeds wins; the others are cancelled, and what they still come to is given to `discard`.
 *
 * Cancellation: all attempts are cancelled.
 *
 * @returns what the winner gave; undefined when all have failed.
 * @param failed told of each attempt that failed.
 */
export async function staggered<T>(
  loop: EventLoop,
  attempts: readonly (() => Promise<T>)[],
  delay: number,
  { failed, discard }: { failed: (error: Error) => void; discard: (loser: T) => void },
): Promise<T | undefined> {
  const decided = loop.createFuture<T | undefined>();
  const running = new Set<Operation<T>>();
  let started = 0;
  let timer = loop.callSoon(() => undefined) as { cancel(): void };

  const startNext = (): void => {
    timer.cancel();
    const attempt = attempts[started];
    if (attempt === undefined || decided.done) return;
    started += 1;
    const attempting = operation(attempt);
    running.add(attempting);
    attempting.then(
      (result) => {
        running.delete(attempting);
        if (decided.done) discard(result);
        else decided.setResult(result);
      },
      (error: unknown) => {
        running.delete(attempting);
        if (decided.done) return;
        failed(error as Error);
        startNext();
        if (running.size === 0) decided.setResult(undefined);
      },
    );
    if (started < attempts.length) timer = loop.callLater(delay, startNext);
  };

  startNext();
  try {
    return await decided;
  } catch (error) {
    // Done already, when it is cancelled in the very moment.
    const winner = decided.cancel() || decided.cancelled ? undefined : decided.result();
    if (winner !== undefined) discard(winner);
    throw error;
  } finally {
    timer.cancel();
    for (const attempting of running) attempting.cancel();
  }
}
