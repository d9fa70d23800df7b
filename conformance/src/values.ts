import { inspect } from "node:util";
import { cancellationOf, type Future, isCancelled } from "@aio/loop";
import { ScenarioError } from "./errors.ts";
import type { Json } from "./scenario.ts";

/** CPython's names of the conditions that JavaScript has a class of its own for. */
const pythonNames: Readonly<Record<string, string>> = {
  RangeError: "ValueError",
};

/** How a value that a program produced appears in a trace. */
export function describeValue(value: unknown): Json {
  if (value === undefined || value === null) return null;
  if (value instanceof Error) return { exc: describeError(value) };
  if (Array.isArray(value)) return value.map(describeValue);
  if (typeof value === "number") return value + 0; // no negative zero
  if (typeof value === "boolean" || typeof value === "string") return value;
  return `unexpected ${inspect(value)}`;
}

/** How an exception appears in a trace. */
export function describeError(error: unknown): readonly [type: string, ...details: Json[]] {
  const cancellation = cancellationOf(error);
  if (cancellation !== null) {
    return cancellation.message === ""
      ? ["CancelledError"]
      : ["CancelledError", cancellation.message];
  }
  if (error instanceof ScenarioError) {
    return error.argument === undefined || error.argument === ""
      ? [error.name]
      : [error.name, error.argument];
  }
  if (error instanceof AggregateError) return [error.name, error.errors.map(describeError)];
  if (error instanceof Error) return [pythonNames[error.name] ?? error.name];
  return [`unexpected ${inspect(error)}`];
}

/** Whether an `except` clause for `on` catches the error. */
export function catches(on: string, error: unknown): boolean {
  if (on === "all") return true;
  if (on === "Exception") return !isCancelled(error);
  return describeError(error)[0] === on;
}

/** What can be read off a future without waiting for it. */
export type Readable = Pick<Future<unknown>, "done" | "cancelled" | "result" | "exception">;

/** The state of a future, as traces name it. */
export function stateOf(future: Readable): "pending" | "cancelled" | "exception" | "result" {
  if (!future.done) return "pending";
  if (future.cancelled) return "cancelled";
  return future.exception() === null ? "result" : "exception";
}

/** The name of a task in a trace: `null` without a task, and for the library's default names. */
export function nameOf(task: { readonly name: string } | null): string | null {
  if (task === null || /^Task-\d+$/.test(task.name)) return null;
  return task.name;
}

/** Reads the state of a finished future, and its value or error. */
export function describeOutcome(future: Readable): Json[] {
  const state = stateOf(future);
  if (state === "result") return [state, describeValue(future.result())];
  if (state === "exception") return [state, describeError(future.exception())];
  return [state];
}
