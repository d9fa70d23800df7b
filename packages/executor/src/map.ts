import { inspect } from "node:util";
import { checkFunction, Future, getRunningLoop, isCancelled, ScopedOperation } from "@aio/loop";
import { checkCount } from "./arguments.ts";
import type { Executor } from "./executor.ts";
import { Progress } from "./progress.ts";

/** How `executor.map` works through its items. */
export interface MapOptions {
  /** How many calls are under way, or have results that were not asked for, at most: by default twice the number of workers. */
  readonly concurrency?: number | undefined;
  /** Whether results come in the order of the items: true by default; false for the order in which they are there. */
  readonly ordered?: boolean | undefined;
  /** Whether a call that fails gives its error in place of a result: false by default, the first one ends it all. */
  readonly returnExceptions?: boolean | undefined;
  /** How many items there are: by default their `length` or `size`, where they have one. */
  readonly total?: number | undefined;
  /** Called whenever a call has ended. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/**
 * The results of `executor.map`, to be asked for by `for await`, once. Nothing is called before that.
 */
export class JobMap<R> implements AsyncIterable<R> {
  /** How far it has come. */
  readonly progress: Progress;
  readonly #results: () => AsyncGenerator<R, void, undefined>;
  #isStarted = false;

  constructor(
    executor: Executor,
    fn: (item: never) => unknown,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    {
      concurrency = 2 * executor.maxWorkers,
      ordered = true,
      returnExceptions = false,
      total,
      onProgress,
    }: MapOptions,
  ) {
    checkFunction("fn", fn);
    checkCount("concurrency", concurrency, 1);
    if (total !== undefined) checkCount("total", total, 0);
    const source = iteratorOf(items); // what cannot be iterated is told at once
    this.progress = new Progress(total ?? sizeOf(items));
    const work = new MapWork(executor, fn as (item: unknown) => unknown, source, {
      concurrency,
      ordered,
      returnExceptions,
      progress: this.progress,
      onProgress,
    });
    this.#results = () => work.results() as AsyncGenerator<R, void, undefined>;
  }

  [Symbol.asyncIterator](): AsyncGenerator<R, void, undefined> {
    if (this.#isStarted)
      throw new TypeError("The results of map() can be asked for once; call map() again");
    this.#isStarted = true;
    return this.#results();
  }
}

interface Settings {
  readonly concurrency: number;
  readonly ordered: boolean;
  readonly returnExceptions: boolean;
  readonly progress: Progress;
  readonly onProgress: MapOptions["onProgress"];
}

/** One `map` at work. */
class MapWork {
  readonly #executor: Executor;
  readonly #fn: (item: unknown) => unknown;
  readonly #source: Iterator<unknown> | AsyncIterator<unknown>;
  readonly #settings: Settings;
  /** The calls whose results were not asked for yet, in the order in which they are given. */
  readonly #window: Future<unknown>[] = [];
  /** Where order does not matter: those of the window that are done, as they came. */
  readonly #done: Future<unknown>[] = [];
  /** What is to come after the window: an item that is awaited, room in the queue. */
  #pull: ScopedOperation<void> | null = null;
  #failure: { readonly error: unknown } | null = null;
  #isExhausted = false;
  #wasLeft = false;
  #wasCancelled = false;
  #change: Future<void> | null = null;

  constructor(
    executor: Executor,
    fn: (item: unknown) => unknown,
    source: Iterator<unknown> | AsyncIterator<unknown>,
    settings: Settings,
  ) {
    this.#executor = executor;
    this.#fn = fn;
    this.#source = source;
    this.#settings = settings;
  }

  async *results(): AsyncGenerator<unknown, void, undefined> {
    try {
      for (;;) {
        if (this.#failure !== null) throw this.#failure.error;
        this.#fill();
        const next = this.#takeDone();
        if (next !== null) yield this.#outcome(next);
        else if (this.#isExhausted && this.#window.length === 0) return;
        else await this.#changed();
      }
    } finally {
      await this.#leave();
    }
  }

  /** Starts taking items, unless that is under way. */
  #fill(): void {
    const isFull = this.#window.length >= this.#settings.concurrency;
    if (isFull || this.#pull !== null || this.#isExhausted) return;
    const ended = (): void => {
      this.#pull = null;
      this.#wake();
    };
    this.#pull = new ScopedOperation<void>().start(() => this.#take(), undefined);
    void this.#pull.then(ended, (error: unknown) => {
      this.#failure = { error };
      ended();
    });
  }

