import { inspect } from "node:util";
import { CancelRequest, type Operation, operation } from "@aio/loop";
import type { Waiter } from "./waiter.ts";

/** Options of everything that waits. */
export interface WaitOptions {
  /** Cancels the wait when it is aborted: `CancelledError` is thrown, with the reason `"signal"`. */
  readonly signal?: AbortSignal | undefined;
}

/** An operation that throws at once when the signal in `options` is aborted already, or is none; else undefined. */
export function refusedBy(options: WaitOptions | undefined): Operation<never> | undefined {
  const signal: unknown = options?.signal;
  if (signal === undefined) return undefined;
  if (!(signal instanceof AbortSignal))
    return refused(
      new TypeError(
        `Expected \`signal\` to be an AbortSignal, got ${inspect(signal, { depth: 0 })}`,
      ),
    );
  return signal.aborted ? refused(requestOf(signal).error) : undefined;
}

/** Has `waiter`, which has begun, follow the signal in `options`, if any. Returns it. */
export function following<W extends Waiter<unknown>>(
  waiter: W,
  options: WaitOptions | undefined,
): W {
  const signal = options?.signal;
  if (signal === undefined) return waiter;
  const abort = (): void => void waiter.request(requestOf(signal));
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  waiter.whenOver(() => signal.removeEventListener("abort", abort));
  return waiter;
}

/** An operation that throws `error`. */
export function refused(error: unknown): Operation<never> {
  return operation(() => {
    throw error;
  });
}

function requestOf({ reason }: AbortSignal): CancelRequest {
  const message = reason instanceof Error ? reason.message : inspect(reason);
  return new CancelRequest(message, "signal");
}
