import { isMainThread, MessagePort, receiveMessageOnPort } from "node:worker_threads";
import { inspect } from "node:util";
import { RuntimeError } from "@aio/loop";
import { ConcurrentFuture } from "./concurrent-future.ts";
import type { LoopFunctions, LoopHandle, LoopPort } from "./loop-handle.ts";
import { ANSWER, CALL, CANCEL, type Message } from "./messages.ts";
import { type Link, workerState } from "./worker-state.ts";

type Arguments<F> = F extends (...args: infer A) => unknown ? A : never;
type Result<F> = F extends (...args: never[]) => infer R ? Awaited<R> : never;

/**
 * Has a function that a loop of another thread has exposed called there, as a callback; does not wait for it.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.call_soon_threadsafe | loop.call_soon_threadsafe}.
 * @param handle what `exposeLoop` has returned, as an argument of the job; or a port of it.
 * @throws RuntimeError when the loop is closed; TypeError when an argument cannot be sent.
 *
 * @example
 * ```ts
 * export function search(words: string[], handle: LoopHandle<{ found: (word: string) => void }>) {
 *   for (const word of words) if (matches(word)) callSoonThreadsafe(handle, "found", word);
 * }
 * ```
 */
export function callSoonThreadsafe<F extends LoopFunctions<F>, N extends keyof F & string>(
  handle: LoopHandle<F> | LoopPort<F>,
  name: N,
  ...args: Arguments<F[N]>
): void {
  const { link, id } = connect(handle);
  send(link, name, [CALL, null, id, name, args, null]);
}

/**
 * Has a function that a loop of another thread has exposed run there, as a coroutine.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-task.html#asyncio.run_coroutine_threadsafe | asyncio.run_coroutine_threadsafe}.
 * @returns its result, to be awaited, or to be waited for by `result(timeout)`, which blocks this thread.
 * @throws RuntimeError when the loop is closed; TypeError when an argument cannot be sent.
 *
 * @example
 * ```ts
 * const user = await runCoroutineThreadsafe(handle, "fetchUser", 7);
 * const other = runCoroutineThreadsafe(handle, "fetchUser", 8).result(1_000); // blocks for a second at most
 * ```
 */
export function runCoroutineThreadsafe<F extends LoopFunctions<F>, N extends keyof F & string>(
  handle: LoopHandle<F> | LoopPort<F>,
  name: N,
  ...args: Arguments<F[N]>
): ConcurrentFuture<Result<F[N]>> {
  const { link, id } = connect(handle);
  calls += 1;
  const call = calls;
  const bell = link.wait === null ? null : new Int32Array(new SharedArrayBuffer(4));
  const future = new ConcurrentFuture<Result<F[N]>>({
    name,
    wait: bell === null ? null : (timeout) => link.wait?.(bell, timeout) ?? false,
    cancel: (message) => link.post([CANCEL, call, id, message]),
  });
  link.expect(call, (isError, value) => future.settle(isError, value));
  send(link, name, [CALL, call, id, name, args, bell]);
  return future;
}

let calls = 0;

function send(link: Link, name: string, message: readonly [number, ...unknown[]]): void {
  try {
    link.post(message);
  } catch (error) {
    throw new TypeError(
      `The arguments of \`${name}\` cannot be sent to another thread: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

function connect<F>(handle: LoopHandle<F> | LoopPort<F>): { link: Link; id: number } {
  if (handle instanceof MessagePort) return { link: linkOf(handle), id: 0 };
  if (typeof handle !== "object" || !("id" in handle))
    throw new TypeError(
      `Expected \`handle\` to be what exposeLoop() has returned, got ${inspect(handle)}`,
    );
  if (Atomics.load(handle.closed, 0) !== 0)
    throw new RuntimeError("The event loop is closed, or what it had exposed was taken back");
  const { link } = workerState;
  if (link !== null) return { link, id: handle.id };
  throw new RuntimeError(
    isMainThread
      ? "This is for jobs in other threads; in the thread of the loop, call what you have exposed"
      : "This thread belongs to no executor; give it a port, by handle.port()",
  );
}

const links = new WeakMap<MessagePort, Link>();

/** The way to a loop over a port of its own. */
function linkOf(port: MessagePort): Link {
  const known = links.get(port);
  if (known !== undefined) return known;
  const answers = new Map<number, (isError: boolean, value: unknown) => void>();
  const receive = ([kind, call, isError, value]: Message): void => {
    if (kind !== ANSWER) return;
    const answer = answers.get(call as number);
    answers.delete(call as number);
    if (answers.size === 0) port.unref();
    answer?.(isError as boolean, value);
  };
  port.on("message", receive);
  port.unref();
  const link: Link = {
    post: (message) => port.postMessage(message),
    expect: (call, answer) => {
      answers.set(call, answer);
      port.ref();
    },
    wait: (bell, timeout) =>
      waitFor(bell, timeout, () => {
        for (
          let got = receiveMessageOnPort(port);
          got !== undefined;
          got = receiveMessageOnPort(port)
        )
          receive(got.message as Message);
      }),
  };
  links.set(port, link);
  return link;
}

/** Blocks until `bell` has rung, and has what has come then received. Returns false when the time has passed. */
function waitFor(bell: Int32Array, timeout: number, receive: () => void): boolean {
  const rang = Atomics.wait(bell, 0, 0, timeout) !== "timed-out";
  if (rang) receive();
  return rang;
}
