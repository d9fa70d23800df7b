import { inspect } from "node:util";
import {
  creationStack,
  framesOf,
  Future,
  idOf,
  isFuture,
  RuntimeError,
  runningLoop,
  Scope,
  type ScopeNode,
  stackOfProgram,
  waitersByHand,
} from "@aio/loop";
import { allTasks, currentTask } from "./current.ts";
import { Task } from "./task.ts";

/**
 * A place in the program. Counterpart of {@link https://docs.python.org/3/library/asyncio-graph.html#asyncio.FrameCallGraphEntry | asyncio.FrameCallGraphEntry},
 * which holds a frame object: JavaScript has none.
 */
export interface FrameCallGraphEntry {
  /** Empty for an anonymous function. */
  readonly functionName: string;
  /** A path. */
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  /** From 1 on. */
  readonly column: number;
}

/**
 * A Future, where it is, and who waits for it. Frozen.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-graph.html#asyncio.FutureCallGraph | asyncio.FutureCallGraph}.
 */
export interface FutureCallGraph {
  readonly future: Future<unknown>;
  /** The innermost frame first. Of a task that waits: known in debug mode, or when `aio` has looked at the program. */
  readonly callStack: readonly FrameCallGraphEntry[];
  /** The tasks that wait for it, also through `gather`, `shield` and the like, or because it holds the lock that they want. */
  readonly awaitedBy: readonly FutureCallGraph[];
  /** Whether it stands in its own chain, further out: a circle. The graph is cut here. */
  readonly isCircle: boolean;
}

/** How a call graph is made. */
export interface CallGraphOptions {
  /** How many frames of the running code are skipped: 1, the default, begins with the caller, 2 with its caller. */
  readonly depth?: number | undefined;
  /** How many frames of each task: the outermost ones; as a negative number, the innermost. All by default, none for 0. */
  readonly limit?: number | null | undefined;
}

/**
 * Who waits for `future`, who waits for those, and so on; and where.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-graph.html#asyncio.capture_call_graph | asyncio.capture_call_graph}.
 * It also goes through locks, from the task that holds one to those that wait for it.
 *
 * @param future the running task by default.
 * @returns null when no future is given, and no task runs.
 * @throws RuntimeError when no future is given, and no loop runs; TypeError when `future` is not a Future.
 *
 * @example
 * ```ts
 * const graph = captureCallGraph(task);
 * for (const { future } of graph?.awaitedBy ?? []) console.log(future);
 * ```
 */
export function captureCallGraph(
  future?: Future<unknown> | null,
  { depth = 1, limit = null }: CallGraphOptions = {},
): FutureCallGraph | null {
  const running = runningLoop() === null ? null : currentTask();
  if (future !== undefined && future !== null && !isFuture(future))
    throw new TypeError(`Expected \`future\` to be a Future or Task, got ${inspect(future)}`);
  if (runningLoop() === null && (future === undefined || future === null)) {
    throw new RuntimeError(
      "No event loop is running, so there is no current task; pass the future to look at",
    );
  }
  const subject = future ?? running;
  if (subject === null) return null;
  const here = subject === running && limit !== 0 ? stackOfProgram(ALL_FRAMES) : "";
  const own = framesOf(here).slice(Math.max(0, depth - 1));
  return new CallGraphs(subject, running, own, limit).of(subject);
}

/**
 * The call graph of {@link captureCallGraph} as text; empty when there is none.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-graph.html#asyncio.format_call_graph | asyncio.format_call_graph}.
 * The ids are numbers of a counter.
 * @throws as {@link captureCallGraph} does.
 */
export function formatCallGraph(
  future?: Future<unknown> | null,
  options: CallGraphOptions = {},
): string {
  const graph = captureCallGraph(future, options);
  return graph === null ? "" : linesOf(graph, "").join("\n");
}

/**
 * Writes {@link formatCallGraph} to `file`: by default to the standard output.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-graph.html#asyncio.print_call_graph | asyncio.print_call_graph}.
 * @throws as {@link captureCallGraph} does.
 */
export function printCallGraph(
  future?: Future<unknown> | null,
  {
    file = process.stdout,
    ...options
  }: CallGraphOptions & { readonly file?: NodeJS.WritableStream | undefined } = {},
): void {
  file.write(`${formatCallGraph(future, options)}\n`);
}

