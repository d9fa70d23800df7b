import { deserialize, serialize } from "node:v8";
import { DONE, FAILED, type Message, RUN } from "./messages.ts";
import { packError } from "./pack-error.ts";

// Arguments and results go to processes and come from them as bytes within a message. What Node can write, but not
// read, as a module of WebAssembly, would else break the channel, and with it the program at its other end.

const UNREADABLE = "it holds what can be written, but not read, such as a WebAssembly.Module";

/** A message for a process: arguments become bytes, unless all are primitives. Throws when they cannot be sent. */
export function sealJob(message: Message): Message {
  const [kind, slot, key, args, context] = message; // a process has one job at a time
  if (kind !== RUN || !(args as unknown[]).some(isObject)) return message;
  return [kind, slot, key, serialize(args), context];
}

/** A message in a process; null when its arguments cannot be read, which `reply` is told then. */
export function openJob(message: Message, reply: (message: Message) => void): Message | null {
  const [kind, slot, key, args, context] = message;
  if (kind !== RUN || !(args instanceof Uint8Array)) return message;
  try {
    return [kind, slot, key, deserialize(args), context];
  } catch {
    const error = new TypeError(
      `An argument cannot be sent to a process: ${UNREADABLE}; pass plain data`,
    );
    reply([FAILED, slot, packError(error), -1]);
    return null;
  }
}

/** A message of a process: an object becomes bytes. Throws when it cannot be sent. */
export function sealResult(message: Message): Message {
  const [kind, slot, value, elapsed] = message;
  return kind === DONE && isObject(value) ? [kind, slot, serialize(value), elapsed] : message;
}

/** A message from a process; that of a failure when its result cannot be read. */
export function openResult(message: Message): Message {
  const [kind, slot, value, elapsed] = message;
  if (kind !== DONE || !(value instanceof Uint8Array)) return message;
  try {
    return [kind, slot, deserialize(value), elapsed];
  } catch {
    const error = new TypeError(
      `The result of a job cannot be sent from a process: ${UNREADABLE}; return plain data`,
    );
    return [FAILED, slot, packError(error), -1];
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
