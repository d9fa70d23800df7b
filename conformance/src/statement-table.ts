import type { Completion, Frame, Machine } from "./machine.ts";
import type { Op, StatementArguments } from "./scenario.ts";

/** Does a statement that never waits; it may stand in callbacks as well. */
export type SyncHandler<Arguments extends readonly unknown[]> = (
  machine: Machine,
  ...rest: Arguments
) => void;

/** Does a statement that waits, holds blocks, or ends its block. */
export type AsyncHandler<Arguments extends readonly unknown[]> = (
  machine: Machine,
  frame: Frame,
  ...rest: Arguments
) => Promise<Completion | undefined | void>;

/** Handlers of statements that never wait. */
export type SyncHandlers = { readonly [O in Op]?: SyncHandler<StatementArguments[O]> };

/** Handlers of statements of bodies; they go before synchronous ones of the same name. */
export type AsyncHandlers = { readonly [O in Op]?: AsyncHandler<StatementArguments[O]> };

/** All statements of the language. */
export interface StatementTables {
  readonly sync: SyncHandlers;
  readonly async: AsyncHandlers;
}
