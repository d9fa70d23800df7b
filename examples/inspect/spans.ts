// Spans of OpenTelemetry: each task is one, inside the span that was active where the task was made.

import { traceTasks } from "@aio/inspect/opentelemetry";
import { throwIfCancelled } from "@aio/loop";
import { createTask, run, sleep, taskGroup } from "@aio/task";
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";

// In a program of your own, an exporter that sends them somewhere.
const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());

async function fetchPart(delay: number, part: string) {
  await sleep(delay);
  if (part === "prices") throw new Error("no prices today");
}

await run(async () => {
  const stop = traceTasks();
  await trace.getTracer("shop").startActiveSpan("request", async (request) => {
    await createTask(() => fetchPart(5, "text"), { name: "text" });
    try {
      await taskGroup((group) => {
        void group.createTask(() => fetchPart(5, "prices"), { name: "prices" });
        void group.createTask(() => fetchPart(60_000, "reviews"), { name: "reviews" });
      });
    } catch (error) {
      throwIfCancelled(error); // there is a page without prices
    }
    request.end();
  });
  stop();
});

const spans = exporter.getFinishedSpans();
for (const { name, parentSpanContext, status, attributes } of spans) {
  const parent = spans.find((span) => span.spanContext().spanId === parentSpanContext?.spanId);
  const end = attributes["aio.task.cancelled"] === true ? "cancelled" : (status.message ?? "fine");
  console.log(`${name}, in ${parent?.name ?? "nothing"}: ${end}`);
}

// Output:
// text, in request: fine
// prices, in request: Error: no prices today
// reviews, in request: cancelled
// request, in nothing: fine
