import type { EventLoop, Future, Handle } from "@aio/loop";
import { currentTask, Task, type TaskGroup, type Timeout } from "@aio/task";
import { ContextVariable } from "./context-variable.ts";
import { createObjects, type ScenarioObject } from "./objects.ts";
import type { Block, Json, Op, Scenario, Statement } from "./scenario.ts";
import type { AsyncHandler, StatementTables, SyncHandler } from "./statement-table.ts";
import { Recorder } from "./trace.ts";
import { describeError, describeValue, nameOf, stateOf } from "./values.ts";

/** How a block ended early: by `return` or `break`. */
export type Completion =
  | { readonly kind: "return"; readonly value: Json }
  | { readonly kind: "break" };

/** What a block knows of the block around it. */
export interface Frame {
  /** The error that the innermost handler around the block has caught. */
  readonly caught: unknown;
}

/** A callback of a scenario: plain, or a done callback when it is given a future. */
export type ScenarioCallback = (future?: Future<unknown>) => void;

/** The state that all bodies of one run share, and the interpreter of their blocks. */
export class Machine {
  readonly loop: EventLoop;
  readonly recorder = new Recorder();
  readonly context = new ContextVariable();
  readonly futures = new Map<string, Future<unknown>>();
  readonly handles = new Map<string, Handle>();
  readonly timeouts = new Map<string, Timeout>();
  readonly groups = new Map<string, TaskGroup>();
  readonly counters = new Map<string, number>();
  readonly objects: ReadonlyMap<string, ScenarioObject>;
  readonly #scenario: Scenario;
  readonly #tables: StatementTables;
  readonly #callbacks = new Map<string, ScenarioCallback>();
  readonly #usedNames = new Map<string, number>();
  #coroutines = 0;

  constructor(scenario: Scenario, loop: EventLoop, tables: StatementTables) {
    this.#scenario = scenario;
    this.#tables = tables;
    this.loop = loop;
    this.objects = createObjects(scenario);
  }

  // --- the trace

  /** Records an event of the current task. */
  log(kind: string, ...details: Json[]): void {
    this.emit(nameOf(currentTask(this.loop)), kind, ...details);
  }

  /** Records an event under the given name of a task. */
  emit(task: string | null, kind: string, ...details: Json[]): void {
    this.recorder.record([this.loop.time(), task, kind, ...details]);
  }

  /** Does something synchronous and records whether it threw; with `show` also what it returned. */
  attempt(
    [kind, ...details]: [kind: string, ...details: Json[]],
    action: () => unknown,
    show = false,
  ): void {
    let value: unknown;
    try {
      value = action();
    } catch (error) {
      this.log(kind, ...details, "raise", describeError(error));
      return;
    }
    this.log(kind, ...details, "ok", ...(show ? [describeValue(value)] : []));
  }

  // --- variables

  /** Looks a name up; an unset one is recorded. */
  lookup<T>(table: ReadonlyMap<string, T>, name: string): T | undefined {
    const found = table.get(name);
    if (found === undefined) this.log("novar", name);
    return found;
  }

  /** The future in a variable; without one, the missing variable is recorded. */
  future(variable: string): Future<unknown> | undefined {
    return this.lookup(this.futures, variable);
  }

  /** The task in a variable, or the current one; without one, the missing variable is recorded. */
  task(variable: string | undefined): Task<unknown> | undefined {
    if (variable === undefined) return currentTask(this.loop) ?? undefined;
    const found = this.futures.get(variable);
    if (found instanceof Task) return found;
    this.log("novar", variable);
    return undefined;
  }

  /** The object of that name; a scenario always has those that it uses, of a fitting kind. */
  object<T extends ScenarioObject>(name: string, ...kinds: (new (...rest: never[]) => T)[]): T {
    const found = this.objects.get(name);
    for (const kind of kinds) if (found instanceof kind) return found;
    throw new Error(`Scenario has no object ${name} that is one of these`);
  }

  /** The name itself for its first use, `name#2`, `name#3`, … for the next ones. */
  uniqueName(name: string): string {
    const uses = (this.#usedNames.get(name) ?? 0) + 1;
    this.#usedNames.set(name, uses);
    return uses === 1 ? name : `${name}#${uses}`;
  }

  // --- bodies, callbacks and blocks

  /**
   * A coroutine function for a body that a combinator makes a task of: it runs in a copy of the
   * present context, and its first act is to name its task.
   */
  coroutine(body: string): () => Promise<Json> {
    this.#coroutines += 1;
    const name = `${body}~${this.#coroutines}`;
    const inCopy = this.context.copy();
    return () =>
      inCopy(() => {
        const task = currentTask(this.loop);
        if (task !== null) task.name = name;
        return this.runBody(body);
      });
  }

  /** Runs a body in the current task and the current context. */
  async runBody(body: string): Promise<Json> {
    this.log("start", body);
    let completion: Completion | undefined;
    try {
      completion = await this.runBlock(this.#block(this.#scenario.bodies, body), {
        caught: undefined,
      });
    } catch (error) {
      this.log("end", body, "raise", describeError(error));
      throw error;
    }
    const value = completion?.kind === "return" ? completion.value : null;
    this.log("end", body, "ok", value);
    return value;
  }

  /** Runs statements of a body until the end or to a `return` or `break`. */
  async runBlock(block: Block, frame: Frame): Promise<Completion | undefined> {
    for (const statement of block) {
      const completion = await this.#run(statement, frame);
      if (completion !== undefined) return completion;
    }
    return undefined;
  }

  /** Runs statements of a callback. */
  runCallbackBlock(block: Block): void {
    for (const [op, ...rest] of block) this.#syncHandler(op)(this, ...rest);
  }

  /** The function of a callback: the same one every time. */
  callback(name: string): ScenarioCallback {
    const known = this.#callbacks.get(name);
    if (known !== undefined) return known;

    const block = this.#block(this.#scenario.callbacks, name);
    const made: ScenarioCallback = (future) => {
      this.log("cb", name, ...(future === undefined ? [] : [stateOf(future)]));
      this.runCallbackBlock(block);
    };
    this.#callbacks.set(name, made);
    return made;
  }

  async #run([op, ...rest]: Statement, frame: Frame): Promise<Completion | undefined> {
    const handler = this.#tables.async[op] as AsyncHandler<readonly unknown[]> | undefined;
    if (handler !== undefined) return (await handler(this, frame, ...rest)) ?? undefined;
    this.#syncHandler(op)(this, ...rest);
    return undefined;
  }

  #syncHandler(op: Op): SyncHandler<readonly unknown[]> {
    const handler = this.#tables.sync[op] as SyncHandler<readonly unknown[]> | undefined;
    if (handler === undefined) throw new Error(`Statement ${op} is not known here`);
    return handler;
  }

  #block(blocks: Readonly<Record<string, Block>> | undefined, name: string): Block {
    const block = blocks?.[name];
    if (block === undefined) throw new Error(`Scenario has no body or callback ${name}`);
    return block;
  }
}