  /** Takes items and submits calls, until the window is full. */
  async #take(): Promise<void> {
    const { concurrency, progress } = this.#settings;
    while (this.#window.length < concurrency && !this.#isExhausted) {
      await this.#executor.drain();
      const step = this.#source.next();
      const { done, value } = step instanceof Promise ? await step : await Promise.resolve(step);
      if (this.#wasLeft) return;
      if (done === true) {
        this.#isExhausted = true;
        progress.total ??= progress.done + this.#window.filter((job) => !job.done).length;
        return;
      }
      while (this.#executor.isFull) await this.#executor.drain(); // others were quicker than the item
      if (this.#wasLeft) return;
      const job = this.#executor.submit(this.#fn, value);
      this.#window.push(job);
      job.addDoneCallback(() => this.#ended(job));
      this.#wake();
    }
  }

  #ended(job: Future<unknown>): void {
    const { progress, onProgress, ordered } = this.#settings;
    progress.done += 1;
    if (job.cancelled || job.exception() !== null) progress.failed += 1;
    if (!ordered) this.#done.push(job);
    this.#wake();
    onProgress?.(progress);
  }

  #takeDone(): Future<unknown> | null {
    if (this.#settings.ordered)
      return this.#window[0]?.done === true ? (this.#window.shift() ?? null) : null;
    const job = this.#done.shift() ?? null;
    if (job !== null) void this.#window.splice(this.#window.indexOf(job), 1);
    return job;
  }

  #outcome(job: Future<unknown>): unknown {
    try {
      return job.result();
    } catch (error) {
      if (!this.#settings.returnExceptions || isCancelled(error)) throw error;
      return error instanceof Error ? error : job.exception();
    }
  }

  async #changed(): Promise<void> {
    this.#change = getRunningLoop().createFuture<void>();
    try {
      await this.#change;
    } catch (error) {
      this.#wasCancelled = true; // and what is awaited for the source with it
      throw error;
    }
  }

  #wake(): void {
    if (this.#change !== null && !this.#change.done) this.#change.setResult(undefined);
    this.#change = null;
  }

  /** Cancels what is under way, and ends the source. */
  async #leave(): Promise<void> {
    const isEarly = !this.#isExhausted;
    this.#isExhausted = this.#wasLeft = true;
    for (const job of this.#window.splice(0)) job.cancel();
    if (isEarly && this.#failure === null) await this.#endSource();
  }

  /** Ends the source, which does not hear of that before the item that it waits for: that is cancelled. */
  async #endSource(): Promise<void> {
    const pull = this.#pull;
    if (pull !== null && !this.#wasCancelled && !(await hasStopped(pull))) {
      const loop = getRunningLoop();
      Promise.resolve(this.#source.return?.()).catch((exception: unknown) => {
        loop.callExceptionHandler({ message: "The items of map() could not be ended", exception });
      });
      return;
    }
    try {
      await pull;
    } catch (error) {
      if (!isCancelled(error)) throw error;
    }
    await this.#source.return?.();
  }
}

/** Cancels `work`. Returns false when it waits for something foreign, which cannot be cancelled, and may never come. */
async function hasStopped(work: ScopedOperation<void>): Promise<boolean> {
  work.cancel();
  if (work.owed === null) return true;
  work.uncancel();
  const loop = getRunningLoop();
  const turn = loop.createFuture<void>();
  loop.callSoon(() => {
    if (!turn.done) turn.setResult(undefined);
  });
  await turn;
  return work.closed; // it was not waiting at all
}

function iteratorOf(
  items: Iterable<unknown> | AsyncIterable<unknown>,
): Iterator<unknown> | AsyncIterator<unknown> {
  if (typeof items === "object" && items !== null) {
    if (Symbol.asyncIterator in items) return items[Symbol.asyncIterator]();
    if (Symbol.iterator in items) return items[Symbol.iterator]();
  }
  if (typeof items === "string") return (items as Iterable<unknown>)[Symbol.iterator]();
  throw new TypeError(`Expected \`items\` to be iterable, got ${inspect(items)}`);
}

function sizeOf(items: object): number | null {
  if ("length" in items && typeof items.length === "number") return items.length;
  if ("size" in items && typeof items.size === "number") return items.size;
  return null;
}
