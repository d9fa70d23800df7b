import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { context, trace } from "@opentelemetry/api";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { SnapshotProvider, SnapshotRegistry } from "@aio/loop";
import { Lock } from "@aio/sync";
import {
  createTask,
  gather,
  run,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wait,
} from "@aio/task";
import { describe, expect, test } from "vitest";
import { traceTasks } from "../src/opentelemetry.ts";
import {
  attach,
  type Deadlock,
  listen,
  publishLoopLag,
  takeLook,
  watchDeadlocks,
  type Snapshot,
  type TaskSnapshot,
} from "../src/index.ts";
import { look } from "../src/expressions.ts";
import { askSocket } from "../src/socket-client.ts";
import { socketPath } from "../src/socket-path.ts";
import { aio, Running } from "./running.ts";

describe("takeLook", () => {
  test("shows a task from its creation to its end", async () => {
    const states = await run(async () => {
      const task = createTask(() => sleep(20), { name: "t" });
      const first = await lookedAt("t");
      await task;
      return [first?.state, await lookedAt("t")];
    });

    expect(states).toEqual(["waiting", undefined]);
  });

  test("tells when a sleep or the timeout around ends it, and a circle that it breaks", async () => {
    const loop = await run(async () => {
      const [a, b] = [new Lock(), new Lock()];
      const tasks = [
        createTask(() => timeout(60_000, both(a, b)), { name: "patient" }),
        createTask(both(b, a), { name: "stuck" }),
      ];
      await sleep(5);
      const { loops } = await takeLook();
      for (const task of tasks) task.cancel();
      await wait(tasks);
      return loops[0];
    });

    expect(loop?.cycles).toHaveLength(1);
    expect(loop?.cycles[0]?.ends).toBeGreaterThan(30_000);
    expect(loop?.cycles[0]?.ends).toBeLessThanOrEqual(60_000);
  });

  test("knows for how long something has waited, at least since the look before", async () => {
    const ages = await run(async () => {
      const task = createTask(() => sleep(60_000), { name: "t" });
      await sleep(1);
      const first = (await lookedAt("t"))?.waits[0]?.age;
      await sleep(30);
      const second = (await lookedAt("t"))?.waits[0]?.age;
      task.cancel();
      await wait([task]);
      return [first, second];
    });

    expect(ages[0]).toBeNull();
    expect(ages[1]?.exact).toBe(false);
    expect(ages[1]?.ms).toBeGreaterThan(20);
  });

  test("is taken between two steps, whatever ran when it was asked for", async () => {
    const state = await run(async () => {
      let taken: Promise<Snapshot> | undefined;
      const task = createTask(
        async () => {
          taken = takeLook();
          await sleep(60_000);
        },
        { name: "t" },
      );
      await sleep(1);
      const seen = (await taken)?.loops[0]?.tasks.find(({ name }) => name === "t");
      task.cancel();
      await wait([task]);
      return seen?.state;
    });

    expect(state).toBe("waiting");
  });

  test("gives tasks that were first seen by the same look the same age", async () => {
    const ages = await run(async () => {
      const tasks = Array.from({ length: 100 }, () => createTask(() => sleep(60_000)));
      await sleep(1);
      await takeLook();
      const { loops } = await takeLook();
      for (const task of tasks) task.cancel();
      await wait(tasks);
      return loops[0]?.tasks.flatMap(({ waits }) => waits.map(({ age }) => age?.ms ?? null));
    });

    expect(ages).toHaveLength(100);
    expect(new Set(ages).size).toBe(1);
  });
});

