import { inspect } from "node:util";

/** Something that was thrown, as plain data. */
export type PackedError =
  | { readonly value: unknown }
  | {
      readonly name: string;
      readonly message: string;
      readonly stack: string;
      readonly isDOMException: boolean;
      /** `code`, and whatever else the error has of its own. */
      readonly properties: Record<string, unknown>;
      readonly cause: PackedError | null;
      readonly errors: readonly PackedError[] | null;
    };

const DEEPEST = 16; // causes may go in a circle

/**
 * Turns what a job has thrown into data that can be sent; {@link unpackError} makes it again. A structured clone
 * alone would lose the class, the code, and every other property. For executors of your own.
 */
export function packError(thrown: unknown, depth = 0): PackedError {
  if (!(thrown instanceof Error)) return { value: cloneable(thrown) };
  const properties: Record<string, unknown> = {};
  for (const key of Object.keys(thrown))
    if (key !== "cause" && key !== "errors" && key !== "stack")
      properties[key] = cloneable(Reflect.get(thrown, key));
  const isDOMException = thrown instanceof DOMException;
  return {
    name: thrown.name,
    message: thrown.message,
    stack: thrown.stack ?? "",
    isDOMException,
    properties,
    cause:
      "cause" in thrown && thrown.cause !== undefined && depth < DEEPEST
        ? packError(thrown.cause, depth + 1)
        : null,
    errors:
      thrown instanceof AggregateError && depth < DEEPEST
        ? thrown.errors.map((error) => packError(error, depth + 1))
        : null,
  };
}

/** `value`, or its description when it cannot be sent. */
function cloneable(value: unknown): unknown {
  if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol")
    return value;
  try {
    structuredClone(value);
    return value instanceof SharedArrayBuffer ? inspect(value) : value;
  } catch {
    return inspect(value); // a function, a socket: for people to read
  }
}
