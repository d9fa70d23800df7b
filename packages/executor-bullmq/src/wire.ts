import { deserialize, serialize } from "node:v8";
import type { CancelReason } from "@aio/loop";
import { packError, type PackedError, unpackError } from "@aio/executor";

// What callers and workers send each other. Values are serialised as the structured clone algorithm does, by `node:v8`:
// arguments in base64, since the data of a job is JSON; results as bytes.

/** The data of a job of BullMQ. */
export interface JobData {
  readonly module: string;
  readonly name: string;
  readonly args: string;
  /** The stream for the answer. */
  readonly replyTo: string;
}

/** What a job came to. */
export type Outcome = { readonly value: unknown } | { readonly error: unknown };

/** A cancellation, as it is published. */
export interface Cancellation {
  readonly id: string;
  readonly message: string;
  readonly reason: CancelReason;
}

// What an entry in the stream of the answers is.

export const OUTCOME = "outcome";
export const PROGRESS = "progress";

/** How long what nobody fetches stays in Redis, in milliseconds. */
export const KEPT = 3_600_000;

/** Throws DataCloneError when they cannot be sent. */
export function encodeArguments(args: readonly unknown[]): string {
  return serialize(args).toString("base64");
}

export function decodeArguments(args: string): unknown[] {
  return deserialize(Buffer.from(args, "base64")) as unknown[];
}

/** Throws DataCloneError when a value cannot be sent. */
export function encodeOutcome(outcome: Outcome): Buffer {
  return serialize("error" in outcome ? { error: packError(outcome.error) } : outcome);
}

export function decodeOutcome(bytes: Uint8Array): Outcome {
  const outcome = deserialize(bytes) as { value: unknown } | { error: PackedError };
  return "error" in outcome ? { error: unpackError(outcome.error) } : outcome;
}

// The keys beside BullMQ's own, each under that of its queue or job.

export function repliesKey(queueKey: string, caller: string): string {
  return `${queueKey}aio-replies:${caller}`;
}

export function cancelChannel(queueKey: string): string {
  return `${queueKey}aio-cancel`;
}

export function cancelKey(queueKey: string, id: string): string {
  return `${queueKey}${id}:aio-cancel`;
}