// More than any stack has that a person reads.
const ALL_FRAMES = 1_000;

/** The graphs of all futures of a loop, of one moment. */
class CallGraphs {
  readonly #waiters: ReadonlyMap<object, ReadonlySet<Future<unknown>>>;
  readonly #running: Future<unknown> | null;
  readonly #here: readonly FrameCallGraphEntry[];
  readonly #limit: number | null;
  readonly #known = new Map<Future<unknown>, FutureCallGraph>();
  readonly #path = new Set<Future<unknown>>();

  constructor(
    subject: Future<unknown>,
    running: Future<unknown> | null,
    here: readonly FrameCallGraphEntry[],
    limit: number | null,
  ) {
    this.#waiters = waitersIn(allTasks(subject.loop));
    this.#running = running;
    this.#here = here;
    this.#limit = limit;
  }

  of(future: Future<unknown>): FutureCallGraph {
    const known = this.#known.get(future);
    if (known !== undefined) return known;
    if (this.#path.has(future))
      return freeze({ future, callStack: [], awaitedBy: [], isCircle: true });
    this.#path.add(future);
    const waiters = new Set([...(this.#waiters.get(future) ?? []), ...waitersByHand(future)]);
    const awaitedBy = [...waiters].map((waiter) => this.of(waiter));
    this.#path.delete(future);
    const graph = freeze({ future, callStack: this.#stackOf(future), awaitedBy, isCircle: false });
    // A part that is cut depends on the way that leads to it.
    if (!awaitedBy.some((part) => part.isCircle || !this.#known.has(part.future)))
      this.#known.set(future, graph);
    return graph;
  }

  #stackOf(future: Future<unknown>): readonly FrameCallGraphEntry[] {
    const limit = this.#limit;
    if (limit === 0 || !(future instanceof Task)) return [];
    const frames = future === this.#running ? this.#here : framesOfTask(future);
    if (limit === null) return frames;
    return limit > 0 ? frames.slice(-limit) : frames.slice(0, -limit);
  }
}

function freeze(graph: FutureCallGraph): FutureCallGraph {
  Object.freeze(graph.callStack);
  Object.freeze(graph.awaitedBy);
  return Object.freeze(graph);
}

/** Where a task waits, as far as that is known; one branch after the other. */
function framesOfTask(task: Task<unknown>): FrameCallGraphEntry[] {
  return task.scope.waits().flatMap((wait) => framesOf(creationStack(wait) ?? ""));
}

/** Who of `tasks` waits for what: a task for what it awaits, and for what that cannot be done without. */
function waitersIn(tasks: Iterable<Task<unknown>>): Map<object, Set<Future<unknown>>> {
  const waiters = new Map<object, Set<Future<unknown>>>();
  for (const task of tasks) {
    const note = (thing: object): void => {
      const known = waiters.get(thing) ?? new Set<Future<unknown>>();
      if (known.has(task)) return;
      waiters.set(thing, known.add(task));
      if (thing instanceof Task || !(thing instanceof Future) || thing.done) return;
      thing.dependencies.on.forEach(note);
    };
    for (const node of nodesIn(task.scope)) node.dependencies.on.forEach(note);
  }
  return waiters;
}

function* nodesIn(scope: Scope): Generator<ScopeNode> {
  for (const node of scope.nodes()) {
    yield node;
    if (node instanceof Scope) yield* nodesIn(node);
  }
}

function linesOf(
  { future, callStack, awaitedBy, isCircle }: FutureCallGraph,
  indent: string,
): string[] {
  const id = idOf(future);
  const title =
    future instanceof Task ? `Task(name='${future.name}', id=${id})` : `Future(id=${id})`;
  const lines = [`${indent}* ${title}${isCircle ? " (a circle)" : ""}`];
  if (callStack.length > 0) {
    lines.push(`${indent}  + Call stack:`);
    for (const { functionName, file, line } of callStack) {
      const name = functionName === "" ? "an anonymous function" : `${functionName}()`;
      lines.push(`${indent}  |   File '${file}', line ${line}, in ${name}`);
    }
  }
  if (awaitedBy.length === 0) return lines;
  const outer = awaitedBy.flatMap((waiter) => linesOf(waiter, `${indent}    `));
  return [...lines, `${indent}  + Awaited by:`, ...outer];
}
