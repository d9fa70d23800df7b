import { inspect, type InspectOptions } from "node:util";
import { creationStack } from "./debug.ts";
import type { EventLoop } from "./loop.ts";
import { log } from "./log.ts";

/** What an exception handler is told. Others may add keys of their own. */
export interface ExceptionContext {
  /** What went wrong, in one sentence. */
  readonly message: string;
  readonly exception?: unknown;
  readonly future?: object | undefined;
  readonly task?: object | undefined;
  readonly handle?: object | undefined;
  readonly protocol?: object | undefined;
  readonly transport?: object | undefined;
  readonly socket?: object | undefined;
  readonly [key: string]: unknown;
}

/** Called with errors that nobody else can be told of. */
export type ExceptionHandler = (loop: EventLoop, context: ExceptionContext) => void;

/** Writes one record to the log: the message, then the other keys, then the exception with its stack. */
export function logException(context: ExceptionContext): void {
  const { message, exception, ...details } = context;
  const lines = [message || "Unhandled exception in event loop"];
  for (const key of Object.keys(details).toSorted()) {
    const value = details[key];
    if (value === undefined) continue;
    lines.push(
      typeof value === "string" ? `${key}:\n${value}` : `${key}: ${show(value, { depth: 1 })}`,
    );
    const stack = typeof value === "object" && value !== null ? creationStack(value) : undefined;
    if (stack !== undefined) lines.push(`${key} created at:`, stack);
  }
  if (exception !== undefined) lines.push(show(exception));
  log.error(lines.join("\n"));
}

/** What cannot show itself in its own way is shown in that of the host: the report must not be lost. */
function show(value: unknown, options?: InspectOptions): string {
  try {
    return inspect(value, options);
  } catch {
    return inspect(value, { ...options, customInspect: false });
  }
}
