import { channel } from "node:diagnostics_channel";
import { inspect } from "node:util";
import { checkFunction, checkMilliseconds, checkPlainFunction, show } from "./arguments.ts";
import { Scope, type ScopeNode } from "./scope.ts";
import { AsyncGenerators } from "./async-generators.ts";
import { type Clock, SystemClock } from "./clock.ts";
import { isDebugDefault, recordCreation } from "./debug.ts";
import type { DrainPath } from "./drain.ts";
import { deadlockOf, findWaits } from "./deadlock.ts";
import { leavesLoop, RuntimeError } from "./errors.ts";
import { type ExceptionContext, type ExceptionHandler, logException } from "./exception-handler.ts";
import { Future, isFuture } from "./future.ts";
import { Handle, TimerHandle } from "./handle.ts";
import type { Meter } from "./look/meter.ts";
import { Pump } from "./pump.ts";
import { RecentCancellations } from "./look/recent-cancellations.ts";
import { forgetLoop, registerLoop } from "./look/registry.ts";
import { runningLoop, setRunningLoop } from "./running.ts";
import { SignalHandlers } from "./signals.ts";
import { SlowSteps } from "./slow-steps.ts";
import type { Step, Timer } from "./step.ts";
import type { Unretrieved } from "./unretrieved.ts";

/** How a loop is made. */
export interface EventLoopOptions {
  /** Where it gets its time from: the system's clock by default. */
  readonly clock?: Clock | undefined;
  /** Debug mode: by default on when `AIO_DEBUG` is set, or `NODE_DEBUG` names `aio`. */
  readonly debug?: boolean | undefined;
  /** How microtasks are drained between two callbacks: by default the fastest way that the host has. */
  readonly drain?: DrainPath | undefined;
}

/** What a loop has to do. */
export interface Workload {
  /** The steps that are ready, in their order. */
  readonly ready: readonly Step[];
  /** How many timers are set. */
  readonly timers: number;
  /** When the next timer is due, in milliseconds of the loop's clock; Infinity when none is set. */
  readonly nextTimer: number;
}

/**
 * Runs callbacks, timers and the steps of tasks, one at a time, in the order in which they became
 * ready. Most programs use it through `run(main)` of `@aio/task`.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html | asyncio's event loop}.
 * Running it gives a promise, since a JavaScript thread cannot block.
 *
 * @example
 * ```ts
 * const loop = new EventLoop();
 * loop.callSoon(() => console.log("first"));
 * loop.callLater(100, () => loop.stop());
 * await loop.runForever();
 * loop.close();
 * ```
 */
export class EventLoop {
  /** Where it gets its time from. */
  readonly clock: Clock;
  /** In debug mode, a callback that takes at least so many milliseconds is reported. */
  slowCallbackDuration = 100;
  /** In debug mode, a task that was cancelled and still runs after so many milliseconds is reported. */
  slowCancellationDuration = 1_000;
  /** The outermost scope: inside are those of all tasks that are not done, in the order of their creation. */
  readonly scope: Scope = new Scope(null);
  /** The exceptions of Futures that nobody has looked at yet. */
  readonly unretrieved: Set<Unretrieved> = new Set<Unretrieved>();
  /** The tasks that were cancelled last, for reports. */
  readonly cancelled: RecentCancellations = new RecentCancellations();
  readonly #pump: Pump;
  #slowSteps: SlowSteps | null = null;
  readonly #signals = new SignalHandlers();
  readonly #asyncGens = new AsyncGenerators();
  readonly #closers = new Set<() => void>();
  readonly #shutdownSteps = new Set<() => PromiseLike<void>>();
  #exceptionHandler: ExceptionHandler | null = null;
  #closed = false;
  #run: PromiseWithResolvers<void> | null = null;
  #failure: { readonly error: unknown } | null = null;

  constructor({
    clock = new SystemClock(),
    debug = isDebugDefault(),
    drain,
  }: EventLoopOptions = {}) {
    checkClock(clock);
    this.clock = clock;
    this.#pump = new Pump(
      clock,
      { stopped: () => this.#stopped(), deadlocked: () => this.#deadlocked() },
      drain,
    );
    this.debug = debug;
    if (debug) unclosed.register(this, undefined, this);
    registerLoop(this);
  }

  /** Whether it runs, also seen from inside a callback. */
  get isRunning(): boolean {
    return this.#run !== null;
  }

  /** Whether {@link EventLoop.close} was called. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** Debug mode: reports slow callbacks, and where the things in reports were made. */
  get debug(): boolean {
    return this.#slowSteps !== null;
  }

