/** What a scenario, its results and its trace are made of. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** A small asyncio program; the README describes the language. */
export interface Scenario {
  readonly objects?: Readonly<Record<string, ObjectDescription>>;
  readonly bodies: Readonly<Record<string, Block>>;
  readonly callbacks?: Readonly<Record<string, Block>>;
}

/** The kinds of objects that a scenario can create before it starts. */
export type ObjectKind =
  | "Lock"
  | "Event"
  | "Condition"
  | "Semaphore"
  | "BoundedSemaphore"
  | "Barrier"
  | "Queue"
  | "LifoQueue"
  | "PriorityQueue";

/** A kind and the arguments of its constructor. */
type ObjectDescription = readonly [kind: ObjectKind, ...constructorArguments: number[]];

/** Statements that run one after the other. */
export type Block = readonly Statement[];

/** A name of a statement. */
export type Op = keyof StatementArguments;

/** One statement: its name and its arguments. */
export type Statement = { [O in Op]: readonly [op: O, ...rest: StatementArguments[O]] }[Op];

/** An awaitable: the variable that holds it, or a body to be started. */
export type Item = string | { readonly body: string };

/** A deadline: none, so much from now, or a time of the loop. */
export type DeadlineDescription = null | { readonly in: number } | { readonly at: number };

/** What a `try` statement catches, and what it does then. */
export type ExceptHandler = readonly [on: string, block: Block];

interface TryOptions {
  readonly else?: Block;
  readonly finally?: Block;
}

export interface SpawnOptions {
  readonly name?: string;
  readonly eager?: boolean;
}

interface GatherOptions {
  readonly ret?: boolean;
  readonly as?: string;
}

interface WaitOptions {
  readonly timeout?: number;
  readonly when?: "ALL" | "FIRST" | "EXC";
}

interface AsCompletedOptions {
  readonly timeout?: number;
  readonly limit?: number;
  readonly aiter?: boolean;
}

interface ShieldOptions {
  readonly as?: string;
}

/** The arguments of every statement, in the order of the README. */
export interface StatementArguments {
  log: [value: Json];
  now: [];
  current: [];
  sleep: [delay: number];
  return: [value?: Json];
  raise: [type: string, argument?: string];
  reraise: [];
  try: [body: Block, handlers?: readonly ExceptHandler[], options?: TryOptions];
  loop: [times: number, body: Block];
  break: [];
  ifdone: [variable: string, then: Block, otherwise?: Block];
  call: [body: string];
  inc: [counter: string, by?: number];
  counter: [counter: string];

  spawn: [variable: string, body: string, options?: SpawnOptions];
  await: [variable: string];
  cancel: [variable: string, message?: string];
  uncancel: [variable?: string];
  cancelling: [variable?: string];
  state: [variable: string];
  result: [variable: string];
  exception: [variable: string];
  future: [variable: string];
  set_result: [variable: string, value: Json];
  set_exception: [variable: string, type: string, argument?: string];
  add_cb: [variable: string, callback: string];
  remove_cb: [variable: string, callback: string];

  gather: [items: readonly Item[], options?: GatherOptions];
  wait: [variables: readonly string[], options?: WaitOptions];
  as_completed: [items: readonly Item[], options?: AsCompletedOptions];
  wait_for: [item: Item, timeout: number | null];
  timeout: [id: string, deadline: DeadlineDescription, block: Block];
  reschedule: [id: string, deadline: DeadlineDescription];
  expired: [id: string];
  when: [id: string];
  shield: [item: Item, options?: ShieldOptions];
  tg: [id: string, block: Block];
  tg_spawn: [id: string, variable: string, body: string, options?: SpawnOptions];

  acquire: [object: string];
  release: [object: string];
  with: [object: string, block: Block];
  locked: [object: string];
  ev_set: [object: string];
  ev_clear: [object: string];
  ev_is_set: [object: string];
  ev_wait: [object: string];
  cond_wait: [object: string];
  cond_wait_for: [object: string, counter: string, atLeast: number];
  notify: [object: string, count?: number];
  notify_all: [object: string];
  bar_wait: [object: string];
  bar_reset: [object: string];
  bar_abort: [object: string];
  bar_info: [object: string];
  put: [object: string, value: Json];
  get: [object: string];
  join: [object: string];
  put_nowait: [object: string, value: Json];
  get_nowait: [object: string];
  task_done: [object: string];
  q_info: [object: string];
  shutdown: [object: string, immediate?: boolean];

  call_soon: [callback: string, handle?: string];
  call_later: [delay: number, callback: string, handle?: string];
  call_at: [when: number, callback: string, handle?: string];
  handle_cancel: [handle: string];
  handle_info: [handle: string];
  ctx_set: [value: Json];
  ctx_get: [];
}

/** All strings in a part of a scenario; those of statements are also the names that they use. */
export function stringsIn(part: unknown): string[] {
  if (typeof part === "string") return [part];
  if (typeof part !== "object" || part === null) return [];
  return Object.values(part).flatMap(stringsIn);
}
