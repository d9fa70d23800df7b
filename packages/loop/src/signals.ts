import { constants } from "node:os";
import { isMainThread } from "node:worker_threads";
import { Context } from "./context.ts";
import { RuntimeError } from "./errors.ts";
import type { EventLoop } from "./loop.ts";

/** The signal handlers of one loop. While it has any and runs, it keeps the process alive. */
export class SignalHandlers {
  readonly #handlers = new Map<NodeJS.Signals, () => void>();
  #keepAlive: NodeJS.Timeout | undefined;

  add(loop: EventLoop, signal: NodeJS.Signals, call: () => void): void {
    if (typeof signal !== "string")
      throw new TypeError(
        `Expected \`signal\` to be a name such as "SIGTERM", got ${String(signal)}`,
      );
    if (!(signal in constants.signals))
      throw new RangeError(`Expected \`signal\` to be a name such as "SIGTERM", got "${signal}"`);
    if (signal === "SIGKILL" || signal === "SIGSTOP")
      throw new RuntimeError(`${signal} cannot be handled by any process; handle SIGTERM instead`);
    if (!isMainThread)
      throw new RuntimeError(
        `${signal} cannot be handled in a worker thread; handle it in the main thread`,
      );
    this.remove(signal);
    const context = Context.capture(); // of the one who registers: a signal itself has none
    const listener = (): void => context.run(() => void loop.callSoon(call));
    process.on(signal, listener);
    this.#handlers.set(signal, listener);
    if (loop.isRunning) this.hold();
  }

  /** The loop runs: keeps the process alive, as Node's own watchers of signals do not. */
  hold(): void {
    if (this.#handlers.size > 0) this.#keepAlive ??= setInterval(() => undefined, 2 ** 30);
  }

  /** The loop has stopped. */
  release(): void {
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  has(signal: NodeJS.Signals): boolean {
    return this.#handlers.has(signal);
  }

  remove(signal: NodeJS.Signals): boolean {
    const listener = this.#handlers.get(signal);
    if (listener === undefined) return false;
    process.off(signal, listener);
    this.#handlers.delete(signal);
    if (this.#handlers.size === 0) this.release();
    return true;
  }

  removeAll(): void {
    for (const signal of this.#handlers.keys()) this.remove(signal);
  }
}
