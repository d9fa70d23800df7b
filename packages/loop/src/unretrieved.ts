import { Context } from "./context.ts";
import { creationStack } from "./debug.ts";
import type { EventLoop } from "./loop.ts";

interface Reportable {
  readonly loop: EventLoop;
  readonly label: string;
}

const records = new WeakMap<Reportable, Unretrieved>();

// Reports in the same way as CPython: when the failed Future is collected as garbage.
const collected = new FinalizationRegistry<Unretrieved>((record) => record.report());

/** An exception that nobody has looked at: reported when its Future is collected, or at the end of the run. */
export class Unretrieved {
  readonly #loop: WeakRef<EventLoop>; // weak: what is held here is never collected before the Future, which a loop may hold
  readonly #label: string;
  readonly #exception: unknown;
  readonly #future: WeakRef<Reportable>;
  readonly #createdAt: string | undefined;
  readonly #context = Context.capture(); // that of the code that failed

  private constructor(future: Reportable, exception: unknown) {
    this.#loop = new WeakRef(future.loop);
    this.#label = future.label;
    this.#exception = exception;
    this.#future = new WeakRef(future);
    this.#createdAt = creationStack(future);
  }

  static add(future: Reportable, exception: unknown): void {
    if (future.loop.isClosed) return;
    const record = new Unretrieved(future, exception);
    records.set(future, record);
    collected.register(future, record, future);
    future.loop.unretrieved.add(record);
  }

  static remove(future: Reportable): void {
    const record = records.get(future);
    if (record === undefined) return;
    collected.unregister(future);
    future.loop.unretrieved.delete(record);
  }

  report(): void {
    const loop = this.#loop.deref();
    if (!loop?.unretrieved.delete(this)) return;
    const report = loop.callExceptionHandler.bind(loop);
    const future = this.#future.deref();
    this.#context.run(report, {
      message: `${this.#label} exception was never retrieved`,
      exception: this.#exception,
      future,
      "created at": future === undefined ? this.#createdAt : undefined, // else the log asks it
    });
  }
}
