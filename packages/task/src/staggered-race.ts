import {
  checkMilliseconds,
  type Coroutine,
  getRunningLoop,
  type Operation,
  operation,
  throwIfCancelled,
} from "@aio/loop";
import { currentTask } from "./current.ts";
import { taskGroup } from "./task-group.ts";
import { moveOnAfter } from "./timeout.ts";

/** How a {@link staggeredRace} ended. */
export interface StaggeredOutcome<T> {
  /** The first that succeeded, and its place among the starters; null when none did. */
  readonly winner: { readonly value: T; readonly index: number } | null;
  /** What each that was started threw, in the order of the start; null for one that did not. */
  readonly errors: readonly unknown[];
}

/**
 * Starts the first of `starters`, and each next one when `delay` has passed or the one before has
 * failed. The first that succeeds wins: the others are cancelled and waited for.
 *
 * Cancellation: all of them are cancelled and waited for. One that ends with a cancellation by itself has failed.
 *
 * Counterpart of asyncio's semi-private `staggered_race`, which its happy eyeballs are built on.
 * @param delay milliseconds; null to start the next one only when the one before has failed.
 *
 * @example
 * ```ts
 * const { winner, errors } = await staggeredRace(addresses.map((to) => () => connect(to)), 250);
 * if (winner === null) throw new AggregateError(errors);
 * ```
 */
export function staggeredRace<C extends Coroutine<unknown>>(
  starters: Iterable<C>,
  delay: number | null,
): Operation<StaggeredOutcome<C extends Coroutine<infer T> ? T : never>>;
export function staggeredRace(
  starters: Iterable<Coroutine<unknown>>,
  delay: number | null,
): Operation<StaggeredOutcome<unknown>> {
  if (delay !== null) checkMilliseconds("delay", delay);
  return operation(async () => {
    let winner: StaggeredOutcome<unknown>["winner"] = null;
    const errors: unknown[] = [];
    await taskGroup(async (group) => {
      const attempt = async (
        start: Coroutine<unknown>,
        index: number,
        failed: () => void,
      ): Promise<void> => {
        try {
          const value = await start();
          winner ??= { value, index };
          group.cancel();
        } catch (error) {
          failed();
          if (currentTask()?.cancelling() !== 0) throwIfCancelled(error);
          errors[index] = error;
        }
      };
      for (const [index, start] of [...starters].entries()) {
        const failed = getRunningLoop().createFuture<undefined>();
        errors.push(null);
        void group.createTask(() =>
          attempt(start, index, () => {
            if (!failed.done) failed.setResult(undefined);
          }),
        );
        await moveOnAfter(delay, () => failed);
      }
    });
    return { winner, errors };
  });
}
