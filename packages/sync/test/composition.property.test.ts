import { AsyncLocalStorage } from "node:async_hooks";
import { getEventListeners } from "node:events";
import { inspect } from "node:util";
import {
  abortSignal,
  CancelScope,
  getRunningLoop,
  interruptible,
  isCancelled,
  operation,
  Scope,
  TimeoutError,
  VirtualClock,
} from "@aio/loop";
import {
  createTask,
  ExceptionGroup,
  gather,
  mapConcurrent,
  moveOnAfter,
  race,
  run,
  shield,
  sleep,
  staggeredRace,
  type Task,
  taskGroup,
  timeout,
  wait,
  waitFor,
  yieldNow,
} from "@aio/task";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  Barrier,
  BrokenBarrierError,
  CapacityLimiter,
  Condition,
  Event,
  Lock,
  Queue,
  QueueShutDown,
  RWLock,
  Semaphore,
} from "../src/index.ts";

/** A piece of a random program: waits, and what they are put into. */
interface Piece {
  readonly kind: LeafKind | InnerKind;
  readonly delay: number;
  readonly choice: number;
  readonly parts: readonly Piece[];
}

interface Program {
  readonly roots: readonly (readonly Piece[])[];
  readonly cancels: readonly { readonly root: number; readonly at: number }[];
}

const LEAVES = [
  "sleep",
  "yield",
  "foreign",
  "listening",
  "put",
  "get",
  "iterate",
  "event",
  "set",
  "barrier",
  "condition",
  "notify",
  "signal",
  "fail",
] as const;
const INNER = [
  "sequence",
  "held",
  "timeout",
  "moveOnAfter",
  "waitFor",
  "scope",
  "gather",
  "all",
  "race",
  "staggered",
  "group",
  "map",
  "child",
  "shield",
  "cancelled operation",
  "cleanup",
  "generator",
  "context",
] as const;
type LeafKind = (typeof LEAVES)[number];
type InnerKind = (typeof INNER)[number];

const DEADLINES: ReadonlySet<string> = new Set(["timeout", "waitFor"]);

const { piece: anyPiece } = fc.letrec<{ piece: Piece }>((tie) => {
  const numbers = { delay: fc.nat(9), choice: fc.nat(11) };
  const none = fc.constant([]);
  return {
    piece: fc.oneof(
      { maxDepth: 5, depthSize: "medium" },
      fc.record({ kind: fc.constantFrom(...LEAVES), ...numbers, parts: none }),
      fc.record({
        kind: fc.constantFrom(...INNER),
        ...numbers,
        parts: fc.array(tie("piece"), { minLength: 1, maxLength: 3 }),
      }),
    ),
  };
});

const anyProgram: fc.Arbitrary<Program> = fc.record({
  roots: fc.array(fc.array(anyPiece, { minLength: 1, maxLength: 3 }), {
    minLength: 1,
    maxLength: 3,
  }),
  cancels: fc.array(fc.record({ root: fc.nat(2), at: fc.nat(30) }), { maxLength: 3 }),
});

class Failure extends Error {}

/** Whether the program has thrown it, or what it stands for. */
function isExpected(error: unknown): boolean {
  if (error instanceof ExceptionGroup) return error.errors.every(isExpected);
  return (
    isCancelled(error) ||
    [Failure, TimeoutError, QueueShutDown, BrokenBarrierError].some((kind) => error instanceof kind)
  );
}

const store = new AsyncLocalStorage<number>();

/** Where a piece stands. */
interface Place {
  /** The first of the locks that may be taken here: those before may be held. */
  readonly free: number;
  readonly context: number | undefined;
}

/** One run of a program, with a primitive of each kind. */
class Run {
  readonly lock = new Lock();
  readonly semaphore = new Semaphore(2);
  readonly limiter = new CapacityLimiter(2);
  readonly rwLock = new RWLock();
  readonly condition = new Condition();
  readonly event = new Event();
  readonly barrier = new Barrier(2);
  readonly queue = new Queue<number>(2);
  readonly problems: string[] = [];
  readonly #signals: AbortSignal[] = [];
  readonly #put = new Set<number>();
  readonly #got: number[] = [];
  #made = 0;
  #inside = 0; // pieces that were entered, and not left
  #notified = 0;
  #isOver = false;

