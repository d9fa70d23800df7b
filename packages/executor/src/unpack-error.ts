import {
  CancelledError,
  type CancelReason,
  InvalidStateError,
  RuntimeError,
  TimeoutError,
} from "@aio/loop";
import { ExecutorFullError, WorkerDiedError } from "./errors.ts";
import type { PackedError } from "./pack-error.ts";

type ErrorClass = new (message: string) => Error;

const CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>(
  Object.entries({
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
    CancelledError,
    InvalidStateError,
    RuntimeError,
    TimeoutError,
    ExecutorFullError,
    WorkerDiedError,
  }),
);

/**
 * Makes what was thrown in a worker again: with its message, stack, cause and properties, of its class
 * where that is one of JavaScript, of `@aio/loop` or of this package; else an Error, or an AggregateError, with the name
 * of its class. For executors of your own.
 */
export function unpackError(packed: PackedError): unknown {
  if ("value" in packed) return packed.value;
  const { name, message, stack, cause, properties } = packed;
  const error = create(packed);
  define(error, "stack", stack);
  if (error.name !== name) define(error, "name", name);
  if (error.message !== message) define(error, "message", message);
  if (cause !== null) define(error, "cause", unpackError(cause));
  for (const [key, value] of Object.entries(properties))
    Object.defineProperty(error, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  return error;
}

function create({
  name,
  message,
  isDOMException,
  errors,
  properties,
}: Exclude<PackedError, { value: unknown }>): Error {
  if (isDOMException) return new DOMException(message, name);
  if (errors !== null) return new AggregateError(errors.map(unpackError), message);
  if (name === "CancelledError")
    return new CancelledError(message, properties["reason"] as CancelReason | undefined);
  return new (CLASSES.get(name) ?? Error)(message);
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true });
}