  set debug(debug: boolean) {
    this.#slowSteps = debug ? new SlowSteps(this) : null;
    this.#observe(this.meter);
  }

  /** What counts and times its steps, while somebody measures; else null. For reports. */
  get meter(): Meter | null {
    return this.#pump.meter;
  }

  set meter(meter: Meter | null) {
    this.#observe(meter);
  }

  /** The time of its clock, in milliseconds since an arbitrary moment. */
  time(): number {
    return this.clock.now();
  }

  /**
   * Has `callback(...args)` called in the next iteration, in the async context of this call, and
   * with no current task.
   * @throws {@link RuntimeError} when the loop is closed; TypeError when `callback` is not a function.
   */
  callSoon<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): Handle {
    this.#checkCallback(callback);
    const handle = new Handle(this, bind(callback, args), callback.name);
    this.#created(handle);
    this.#pump.enqueue(handle);
    return handle;
  }

  /** {@link EventLoop.callSoon}, under the name that asyncio has for other threads. A loop here belongs to one thread. */
  callSoonThreadsafe<A extends unknown[]>(callback: (...args: A) => unknown, ...args: A): Handle {
    return this.callSoon(callback, ...args);
  }

  /**
   * Has `callback(...args)` called `delay` milliseconds from now. Zero and less mean: in the next
   * iteration, behind what is ready already. Equal times keep the order of the calls.
   * @param delay milliseconds; `Infinity` for never.
   * @throws TypeError or RangeError when `delay` is not a number of milliseconds; {@link RuntimeError} when the loop is closed.
   */
  callLater<A extends unknown[]>(
    delay: number,
    callback: (...args: A) => unknown,
    ...args: A
  ): TimerHandle {
    checkMilliseconds("delay", delay);
    return this.callAt(this.time() + delay, callback, ...args);
  }

  /**
   * Has `callback(...args)` called when the clock shows `when`, in milliseconds of {@link EventLoop.time}.
   * @throws as {@link EventLoop.callLater} does.
   */
  callAt<A extends unknown[]>(
    when: number,
    callback: (...args: A) => unknown,
    ...args: A
  ): TimerHandle {
    checkMilliseconds("when", when);
    this.#checkCallback(callback);
    const timer = new TimerHandle(this, when, bind(callback, args), callback.name);
    this.#created(timer);
    this.#pump.addTimer(timer, when);
    return timer;
  }

  /** Returns a new Future of this loop. */
  createFuture<T>(): Future<T> {
    return new Future<T>({ loop: this });
  }

  /** Makes `step` ready: the cheap way, for primitives. Does nothing when the loop is closed. */
  enqueue(step: Step): void {
    if (!this.#closed) this.#pump.enqueue(step);
  }

  /**
   * Sets a timer for `when`, in milliseconds of the loop's clock: the cheap way, for primitives.
   * @throws {@link RuntimeError} when the loop is closed.
   */
  addTimer(timer: Timer, when: number): void {
    this.#checkOpen();
    this.#pump.addTimer(timer, when);
  }

  /** Takes a timer out; does nothing when it is not set. */
  removeTimer(timer: Timer): void {
    this.#pump.removeTimer(timer);
  }

  /** Calls `callback` when the running step has come to rest, before the next one: when no microtask is left. */
  atRest(callback: () => void): void {
    this.#pump.atRest(callback);
  }

  /**
   * Runs until {@link EventLoop.stop}. When that was called before, one iteration.
   * @returns a promise that is fulfilled at the stop.
   * @throws {@link RuntimeError} when a loop runs in this thread, or this one is closed;
   * {@link DeadlockError} when nothing can ever happen any more.
   */
  runForever(): Promise<void> {
    try {
      this.checkRunnable();
    } catch (error) {
      return Promise.reject(error);
    }
    const run = (this.#run = Promise.withResolvers<void>());
    setRunningLoop(this);
    this.#signals.hold();
    this.#pump.start();
    return run.promise;
  }

  /**
   * Runs until `future` is done.
   * @returns its result, or throws its exception.
   * @throws {@link RuntimeError} when the loop is stopped before; TypeError when `future` is none, RangeError
   * when it belongs to another loop; and as {@link EventLoop.runForever} does.
   */
  async runUntilComplete<T>(future: Future<T>): Promise<T> {
    if (!isFuture(future))
      throw new TypeError(`Expected \`future\` to be a Future or Task, got ${inspect(future)}`);
    if (future.loop !== this)
      throw new RangeError(
        `Expected \`future\` to belong to this loop, got one of another loop: ${inspect(future)}`,
      );
    this.checkRunnable();
    const stop: Step = {
      run: () => {
        this.stop();
        return false;
      },
    };
    future.addDoneStep(stop);
    try {
      await this.runForever();
    } catch (error) {
      if (future.done && !future.cancelled) future.exception(); // it is thrown here: not one that nobody saw
      throw error;
    } finally {
      future.removeDoneStep(stop);
    }
    if (!future.done)
      throw new RuntimeError(`The event loop was stopped before ${inspect(future)} was done`);
    return future.result();
  }

  /** Stops the loop at the end of the iteration that runs; when it does not run, at the end of the first of the next run. */
  stop(): void {
    this.#pump.stop();
  }

  /** Ends the run with `error`, right after the step that runs. What is ready stays so. */
  leave(error: unknown): void {
    if (!this.isRunning) throw error;
    this.#failure = { error };
    this.#pump.leave();
  }

  /**
   * Closes the loop: callbacks and timers that wait are dropped, signal handlers removed. Does
   * nothing when it is closed.
   * @throws {@link RuntimeError} when it runs.
   */
  close(): void {
    if (this.isRunning)
      throw new RuntimeError(
        "The event loop runs; stop it, and wait for the end of the run, before close()",
      );
    if (this.#closed) return;
    this.#closed = true;
    unclosed.unregister(this);
    forgetLoop(this);
    for (const task of this.scope.nodes()) this.#reportPending(task);
    this.#signals.removeAll();
    this.#pump.clear();
    const closers = [...this.#closers];
    this.#closers.clear();
    for (const callback of closers) {
      try {
        callback();
      } catch (exception) {
        this.callExceptionHandler({ message: "Exception in a callback of atClose", exception });
      }
    }
  }

  /**
   * Has `callback` called when the loop is closed: to let go of what would keep the process alive.
   * @returns a function that takes it back.
   */
  atClose(callback: () => void): () => void {
    this.#closers.add(callback);
    return () => void this.#closers.delete(callback);
  }

  /** @throws {@link RuntimeError} when the loop cannot be run now. */
  checkRunnable(): void {
    this.#checkOpen();
    if (this.isRunning)
      throw new RuntimeError(
        "The event loop runs already; await what you need instead of running it again",
      );
    if (runningLoop() !== null)
      throw new RuntimeError(
        "Another event loop runs in this thread; use it by createTask(), or run this one in a worker",
      );
  }

  /** Who is told of errors that nobody else can be told of; null for the default: the log. */
  get exceptionHandler(): ExceptionHandler | null {
    return this.#exceptionHandler;
  }

  set exceptionHandler(handler: ExceptionHandler | null) {
    if (handler !== null) checkFunction("exceptionHandler", handler);
    this.#exceptionHandler = handler;
  }

  /** Writes `context` to the log, in debug mode with the place where the running callback was made. */
  defaultExceptionHandler(context: ExceptionContext): void {
    const running = this.#slowSteps?.running ?? null;
    const isKnown = running === null || Object.values(context).includes(running);
    logException(isKnown ? context : { ...context, "running handle": running });
  }

  /** Tells the exception handler. What that throws goes to the default one; nothing escapes. */
  callExceptionHandler(context: ExceptionContext): void {
    if (uncaught.hasSubscribers) uncaught.publish({ loop: this, context });
    try {
      if (this.#exceptionHandler === null) this.defaultExceptionHandler(context);
      else this.#exceptionHandler(this, context);
    } catch (exception) {
      if (leavesLoop(exception)) this.leave(exception);
      else this.#reportHandler(exception, context);
    }
  }

  /** Reports what a callback threw; or leaves the loop with it, when it is one of those errors. */
  callbackFailed(handle: object, exception: unknown): void {
    if (leavesLoop(exception)) this.leave(exception);
    else
      this.callExceptionHandler({
        message: `Exception in callback ${inspect(handle)}`,
        exception,
        handle,
      });
  }

  /**
   * Has `callback(...args)` called by the loop when the process gets `signal`; replaces an earlier
   * handler of this loop. While a loop that runs has one, it keeps the process alive.
   * @param signal a name such as `"SIGTERM"`.
   * @throws RangeError when there is no such signal; {@link RuntimeError} when it cannot be handled,
   * in a worker thread, and when the loop is closed.
   */
  addSignalHandler<A extends unknown[]>(
    signal: NodeJS.Signals,
    callback: (...args: A) => unknown,
    ...args: A
  ): void {
    this.#checkOpen();
    checkPlainFunction("callback", callback);
    this.#signals.add(this, signal, bind(callback, args));
  }

  /** Removes the handler of `signal`. Returns whether there was one. */
  removeSignalHandler(signal: NodeJS.Signals): boolean {
    return this.#signals.remove(signal);
  }

  /**
   * Has `generator` closed, by its `return()`, at the end of the run or by {@link EventLoop.shutdownAsyncGens}:
   * JavaScript runs the `finally` blocks of one that is not iterated to its end for nobody else.
   */
  trackAsyncGen<G extends AsyncGenerator>(generator: G): G {
    this.#asyncGens.add(generator);
    return generator;
  }

  /**
   * Closes the async generators that {@link EventLoop.trackAsyncGen} was told of, all at once. Errors go to the
   * exception handler. Counterpart of `loop.shutdown_asyncgens`.
   */
  async shutdownAsyncGens(): Promise<void> {
    if (this.#asyncGens.size > 0) await this.#asyncGens.close(this);
  }

  /**
   * Has `step` called, and waited for, at the end of the run, when all tasks have ended and the loop can still
   * be used: for what has to be ended in good order, such as an executor.
   * @returns a function that takes it back.
   * @throws TypeError when `step` is not a function.
   */
  atShutdown(step: () => PromiseLike<void>): () => void {
    checkFunction("step", step);
    this.#shutdownSteps.add(step);
    return () => void this.#shutdownSteps.delete(step);
  }

  /** Calls what {@link EventLoop.atShutdown} was told of, each once, one after the other. Errors go to the exception handler. */
  async runShutdownSteps(): Promise<void> {
    for (const step of this.#shutdownSteps) {
      this.#shutdownSteps.delete(step);
      try {
        await step();
      } catch (exception) {
        this.callExceptionHandler({ message: "Exception in a step of atShutdown", exception });
      }
    }
  }

  /** What it has to do, for reports: the steps that are ready, and the timers that are set. */
  get workload(): Workload {
    const { ready, timers, nextTimer } = this.#pump;
    return { ready, timers, nextTimer };
  }

  /** Whether the loop has a handler for `signal`. */
  hasSignalHandler(signal: NodeJS.Signals): boolean {
    return this.#signals.has(signal);
  }

  [inspect.custom](): string {
    return `<EventLoop running=${this.isRunning} closed=${this.#closed} debug=${this.debug}>`;
  }

  #observe(meter: Meter | null): void {
    if (meter !== null) meter.inner = this.#slowSteps;
    this.#pump.meter = meter;
    this.#pump.observer = meter ?? this.#slowSteps;
  }

  #reportHandler(exception: unknown, context: ExceptionContext): void {
    try {
      logException({ message: "Unhandled error in exception handler", exception, context });
    } catch (error) {
      console.error("Unhandled error in the logger of @aio/loop", error, context); // there is nobody else to tell
    }
  }

  #stopped(): void {
    this.#signals.release();
    const run = this.#run;
    const failure = this.#failure;
    this.#run = this.#failure = null;
    setRunningLoop(null);
    if (failure === null) run?.resolve();
    else run?.reject(failure.error);
  }

  #deadlocked(): void {
    findWaits(this);
    this.atRest(() => {
      const { ready, nextTimer } = this.workload;
      if (ready.length === 0 && nextTimer === Infinity) this.leave(deadlockOf(this));
    });
  }

  #reportPending(node: ScopeNode): void {
    const task = node instanceof Scope ? node.task : null;
    if (task !== null)
      this.callExceptionHandler({ message: "Task was destroyed but it is pending!", task });
  }

  #created(handle: Handle): void {
    if (this.debug) recordCreation(handle);
  }

  #checkCallback(callback: unknown): void {
    this.#checkOpen();
    checkFunction("callback", callback);
    if (this.debug) checkPlainFunction("callback", callback);
  }

  #checkOpen(): void {
    if (this.#closed) throw new RuntimeError("The event loop is closed; make a new one");
  }
}

// What nobody has caught, for those who subscribe by `node:diagnostics_channel`.
const uncaught = channel("aio:uncaught");

// In debug mode: loops that are collected as garbage, and were never closed.
const unclosed = new FinalizationRegistry<undefined>(() => {
  process.emitWarning("unclosed event loop; call close()", "ResourceWarning");
});

/** Returns a new loop. Counterpart of `asyncio.new_event_loop`. */
export function newEventLoop(): EventLoop {
  return new EventLoop();
}

function bind<A extends unknown[]>(callback: (...args: A) => unknown, args: A): () => unknown {
  return args.length === 0 ? callback : () => callback(...args);
}

/** @throws TypeError when `clock` is none: one that is found out later ends the process. */
function checkClock(clock: unknown): asserts clock is Clock {
  if (typeof (clock as Clock | null)?.park === "function") return;
  throw new TypeError(
    `Expected \`clock\` to be a Clock, such as new VirtualClock(), got ${show(clock)}`,
  );
}
