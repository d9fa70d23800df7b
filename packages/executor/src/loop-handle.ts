import { inspect } from "node:util";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import {
  checkFunction,
  type EventLoop,
  getRunningLoop,
  type Operation,
  operation,
  RuntimeError,
  runOutside,
} from "@aio/loop";
import { ANSWER, CALL, type Message } from "./messages.ts";
import { packError } from "./pack-error.ts";

/** Functions of a loop's thread that other threads may call, by name. */
export type LoopFunctions<F> = { readonly [N in keyof F]: (...args: never[]) => unknown };

/** A port to a loop, for a thread that belongs to no executor. */
export type LoopPort<F> = MessagePort & { readonly functions?: F };

/** How a loop is exposed. */
export interface ExposeLoopOptions {
  /**
   * Starts the work of `runCoroutineThreadsafe`: give it `createTask` of `@aio/task`, to have it run as a
   * task. By default it runs in a scope of its own, with no current task.
   */
  readonly createTask?: (<T>(coroutine: () => PromiseLike<T> | T) => Operation<T>) | undefined;
}

/**
 * What another thread needs to call functions of this one: an argument like any other for jobs of a
 * {@link ThreadPoolExecutor}. See {@link exposeLoop}.
 */
export class LoopHandle<F> {
  declare readonly functions?: F;
  readonly id: number;
  /** Whether it was closed, seen from every thread. */
  readonly closed: Int32Array;

  constructor(id: number, closed: Int32Array) {
    this.id = id;
    this.closed = closed;
  }

  /** Returns a new port, to be moved to a thread that belongs to no executor. It keeps no process alive. */
  port(): LoopPort<F> {
    const { port1, port2 } = new MessageChannel();
    const { id } = this;
    const target: CallTarget = { post: (message) => port1.postMessage(message) };
    runOutside(() => {
      port1.on("message", ([kind, ...rest]: Message) => {
        if (kind === CALL) answerCall([rest[0], id, ...rest.slice(2)], target);
        else cancelCall(rest, target);
      });
    });
    port1.unref();
    exposed.get(id)?.ports.push(port1);
    return port2;
  }

  /** Takes the functions back: later calls of other threads fail. Done by itself when the loop is closed. */
  close(): void {
    const entry = exposed.get(this.id);
    if (entry === undefined) return;
    exposed.delete(this.id);
    Atomics.store(this.closed, 0, 1);
    for (const call of entry.calls.values()) call.end(closedError());
    for (const port of entry.ports) port.close();
    entry.forget();
  }
}

interface Exposed {
  readonly loop: EventLoop;
  readonly functions: Readonly<Record<string, (...args: unknown[]) => unknown>>;
  readonly options: ExposeLoopOptions;
  readonly calls: Map<string, Call>;
  readonly ports: MessagePort[];
  forget: () => void;
}

/** A call that another thread waits for. */
interface Call {
  work: Operation<unknown> | null;
  cancelled: { readonly message: string | undefined } | null;
  end(error: Error): void;
}

/** Who gets the answers. */
interface CallTarget {
  post(message: Message): void;
}

const exposed = new Map<number, Exposed>();
let exposedEver = 0;

/**
 * Lets other threads call `functions` in this one, as callbacks and tasks of the running loop: by
 * `callSoonThreadsafe` and `runCoroutineThreadsafe`, with the handle that this returns.
 *
 * asyncio's threads share all objects, ours share none: so what may be called is named here, and arguments
 * and results are copied.
 * @throws RuntimeError when no loop runs; TypeError when one of `functions` is no function.
 *
 * @example
 * ```ts
 * const handle = exposeLoop({ found: (word: string) => console.log(word) });
 * await toThread(search, words, handle); // there: callSoonThreadsafe(handle, "found", word)
 * ```
 */