  async do(piece: Piece, place: Place): Promise<void> {
    const { kind } = piece;
    const check = (where: string): void => {
      if (store.getStore() !== place.context)
        this.problems.push(`${kind} has lost its context ${where}`);
    };
    this.#inside += 1;
    try {
      check("at its beginning");
      await this.#kinds[kind](piece, place);
    } catch (error) {
      if (!isExpected(error)) this.problems.push(`${kind} throws ${inspect(error)}`);
      throw error;
    } finally {
      this.#inside -= 1;
      check("at its end");
    }
  }

  /** Lets go all that waits for others, until `tasks` have ended. */
  async letGo(tasks: readonly Task<void>[]): Promise<void> {
    this.#isOver = true;
    while (tasks.some((task) => !task.done)) {
      this.event.set();
      this.queue.shutdown();
      await this.barrier.abort();
      await this.condition.with(() => this.condition.notifyAll());
      await sleep(1);
    }
  }

  /** Looks at what is left when all is over. */
  check(): void {
    const { lock, semaphore, limiter, rwLock, condition, event, barrier, queue } = this;
    const shown = [lock, semaphore, limiter, rwLock, condition, event, barrier, queue].map((one) =>
      inspect(one),
    );
    const free = /unlocked|borrowed=0|Event (?:un)?set>|Barrier \w+(?: waiting=0\/2)?>|Queue/;
    const waiting = /waiters|getters|putters|joiners/;
    this.problems.push(...shown.filter((text) => waiting.test(text) || !free.test(text)));
    while (!queue.empty) this.#got.push(queue.getNowait());
    const [put, got] = [[...this.#put], this.#got].map((items) =>
      items.toSorted((a, b) => a - b).join(),
    );
    if (put !== got) this.problems.push(`The items ${put} were put, and ${got} were got`);
    if (this.#inside !== 0) this.problems.push(`${this.#inside} finally blocks did not run`);
    const listeners = this.#signals.flatMap((signal) => getEventListeners(signal, "abort"));
    if (listeners.length > 0) this.problems.push("A listener was left");
  }

  readonly #kinds: Record<Piece["kind"], (piece: Piece, place: Place) => Promise<unknown>> = {
    sleep: async ({ delay }) => await sleep(delay),
    yield: async () => await yieldNow(),
    foreign: async ({ delay, choice }) => {
      const promise = new Promise<void>((resolve) => {
        getRunningLoop().callLater(delay, () => resolve());
      });
      return await (choice % 2 === 0 ? promise : interruptible(promise));
    },
    listening: async ({ delay, choice }) => {
      const own = abortSignal();
      const signal = choice % 2 === 0 ? own : AbortSignal.any([own]);
      await new Promise<void>((resolve, reject) => {
        const timer = getRunningLoop().callLater(delay, () => {
          signal.removeEventListener("abort", abort);
          resolve();
        });
        const abort = (): void => {
          timer.cancel();
          reject(signal.reason as Error);
        };
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort, { once: true });
      });
    },
    put: async () => {
      const item = (this.#made += 1);
      await this.queue.put(item);
      this.#put.add(item);
    },
    get: async () => this.#got.push(await this.queue.get()),
    iterate: async ({ choice }) => {
      let left = choice % 4;
      for await (const item of this.queue) {
        this.#got.push(item);
        left -= 1;
        if (left <= 0) break;
      }
    },
    event: async () => await this.event.wait(),
    set: async ({ choice }) => {
      this.event.set();
      if (choice % 2 === 0) this.event.clear();
    },
    barrier: async () => await this.barrier.wait(),
    condition: async () =>
      await this.condition.with(async () => {
        const before = this.#notified;
        await this.condition.waitFor(() => this.#notified > before || this.#isOver);
        if (!this.condition.locked) this.problems.push("A condition is not locked behind its wait");
      }),
    notify: async ({ choice }) =>
      await this.condition.with(() => {
        this.#notified += 1;
        this.condition.notify(choice);
      }),
    signal: async ({ delay, choice }) => {
      const controller = new AbortController();
      this.#signals.push(controller.signal);
      getRunningLoop().callLater(delay, () => controller.abort());
      const options = { signal: controller.signal };
      const waits = [
        () => this.event.wait(options),
        () => this.barrier.wait(options),
        () => this.queue.join(options),
        () => this.limiter.acquireOnBehalfOf({}, options),
      ];
      await this.#own(async () => {
        const got = await waits[choice % waits.length]?.();
        if (typeof got === "object") got[Symbol.dispose]();
      });
    },
    fail: async () => {
      throw new Failure("failed");
    },
    sequence: async ({ parts }, place) => {
      for (const part of parts) await this.do(part, place);
    },
    held: async ({ choice, parts }, { free, context }) => {
      const skipped = choice % 3;
      const body = async (): Promise<void> => {
        for (const part of parts) await this.do(part, { free: free + skipped + 1, context });
      };
      const holders = [
        () => this.lock.with(body),
        () => this.semaphore.with(body),
        async () => {
          const held = await this.limiter.acquireOnBehalfOf({});
          try {
            await body();
          } finally {
            held[Symbol.dispose]();
          }
        },
        () => this.rwLock.reader.with(body),
      ];
      // Always from the first to the last: programs that take locks in any order hang.
      await (holders[free + skipped] ?? body)();
    },
    timeout: async ({ delay, choice, parts }, place) => {
      const later = getRunningLoop().time() + delay + 1;
      try {
        await timeout(delay, async (deadline) => {
          if (choice === 0) deadline.reschedule(later);
          await this.#all(parts, place);
        });
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
      }
    },
    moveOnAfter: async ({ delay, parts }, place) =>
      await moveOnAfter(delay, () => this.#all(parts, place)),
    waitFor: async ({ delay, choice, parts }, place) => {
      const work = (): Promise<void> => this.#all(parts, place);
      try {
        await waitFor(choice % 2 === 0 ? work : createTask(work), delay + 1);
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
      }
    },
    scope: async ({ delay, choice, parts }, place) => {
      const loop = getRunningLoop();
      const shielded = choice % 2 === 0;
      const scope = new CancelScope({
        shielded,
        deadline: choice < 4 ? loop.time() + delay : undefined,
      });
      if (choice === 4 || choice === 5) scope.cancel();
      if (choice === 6 || choice === 7) loop.callLater(delay, () => scope.cancel());
      await scope.run(async () => {
        try {
          await this.#all(parts, place);
        } catch (error) {
          if (shielded && !scope.cancelCalled && isCancelled(error))
            this.problems.push("A cancellation has come through a shield");
          throw error;
        }
      });
      if (scope.cancelled && !scope.cancelCalled)
        this.problems.push("A scope was cancelled by nobody");
    },
    gather: async ({ parts }, place) =>
      await gather(
        parts.map((part) => () => this.do(part, place)),
        { returnExceptions: true },
      ),
    all: async ({ parts }, place) => {
      const results = parts.map((part) => this.do(part, place));
      try {
        await Promise.all(results);
      } finally {
        await Promise.allSettled(results); // nothing is left behind
      }
    },
    race: async ({ parts }, place) =>
      await race(...parts.map((part) => () => this.do(part, place))),
    staggered: async ({ delay, parts }, place) =>
      await staggeredRace(
        parts.map((part) => () => this.do(part, place)),
        delay,
      ),
    group: async ({ delay, choice, parts }, place) =>
      await taskGroup(
        async (group) => {
          for (const part of parts) void group.createTask(() => this.do(part, place));
          if (choice === 2) group.cancel();
          if (choice === 3) getRunningLoop().callLater(delay, () => group.cancel());
          await sleep(choice);
        },
        choice > 6 ? { limit: 1 } : {},
      ),
    map: async ({ choice, parts }, place) => {
      const mapped = await mapConcurrent(parts, (part) => this.do(part, place), {
        limit: 1 + (choice % 3),
      });
      if (mapped.length !== parts.length) this.problems.push("mapConcurrent has lost an item");
    },
    child: async ({ delay, choice, parts }, place) => {
      const child = createTask(() => this.#all(parts, place), { eagerStart: choice === 0 });
      if (choice < 6) getRunningLoop().callLater(delay, () => child.cancel());
      await this.#own(async () => {
        try {
          await child;
        } finally {
          await ended([child]);
        }
      });
    },
    shield: async ({ parts }, place) => {
      const child = createTask(() => this.#all(parts, place));
      try {
        await shield(child);
      } finally {
        await ended([child]);
      }
    },
    "cancelled operation": async ({ delay, choice, parts }, place) => {
      const body = (): Promise<void> => this.#all(parts, place);
      const begin = [
        () => operation(body),
        () => new CancelScope().run(body),
        () => taskGroup(body),
        () => race(body),
      ];
      const begun = (begin[choice % begin.length] ?? (() => operation(body)))();
      getRunningLoop().callLater(delay, () => begun.cancel());
      await this.#own(() => begun);
    },
    cleanup: async ({ delay, parts }, place) => {
      try {
        await this.#all(parts, place);
      } finally {
        await sleep(delay);
      }
    },
    generator: async ({ choice, parts }, place) => {
      let open = 0;
      const all = this.#all.bind(this);
      async function* numbers(): AsyncGenerator<number> {
        open += 1;
        try {
          for (let i = 0; i < 3; i += 1) {
            await all(parts, place);
            yield i;
          }
        } finally {
          open -= 1;
        }
      }
      try {
        for await (const number of numbers()) if (number === choice % 4) break;
      } finally {
        if (open > 0) this.problems.push("A generator was not closed");
      }
    },
    context: async ({ choice, parts }, { free }) =>
      await store.run(choice, () => this.#all(parts, { free, context: choice })),
  };

  async #all(parts: readonly Piece[], place: Place): Promise<void> {
    for (const part of parts) await this.do(part, place);
  }

  /** Awaits what is cancelled for itself: that cancellation ends here, unless others ask for one, too. */
  async #own(body: () => PromiseLike<unknown>): Promise<void> {
    try {
      await body();
    } catch (error) {
      if (!isCancelled(error) || (Scope.current?.requestsAround() ?? 0) > 0) throw error;
    }
  }
}

