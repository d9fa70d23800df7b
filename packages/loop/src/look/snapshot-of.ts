import { inspect } from "node:util";
import { awaitedByHand } from "../awaited-by.ts";
import { creationStack, creationTime, programFrames } from "../debug.ts";
import type { Dependencies } from "../dependencies.ts";
import { framesOf } from "./frames.ts";
import { Future } from "../future.ts";
import type { EventLoop } from "../loop.ts";
import { Scope, ScopeNode } from "../scope.ts";
import type {
  AgeSnapshot,
  CancellationSnapshot,
  FrameSnapshot,
  LoopSnapshot,
  ResourceSnapshot,
  TaskSnapshot,
  TaskState,
  WaitSnapshot,
} from "./snapshot.ts";
import type { Step } from "../step.ts";
import { cyclesOf } from "./wait-cycles.ts";

const LAST_ID: unique symbol = Symbol.for("@aio/inspect/last-id");

/** What is known here of a task, which is of `@aio/task`. */
interface TaskLike extends Future<unknown> {
  readonly name?: string;
  readonly coroutine?: { readonly name: string };
}

/** Takes a look at `loop`, with the frames that are known. */
export function snapshotOf(loop: EventLoop): LoopSnapshot {
  return new Look(loop).snapshot();
}

/** The tasks that `future` cannot be done without: itself, or those behind a gather(), a shield() and so on. */
export function tasksBehind(
  future: object,
  isTask: (thing: object) => boolean,
): { readonly tasks: readonly object[]; readonly mode: "all" | "any" } {
  const tasks = new Set<object>();
  const seen = new Set<object>();
  let mode: "all" | "any" = "all";
  const follow = (thing: object): void => {
    if (seen.has(thing)) return;
    seen.add(thing);
    if (isTask(thing)) tasks.add(thing);
    else if (thing instanceof Future && !thing.done) {
      const { dependencies } = thing;
      if (dependencies.mode === "any" && dependencies.on.length > 1) mode = "any";
      for (const next of [...dependencies.on, ...awaitedByHand(thing)]) follow(next);
    }
  };
  follow(future);
  return { tasks: [...tasks], mode };
}

const NOBODY: Pick<WaitSnapshot, "on" | "mode"> = { on: [], mode: "all" };

class Look {
  readonly #loop: EventLoop;
  readonly #now: number;
  /** The same moment, by `performance.now()`. */
  readonly #moment = performance.now();
  readonly #scopes = new Map<object, Scope>(); // by task
  readonly #frames = new Map<string, readonly FrameSnapshot[]>(); // by stack
  readonly #resources = new Map<object, { holders: Set<number>; waiters: number[] }>();

  constructor(loop: EventLoop) {
    this.#loop = loop;
    this.#now = loop.time();
    for (const node of loop.scope.nodes())
      if (node instanceof Scope && node.task !== null) this.#scopes.set(node.task, node);
  }

