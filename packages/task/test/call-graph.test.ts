import { PassThrough } from "node:stream";
import {
  Future,
  futureAddToAwaitedBy,
  futureDiscardFromAwaitedBy,
  getRunningLoop,
  RuntimeError,
  VirtualClock,
} from "@aio/loop";
import { describe, expect, test } from "vitest";
import {
  asCompleted,
  captureCallGraph,
  createTask,
  currentTask,
  formatCallGraph,
  type FutureCallGraph,
  gather,
  printCallGraph,
  run,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wait,
  waitFor,
} from "../src/index.ts";

describe("captureCallGraph", () => {
  test("tells who awaits a task, and who awaits those, to the main task", async () => {
    const names = await run(async () => {
      const inner = createTask(() => sleep(1), { name: "inner" });
      const middle = createTask(
        async () => {
          await inner;
        },
        { name: "middle" },
      );
      const outer = createTask(
        async () => {
          await middle;
        },
        { name: "outer" },
      );
      await sleep(0);
      const found = chain(captureCallGraph(inner));
      await outer;
      return found;
    }, virtual());

    expect(names).toEqual(["inner", ["middle", ["outer"]]]);
  });

  test.each([
    ["gather", (task: Task<void>) => gather(task, () => sleep(2))],
    ["shield", (task: Task<void>) => shield(task)],
    ["wait", (task: Task<void>) => wait([task])],
    ["waitFor", (task: Task<void>) => waitFor(task, 10)],
    ["timeout", (task: Task<void>) => timeout(10, () => task)],
    ["a gather inside a shield", (task: Task<void>) => shield(gather(task))],
    [
      "asCompleted",
      async (task: Task<void>) => {
        for await (const done of asCompleted([task])) done.result();
      },
    ],
  ])("goes through %s", async (_name, combine) => {
    const names = await run(async () => {
      const task = createTask(() => sleep(1), { name: "part" });
      const whole = createTask(async () => void (await combine(task)), { name: "whole" });
      await sleep(0);
      const found = chain(captureCallGraph(task));
      await whole;
      return [found, chain(captureCallGraph(task))];
    }, virtual());

    expect(names).toEqual([["part", ["whole"]], ["part"]]); // and nobody any more when it is done
  });

  test("goes from a task of a group to the one that runs the group, also while its body runs", async () => {
    const names = await run(async () => {
      const members: Task<void>[] = [];
      const owner = createTask(
        () =>
          taskGroup(async (group) => {
            members.push(group.createTask(() => sleep(5), { name: "member" }));
            await sleep(1);
          }),
        { name: "owner" },
      );
      await sleep(0);
      const during = chain(captureCallGraph(members[0]));
      await sleep(2);
      const behind = chain(captureCallGraph(members[0]));
      await owner;
      return [during, behind];
    }, virtual());

    expect(names).toEqual([
      ["member", ["owner"]],
      ["member", ["owner"]],
    ]);
  });

  test("stands for the running task by default, with the frames of the running code", async () => {
    const graph = await run(async function program() {
      return { graph: captureCallGraph(), task: currentTask()?.name };
    });

    expect(graph.graph?.future).toMatchObject({ name: graph.task });
    expect(graph.graph?.callStack[0]).toMatchObject({ file: import.meta.filename });
    expect(graph.graph?.callStack[0]?.functionName).toMatch(/program$/);
  });

  test("skips frames by `depth`", async () => {
    const { near, far } = await run(async function program() {
      return { near: inside(1), far: inside(2) };
    });

    expect(functionsOf(near).slice(1)).toEqual(functionsOf(far));
    expect(near?.callStack[0]?.functionName).toBe("inside");
  });

  test("keeps the outermost frames by a positive `limit`, the innermost by a negative one, none by 0", async () => {
    const stacks = await run(async function program() {
      return [null, 2, -2, 0].map((limit) => deeper(limit));
    });
    const [all = [], outermost, innermost, none] = stacks;

    expect(all.length).toBeGreaterThan(2);
    expect(outermost).toEqual(all.slice(-2));
    expect(innermost).toEqual(all.slice(0, 2));
    expect(none).toEqual([]);
  });

  test("gives the place where a task waits in debug mode", async () => {
    const frames = await run(
      async () => {
        const task = createTask(async function waits() {
          await sleep(1);
        });
        await sleep(0);
        const found = captureCallGraph(task)?.callStack;
        task.cancel();
        await wait([task]);
        return found;
      },
      { ...virtual(), debug: true },
    );

    expect(frames?.map(({ file }) => file)).toEqual([import.meta.filename]);
  });

  test("knows what was added by hand, until it is discarded", async () => {
    const graphs = await run(async () => {
      const part = new Future<void>();
      const whole = new Future<void>();
      const waiter = createTask(
        async () => {
          await whole;
        },
        { name: "waiter" },
      );
      await sleep(0);
      futureAddToAwaitedBy(part, whole);
      futureAddToAwaitedBy(part, "no future");
      const before = captureCallGraph(part);
      futureDiscardFromAwaitedBy(part, whole);
      futureDiscardFromAwaitedBy(whole, part); // there never was one
      const after = captureCallGraph(part);
      waiter.cancel();
      await wait([waiter]);
      return [chain(before), before?.awaitedBy[0]?.future === whole, chain(after)];
    });

    expect(graphs).toEqual([["Future", ["Future", ["waiter"]]], true, ["Future"]]);
  });

  test("is cut where it comes round in a circle", async () => {
    const names = await run(async () => {
      const tasks: Task<void>[] = [];
      for (const name of ["a", "b"])
        tasks.push(
          createTask(
            async () => {
              await shield(tasks[name === "a" ? 1 : 0] as Task<void>);
            },
            {
              name,
            },
          ),
        );
      await sleep(0);
      const graph = captureCallGraph(tasks[0]);
      const text = formatCallGraph(tasks[0]);
      for (const task of tasks) task.cancel();
      await wait(tasks);
      return [chain(graph), text.includes("(a circle)")];
    });

    expect(names).toEqual([["a", ["b", ["a"]]], true]);
  });

  test("tells a diamond of many layers in no time", async () => {
    const count = await run(async () => {
      const bottom = createTask(() => sleep(1), { name: "bottom" });
      let layer = [bottom];
      for (let depth = 0; depth < 40; depth += 1) {
        const below = layer;
        const next = (): Promise<void> => gather(below).then(() => undefined) as Promise<void>;
        layer = [createTask(next), createTask(next)];
        await sleep(0);
      }
      const graph = captureCallGraph(bottom);
      await gather(layer);
      return graph?.awaitedBy.length;
    }, virtual());

    expect(count).toBe(2);
  });

  test("is frozen", async () => {
    const graph = await run(async () => captureCallGraph());

    expect(Object.isFrozen(graph) && Object.isFrozen(graph?.callStack)).toBe(true);
    expect(Object.isFrozen(graph?.awaitedBy)).toBe(true);
  });

  test("is null in a callback, throws outside of a loop, and for what is no Future", async () => {
    const inCallback = await run(async () => {
      const done = new Future<FutureCallGraph | null>();
      getRunningLoop().callSoon(() => done.setResult(captureCallGraph()));
      return await done;
    });

    expect(inCallback).toBeNull();
    expect(() => captureCallGraph()).toThrow(RuntimeError);
    expect(() => captureCallGraph(5 as never)).toThrow(TypeError);
  });
});