/** Waits for `tasks`; a cancellation is passed on to them, and thrown when they have ended. */
async function ended(tasks: readonly Task<void>[]): Promise<void> {
  let cancellation: { readonly error: unknown } | null = null;
  for (;;) {
    const left = tasks.filter((task) => !task.done);
    if (left.length === 0) break;
    try {
      await wait(left);
    } catch (error) {
      cancellation ??= { error };
      for (const task of left) task.cancel();
    }
  }
  for (const task of tasks) if (!task.cancelled) task.exception(); // seen
  if (cancellation !== null) throw cancellation.error;
}

function hasKind(piece: Piece, kinds: ReadonlySet<string>): boolean {
  return kinds.has(piece.kind) || piece.parts.some((part) => hasKind(part, kinds));
}

/** Runs a program. Returns what is wrong with its end, or left behind. */
async function problemsOf({ roots, cancels }: Program): Promise<readonly string[]> {
  const world = new Run();
  const { problems } = world;
  const main = async (): Promise<void> => {
    const loop = getRunningLoop();
    loop.exceptionHandler = (_loop, { message, exception }) => {
      if (!isExpected(exception) || isCancelled(exception)) problems.push(message);
    };
    const failed = new Set<number>();
    const tasks = roots.map((pieces, place) =>
      createTask(async () => {
        try {
          for (const part of pieces) await world.do(part, { free: 0, context: undefined });
        } catch (error) {
          if (isCancelled(error)) throw error;
          failed.add(place);
        }
        await sleep(1); // what has not been delivered yet strikes here
      }),
    );
    const asked = new Set<number>();
    for (const { root, at } of cancels)
      loop.callLater(at, () => {
        if (tasks[root]?.cancel() === true) asked.add(root);
      });
    await wait(tasks, { timeout: 100 });
    await world.letGo(tasks);
    await sleep(100); // timers of the program's own

    for (const [place, task] of tasks.entries()) {
      // A deadline that is set when a request is owed already may take it for its own, as in CPython.
      const mayMiss =
        failed.has(place) || roots[place]?.some((part) => hasKind(part, DEADLINES)) === true;
      if (asked.has(place)) {
        if (!task.cancelled && !mayMiss) problems.push("A cancellation was lost");
      } else if (task.cancelled || task.cancelling() > 0) {
        problems.push("A task was cancelled that nobody cancelled");
      }
    }
    if (loop.scope.nodes().length > 1) problems.push(`Left: ${loop.scope.describe()}`);
    if (Scope.current?.describe() !== "") problems.push("A wait was left");
    if (loop.workload.timers > 0) problems.push("A timer was left");
  };
  await run(main, { clock: new VirtualClock({ isolated: true }) });
  world.check();
  return problems;
}

test("Programs of everything, cancelled anywhere, end, and lose neither items nor cancellations", async () => {
  const holds = fc.asyncProperty(anyProgram, async (program) => {
    expect(await problemsOf(program)).toEqual([]);
  });

  await fc.assert(holds, { seed: 1, numRuns: 1_000 });
});