describe("A look from outside", () => {
  test.each(["the inspector", "the socket"])(
    "by %s lets the program go on before it is made into text",
    async (way) => {
      const events: string[] = [];
      const loop = { toJSON: () => void events.push("text") };
      const provider = {
        look: async () => {
          setImmediate(() => events.push("program"));
          return { pause: 1, loops: [loop] };
        },
      } as unknown as SnapshotProvider;

      await run(async () => {
        const { providers } = Reflect.get(
          globalThis,
          Symbol.for("@aio/inspect"),
        ) as SnapshotRegistry;
        providers.add(provider);
        try {
          if (way === "the inspector") await (runInThisContext(look("me", {})) as Promise<string>);
          else await askOwnSocket();
        } finally {
          providers.delete(provider);
        }
      });

      expect(events).toEqual(["program", "text"]);
    },
  );
});

describe("watchDeadlocks", () => {
  test("reports a deadlock once, with names and lines, while the program runs", async () => {
    const reports: Deadlock[] = [];
    const first = Promise.withResolvers<void>();

    await run(async () => {
      const end = watchDeadlocks({
        interval: 5,
        report: (deadlock) => {
          reports.push(deadlock);
          first.resolve();
        },
      });
      const [a, b] = [new Lock(), new Lock()];
      const tasks = [
        createTask(both(a, b), { name: "left" }),
        createTask(both(b, a), { name: "right" }),
      ];
      await first.promise;
      await sleep(50); // ten looks more
      end();
      for (const task of tasks) task.cancel();
      await wait(tasks);
    });

    expect(reports).toHaveLength(1);
    expect(reports[0]?.message).toMatch(
      /^A deadlock: (left → right → left|right → left → right)\n/,
    );
    expect(reports[0]?.message).toMatch(
      /left waits for acquire\(\) .* at .*in-process\.test\.ts:\d+/,
    );
  });

  test.each([
    ["an await", async (other: Task<void>) => await other],
    ["a shield", (other: Task<void>) => shield(other)],
    ["a gather", async (other: Task<void>) => void (await gather(other))],
    [
      "a task group",
      (other: Task<void>) => taskGroup((group) => void group.createTask(async () => await other)),
    ],
  ])("reports a circle of a lock and %s", async (_name, join) => {
    const reported = Promise.withResolvers<Deadlock>();

    const { message, cycle } = await run(async () => {
      const end = watchDeadlocks({ interval: 5, report: (deadlock) => reported.resolve(deadlock) });
      const lock = new Lock();
      const owner = createTask(
        async () => {
          await lock.acquire();
          await join(other);
        },
        { name: "owner" },
      );
      const other = createTask(() => lock.with(() => sleep(0)), { name: "other" });
      const deadlock = await reported.promise;
      end();
      other.cancel();
      await wait([owner, other]);
      return deadlock;
    });

    expect(cycle.ends).toBeNull();
    expect(message).toMatch(/^A deadlock: .*(owner → .*other|other → .*owner)/);
    expect(message).toMatch(/ owner waits for .* at .*in-process\.test\.ts:\d+/);
  });
});

describe("The channels", () => {
  test("tell of tasks that are made, done, have failed and are cancelled", async () => {
    const events: string[] = [];
    const listeners = ["created", "done", "cancelled"].map((event) => {
      const listener = (message: unknown): void => {
        const { task, error } = message as { task: { name: string }; error?: Error };
        events.push(`${event} ${task.name}${error === undefined ? "" : ` ${error.message}`}`);
      };
      subscribe(`aio:task:${event}`, listener);
      return () => unsubscribe(`aio:task:${event}`, listener);
    });

    await run(async () => {
      const good = createTask(() => 1, { name: "good" });
      const bad = createTask(() => Promise.reject(new Error("boom")), { name: "bad" });
      const idle = createTask(() => sleep(1_000), { name: "idle" });
      await sleep(0);
      idle.cancel();
      await gather([good, bad, idle], { returnExceptions: true });
    });
    for (const end of listeners) end();

    expect(events.slice(1)).toEqual([
      "created good",
      "created bad",
      "created idle",
      "done good",
      "done bad boom",
      "cancelled idle",
      expect.stringMatching(/^done Task-/),
      ...events.slice(8), // of the end of the run
    ]);
  });

  test("tell what nobody has caught", async () => {
    const messages: unknown[] = [];
    const listener = (message: unknown): void => void messages.push(message);
    subscribe("aio:uncaught", listener);

    await run(async () => {
      const { loop } = createTask(() => sleep(0));
      loop.exceptionHandler = () => undefined;
      loop.callSoon(() => {
        throw new Error("lost");
      });
      await sleep(1);
    });
    unsubscribe("aio:uncaught", listener);

    expect(messages).toMatchObject([{ context: { exception: { message: "lost" } } }]);
  });

  test("tell by how much the loop is late", async () => {
    const late = Promise.withResolvers<number>();
    const listener = (message: unknown): void => {
      const { lag } = message as { lag: number };
      if (lag > 20) late.resolve(lag);
    };
    subscribe("aio:loop:lag", listener);
    const end = publishLoopLag({ interval: 5 });

    await run(async () => {
      await sleep(1);
      for (const until = performance.now() + 50; performance.now() < until;);
      expect(await late.promise).toBeGreaterThan(20);
    });
    end();
    unsubscribe("aio:loop:lag", listener);

    expect(channel("aio:loop:lag").hasSubscribers).toBe(false);
  });
});

