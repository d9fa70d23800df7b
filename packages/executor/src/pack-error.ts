import { inspect } from "node:util";
import { deserialize, serialize } from "node:v8";

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

const DEEPEST = 16; // each of them may make the next one

/**
 * Turns what a job has thrown into data that can be sent; {@link unpackError} makes it again. A structured clone
 * alone would lose the class, the code, and every other property. What cannot be sent of it is described; a cause that
 * is the error itself, or another one around it, is left out. For executors of your own.
 */
export function packError(thrown: unknown): PackedError {
  return pack(thrown, []);
}

function pack(thrown: unknown, around: readonly unknown[]): PackedError {
  if (!(thrown instanceof Error)) return { value: cloneable(thrown) };
  const name = text(read(thrown, "name"), "Error");
  const message = text(read(thrown, "message"), "");
  const path = [...around, thrown];
  const inside = (value: unknown): PackedError | null =>
    path.length > DEEPEST || path.includes(value) ? null : pack(value, path);
  const properties: Record<string, unknown> = {};
  for (const key of Object.keys(thrown))
    if (key !== "cause" && key !== "errors" && key !== "stack")
      properties[key] = cloneable(read(thrown, key));
  const stack = read(thrown, "stack");
  const cause = "cause" in thrown ? read(thrown, "cause") : undefined;
  const errors = thrown instanceof AggregateError ? read(thrown, "errors") : null;
  return {
    name,
    message,
    stack: typeof stack === "string" ? stack : `${name}: ${message}`, // some make a list of it
    isDOMException: thrown instanceof DOMException,
    properties,
    cause: cause === undefined ? null : inside(cause),
    errors: Array.isArray(errors) ? errors.map(inside).filter((error) => error !== null) : null,
  };
}

/** What is wrong with a value that cannot be sent: its own getter may have thrown anything. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? text(read(thrown, "message"), "") : describe(thrown);
}

/** A property; where its getter throws, what it throws. */
function read(thrown: Error, key: string): unknown {
  try {
    return Reflect.get(thrown, key);
  } catch (error) {
    return error;
  }
}

/** `value` as a text: some put an object in the place of a message. */
function text(value: unknown, missing: string): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? missing : describe(value);
}

/** `value`, or its description when it cannot be sent: to a thread, to a process, or through Redis. */
function cloneable(value: unknown): unknown {
  if (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol")
    return value;
  try {
    structuredClone(value);
    deserialize(serialize(value)); // a module of WebAssembly could be written, but not read
    return value;
  } catch {
    return describe(value); // a function, a socket: for people to read
  }
}

function describe(value: unknown): string {
  try {
    return inspect(value);
  } catch {
    return Object.prototype.toString.call(value); // it has its own way to be shown, which throws
  }
}