  snapshot(): LoopSnapshot {
    const { ready, timers, nextTimer } = this.#loop.workload;
    const isReady = new Set<unknown>(ready);
    const woken = new Set(ready.map((step) => taskOf(step)));
    const running = Scope.current?.task ?? null;
    const drafts = [...this.#scopes].map(([task, scope]) => {
      const waits = this.#byHand(task);
      this.#addWaits(waits, task, scope, Infinity);
      let state: TaskState = waits.length > 0 ? "waiting" : "foreign";
      if (task === running) state = "running";
      else if (isReady.has(task)) state = "created";
      else if (woken.has(task)) state = "ready";
      return { id: idOf(task), task: task as TaskLike, scope, state, waits };
    });
    const awaitedBy = invert(drafts);
    const tasks = drafts.map(({ id, task, scope, state, waits }): TaskSnapshot => {
      const cancelling = scope.requestsInside();
      return {
        id,
        name: task.name ?? inspect(task), // not one of ours
        coroutine: task.coroutine?.name ?? "",
        state,
        cancelling,
        cancellation: cancelling === 0 ? null : cancellationIn(scope, this.#loop.debug),
        waits,
        awaitedBy: awaitedBy.get(id) ?? [],
      };
    });
    return {
      id: idOf(this.#loop),
      running: this.#loop.isRunning,
      debug: this.#loop.debug,
      time: this.#now,
      ready: ready.length,
      timers,
      nextTimer: nextTimer === Infinity ? null : nextTimer - this.#now,
      tasks,
      resources: [...this.#resources].map(([resource, { holders, waiters }]): ResourceSnapshot => ({
        id: idOf(resource),
        what: inspect(resource),
        holders: [...holders],
        waiters,
      })),
      cycles: cyclesOf(tasks),
      cancelled: this.#loop.cancelled.toArray(),
    };
  }

  /** Adds the waits in `scope` to `waits`; `deadline` is that of a scope around. */
  #addWaits(waits: WaitSnapshot[], task: object, scope: Scope, deadline: number): void {
    const limit = Math.min(deadline, scope.deadline ?? Infinity);
    for (const node of scope.nodes()) {
      const wait = this.#wait(task, node, limit);
      if (wait !== null) waits.push(wait);
      if (node instanceof Scope) this.#addWaits(waits, task, node, limit);
    }
  }

  /** What the task was said to await: see {@link futureAddToAwaitedBy}. */
  #byHand(task: object): WaitSnapshot[] {
    const futures = awaitedByHand(task as TaskLike).filter((future) => !future.done);
    return futures.map((future) => {
      const { on, mode } = this.#tasks({ on: [future], mode: "all", relation: "awaits" });
      const what = future.describe();
      const relation = "awaits";
      return { what, resource: null, on, mode, relation, ends: null, age: null, frames: [] };
    });
  }

  /** What is waited for at this very node; null when it has been woken, or is a scope that waits only inside. */
  #wait(task: object, node: ScopeNode, limit: number): WaitSnapshot | null {
    const { dependencies, resource } = node;
    const isScope = node instanceof Scope;
    if (isScope && dependencies.on.length === 0) return null;
    const what = isScope ? node.title : node.describe();
    if (what === "") return null;
    const { on, mode } = this.#tasks(dependencies);
    if (resource !== null)
      this.#note(resource, idOf(task), dependencies.relation === "held by" ? on : []);
    const ends = Math.min(limit, dueTime(node), ...dependencies.on.map(dueTime));
    return {
      what,
      resource: resource === null ? null : idOf(resource),
      on,
      mode,
      relation: dependencies.relation,
      ends: ends === Infinity ? null : ends - this.#now,
      age: ageOf(node, this.#moment),
      frames: this.#framesOf(creationStack(node) ?? ""),
    };
  }

  /** Most tasks of a program that has many wait at the same few places. */
  #framesOf(stack: string): readonly FrameSnapshot[] {
    const frames = this.#frames.get(stack) ?? framesOf(stack);
    this.#frames.set(stack, frames);
    return frames;
  }

  #tasks(dependencies: Dependencies): Pick<WaitSnapshot, "on" | "mode"> {
    if (dependencies.on.length === 0) return NOBODY;
    const behind = dependencies.on.map((thing) =>
      tasksBehind(thing, (other) => this.#scopes.has(other)),
    );
    const isAny = dependencies.mode === "any" || behind.some(({ mode }) => mode === "any");
    const tasks = new Set(behind.flatMap((part) => part.tasks));
    return { on: [...tasks].map(idOf), mode: isAny && tasks.size > 1 ? "any" : "all" };
  }

  #note(resource: object, waiter: number, holders: readonly number[]): void {
    const known = this.#resources.get(resource) ?? { holders: new Set(), waiters: [] };
    for (const holder of holders) known.holders.add(holder);
    known.waiters.push(waiter);
    this.#resources.set(resource, known);
  }
}

// Given to what is looked at, and to nothing else.
const ids = new WeakMap<object, number>();
// One counter for all copies of this package in the program.
const counter = globalThis as { [LAST_ID]?: number };

/** A number of its own for each thing that was ever asked for. */
export function idOf(thing: object): number {
  const known = ids.get(thing);
  if (known !== undefined) return known;
  const id = (counter[LAST_ID] ?? 0) + 1;
  counter[LAST_ID] = id;
  ids.set(thing, id);
  return id;
}

const firstSeen = new WeakMap<ScopeNode, number>();

function ageOf(wait: ScopeNode, now: number): AgeSnapshot | null {
  const made = creationTime(wait);
  if (made !== undefined) return { ms: now - made, exact: true };
  const seen = firstSeen.get(wait);
  if (seen !== undefined) return { ms: now - seen, exact: false };
  firstSeen.set(wait, now);
  return null;
}

/** When a timer that is waited for is due. */
function dueTime(thing: object): number {
  return "when" in thing && typeof thing.when === "number" ? thing.when : Infinity;
}

/** The task that goes on when `step` runs, if it is known. */
export function taskOf(step: Step): object | null {
  const scope = step instanceof ScopeNode ? step.parent : "scope" in step ? step.scope : null;
  return scope instanceof Scope ? scope.task : null;
}

/** A task, as people call it. */
export function titleOf(task: object): string {
  const { name = "", coroutine } = task as TaskLike;
  const called = coroutine?.name ?? "";
  if (name === "") return inspect(task);
  return called === "" || called === name ? name : `${name} ${called}()`;
}

function cancellationIn(scope: Scope, isDebugging: boolean): CancellationSnapshot | null {
  const request = scope.lastRequest;
  if (request === null) return null;
  const { message = "", reason, by } = request;
  // In debug mode the error is made where the request is.
  const frames = isDebugging ? framesOf(programFrames(request.error).join("\n")) : [];
  return { message, reason, by, frames };
}

/** By the id of a task, the ids of those that wait for it. */
function invert(
  drafts: readonly { readonly id: number; readonly waits: readonly WaitSnapshot[] }[],
): Map<number, number[]> {
  const awaitedBy = new Map<number, number[]>();
  for (const { id, waits } of drafts) {
    for (const { on } of waits) {
      for (const awaited of on) {
        const known = awaitedBy.get(awaited);
        if (known === undefined) awaitedBy.set(awaited, [id]);
        else if (known.at(-1) !== id) known.push(id);
      }
    }
  }
  return awaitedBy;
}