test("traceTasks gives each task a span, inside the one that was active", async () => {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const tracer = provider.getTracer("test");
  const end = traceTasks(tracer);

  await run(async () => {
    const request = tracer.startSpan("request");
    await context.with(trace.setSpan(context.active(), request), async () => {
      const good = createTask(() => sleep(1), { name: "good" });
      const bad = createTask(() => Promise.reject(new Error("boom")), { name: "bad" });
      const idle = createTask(() => sleep(10_000), { name: "idle" });
      await sleep(0);
      idle.cancel();
      await gather([good, bad, idle], { returnExceptions: true });
    });
    request.end();
  });
  end();
  context.disable();

  const spans = new Map(exporter.getFinishedSpans().map((span) => [span.name, span]));
  const parent = spans.get("request")?.spanContext().spanId;
  expect(["good", "bad", "idle"].map((name) => spans.get(name)?.parentSpanContext?.spanId)).toEqual(
    [parent, parent, parent],
  );
  expect(spans.get("bad")?.status.message).toBe("Error: boom");
  expect(spans.get("idle")?.attributes["aio.task.cancelled"]).toBe(true);
});

describe("listen", () => {
  test("opens a socket that only this user can use, and closes it", () => {
    const close = listen();
    const { mode } = statSync(socketPath(process.pid));
    close();

    expect(mode & 0o077).toBe(0);
    expect(() => statSync(socketPath(process.pid))).toThrow("ENOENT");
  });

  test("lets `aio` look without an inspector, and is gone with the process", async () => {
    const program = fileURLToPath(new URL("fixtures/listening.ts", import.meta.url));
    await using running = new Running(process.execPath, [
      "--disable-warning=ExperimentalWarning",
      program,
    ]);
    await running.line();

    await using way = await attach(running.pid);
    const { output } = await aio("ps", running.pid);
    const path = socketPath(running.pid);
    const before = statSync(path).isSocket();
    running.tell();
    await new Promise((resolve) => running.process.once("exit", resolve));

    expect(way.by).toBe("socket");
    expect(output).toContain("sleeper");
    expect(running.errors).toBe("");
    expect(before).toBe(true);
    expect(() => statSync(path)).toThrow("ENOENT");
  });
});

/** What `aio` does, in this very process. */
async function askOwnSocket(): Promise<void> {
  const close = listen();
  await askSocket(process.pid, { frames: false }, 60_000);
  close();
}

async function lookedAt(name: string): Promise<TaskSnapshot | undefined> {
  const { loops } = await takeLook();
  return loops[0]?.tasks.find((task) => task.name === name);
}

/** Takes one lock, and then, a moment later, the other. */
function both(one: Lock, other: Lock): () => Promise<void> {
  return async () => {
    await one.acquire();
    await sleep(0);
    await other.acquire();
  };
}
