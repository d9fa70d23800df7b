import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { toError } from "@aio/loop";
import { type Span, SpanStatusCode, trace, type Tracer } from "@opentelemetry/api";

/** What is told of a task by `node:diagnostics_channel`. */
interface TaskMessage {
  readonly task: { readonly name: string; readonly coroutine: { readonly name: string } };
  /** What it threw. */
  readonly error?: unknown;
}

/**
 * Gives each task a span of OpenTelemetry, from now on: from its creation to its end, inside the span that was
 * active where it was made; with the exception, or the fact that it was cancelled. Needs `@opentelemetry/api`.
 *
 * @param tracer where the spans go: by default the global one.
 * @returns a function that ends it; spans of tasks that run then are left as they are.
 *
 * @example
 * ```ts
 * import { traceTasks } from "@aio/inspect/opentelemetry";
 *
 * traceTasks();
 * ```
 */
export function traceTasks(tracer: Tracer = trace.getTracer("@aio/task")): () => void {
  const spans = new WeakMap<object, Span>();
  const created = (message: unknown): void => {
    const { task } = message as TaskMessage;
    const attributes = { "aio.task.name": task.name, "aio.task.coroutine": task.coroutine.name };
    spans.set(task, tracer.startSpan(task.name, { attributes }));
  };
  const done = (message: unknown): void => {
    const span = spans.get((message as TaskMessage).task);
    const { error } = message as TaskMessage;
    if (error !== undefined) {
      const exception = toError(error);
      span?.recordException(exception);
      span?.setStatus({ code: SpanStatusCode.ERROR, message: String(exception) });
    }
    span?.end();
  };
  const cancelled = (message: unknown): void => {
    const span = spans.get((message as TaskMessage).task);
    span?.setAttribute("aio.task.cancelled", true);
    span?.end();
  };
  const listeners = { created, done, cancelled };
  for (const [event, listener] of Object.entries(listeners))
    subscribe(`aio:task:${event}`, listener);
  return () => {
    for (const [event, listener] of Object.entries(listeners))
      unsubscribe(`aio:task:${event}`, listener);
  };
}
