import { types } from "node:util";
import { deserialize, serialize } from "node:v8";
import { DONE, FAILED, type Message, RUN } from "./messages.ts";
import { packError } from "./pack-error.ts";

// Arguments and results go to processes and come from them as bytes within a message. What Node can write, but not
// read, as a module of WebAssembly, would else break the channel, and with it the program at its other end.

const UNREADABLE = "it holds what can be written, but not read, such as a WebAssembly.Module";

/** A message for a process: arguments become bytes, unless all can be read for sure. Throws when they cannot be sent. */
export function sealJob(message: Message): Message {
  const [kind, slot, key, args, context] = message; // a process has one job at a time
  if (kind !== RUN || (args as unknown[]).every(isReadable)) return message;
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

/** A message of a process: a result becomes bytes, in an array, unless it can be read for sure. Throws when it cannot be sent. */
export function sealResult(message: Message): Message {
  const [kind, slot, value, elapsed] = message;
  if (kind !== DONE || isReadable(value)) return message;
  return [kind, slot, [serialize(value)], elapsed];
}

/** A message from a process; that of a failure when its result cannot be read. */
export function openResult(message: Message): Message {
  const [kind, slot, value, elapsed] = message;
  if (kind !== DONE || !Array.isArray(value)) return message;
  try {
    return [kind, slot, deserialize((value as [Uint8Array])[0]), elapsed];
  } catch {
    const error = new TypeError(
      `The result of a job cannot be sent from a process: ${UNREADABLE}; return plain data`,
    );
    return [FAILED, slot, packError(error), -1];
  }
}

/** Whether it holds nothing else: a primitive, or plain bytes, which need not be copied once more. */
function isReadable(value: unknown): boolean {
  return (
    typeof value !== "object" ||
    value === null ||
    types.isArrayBuffer(value) ||
    ArrayBuffer.isView(value)
  );
}