describe("formatCallGraph", () => {
  test("writes the graph as asyncio does", async () => {
    const text = await run(async () => {
      const inner = createTask(() => sleep(1), { name: "inner" });
      const outer = createTask(
        async () => {
          await inner;
        },
        { name: "outer" },
      );
      await sleep(0);
      const formatted = formatCallGraph(inner);
      await outer;
      return formatted;
    }, virtual());

    expect(text.replaceAll(/id=\d+/g, "id=N")).toBe(
      ["* Task(name='inner', id=N)", "  + Awaited by:", "    * Task(name='outer', id=N)"].join(
        "\n",
      ),
    );
  });

  test("names the places", async () => {
    const text = await run(async function program() {
      return formatCallGraph();
    });

    expect(text).toContain("  + Call stack:\n  |   File '");
    expect(text).toMatch(/call-graph\.test\.ts', line \d+, in (Task\.)?program\(\)/);
  });

  test("is empty where there is no graph", async () => {
    const text = await run(async () => {
      const done = new Future<string>();
      getRunningLoop().callSoon(() => done.setResult(formatCallGraph()));
      return await done;
    });

    expect(text).toBe("");
  });
});

test("printCallGraph writes the text to a stream", async () => {
  const file = new PassThrough({ encoding: "utf8" });

  const expected = await run(async () => {
    const task = createTask(() => sleep(1), { name: "t" });
    printCallGraph(task, { file });
    return formatCallGraph(task);
  });

  expect(file.read()).toBe(`${expected}\n`);
});

function inside(depth: number): FutureCallGraph | null {
  return captureCallGraph(null, { depth });
}

function deeper(limit: number | null): string[] {
  return deepest(limit);
}

function deepest(limit: number | null): string[] {
  return functionsOf(captureCallGraph(null, { limit }));
}

function functionsOf(graph: FutureCallGraph | null): string[] {
  return graph?.callStack.map(({ functionName }) => functionName) ?? [];
}

function virtual(): { clock: VirtualClock } {
  return { clock: new VirtualClock() };
}

/** The names along a graph, of the first waiter each. */
function chain(graph: FutureCallGraph | null | undefined): unknown[] {
  if (graph === null || graph === undefined) return [];
  const { future, awaitedBy } = graph;
  const name = "name" in future ? future.name : "Future";
  const [first] = awaitedBy;
  return first === undefined ? [name] : [name, chain(first)];
}