export function exposeLoop<F extends LoopFunctions<F>>(
  functions: F,
  options: ExposeLoopOptions = {},
): LoopHandle<F> {
  if (typeof functions !== "object" || functions === null)
    throw new TypeError(
      `Expected \`functions\` to be an object with functions, got ${inspect(functions)}`,
    );
  for (const [name, fn] of Object.entries(functions)) checkFunction(`functions.${name}`, fn);
  const loop = getRunningLoop();
  exposedEver += 1;
  const handle = new LoopHandle<F>(exposedEver, new Int32Array(new SharedArrayBuffer(4)));
  exposed.set(handle.id, {
    loop,
    functions: { ...functions } as unknown as Exposed["functions"],
    options,
    calls: new Map<string, Call>(),
    ports: [],
    forget: loop.atClose(() => handle.close()),
  });
  return handle;
}

const idOf = new WeakMap<CallTarget, number>();
let targets = 0;

/** Calls of different workers may have the same number. */
function callKey(target: CallTarget, call: unknown): string {
  const id = idOf.get(target) ?? (targets += 1);
  idOf.set(target, id);
  return `${id}:${String(call)}`;
}

/** Does what a worker has asked for: [call, handle, name, args, bell]; a call without a number wants no answer. */
export function answerCall(
  [call, id, name, args, bell]: readonly unknown[],
  target: CallTarget,
): void {
  const answer = (isError: boolean, value: unknown): void => {
    try {
      target.post([ANSWER, call, isError, value]);
    } catch (error) {
      target.post([
        ANSWER,
        call,
        true,
        packError(
          new TypeError(`The result of \`${String(name)}\` cannot be sent to a worker`, {
            cause: error,
          }),
        ),
      ]);
    }
    if (!(bell instanceof Int32Array)) return;
    Atomics.add(bell, 0, 1);
    Atomics.notify(bell, 0);
  };
  const entry = exposed.get(id as number);
  if (entry === undefined) {
    if (call !== null) answer(true, packError(closedError()));
    return;
  }
  const fn = entry.functions[String(name)];
  if (fn === undefined) {
    const error = new TypeError(
      `The loop exposes no \`${String(name)}\`; it has ${Object.keys(entry.functions)
        .map((known) => `\`${known}\``)
        .join(", ")}`,
    );
    if (call === null)
      entry.loop.callExceptionHandler({
        message: "A worker has called what is not there",
        exception: error,
      });
    else answer(true, packError(error));
    return;
  }
  if (call === null) {
    runOutside(() => entry.loop.callSoonThreadsafe(fn, ...(args as unknown[])));
    return;
  }
  const key = callKey(target, call);
  const over = (isError: boolean, value: unknown): void => {
    if (entry.calls.delete(key)) answer(isError, value);
  };
  const started: Call = {
    work: null,
    cancelled: null,
    end: (error) => over(true, packError(error)),
  };
  entry.calls.set(key, started);
  runOutside(() =>
    entry.loop.callSoonThreadsafe(() =>
      start(entry, started, () => fn(...(args as unknown[])), over),
    ),
  );
}

/** Cancels what a worker has asked for: [call, handle, message]. */
export function cancelCall([call, id, message]: readonly unknown[], target: CallTarget): void {
  const started = exposed.get(id as number)?.calls.get(callKey(target, call));
  if (started === undefined) return;
  started.cancelled = { message: message as string | undefined };
  started.work?.cancel(started.cancelled.message);
}

function start(
  { options, loop }: Exposed,
  call: Call,
  coroutine: () => unknown,
  over: (isError: boolean, value: unknown) => void,
): void {
  const { createTask = operation } = options;
  try {
    call.work = createTask(coroutine);
  } catch (error) {
    over(true, packError(error));
    loop.callExceptionHandler({
      message: "A task for another thread could not be made",
      exception: error,
    });
    return;
  }
  call.work.then(
    (value) => over(false, value),
    (error: unknown) => over(true, packError(error)),
  );
  if (call.cancelled !== null) call.work.cancel(call.cancelled.message);
}

function closedError(): RuntimeError {
  return new RuntimeError("The event loop is closed, or what it had exposed was taken back");
}
