import { describe, expect, onTestFinished, test } from "vitest";
import { EventLoop, type ExceptionContext, setLogger } from "../src/index.ts";
import { runChild } from "./child.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

/** A generator that has given its first value, and notes its end. */
async function begun(
  name: string,
  ends: string[],
  end: () => PromiseLike<unknown> | undefined = () => undefined,
): Promise<AsyncGenerator<number>> {
  async function* numbers(): AsyncGenerator<number> {
    try {
      yield 1;
      yield 2;
    } finally {
      await end();
      ends.push(name);
    }
  }
  const generator = numbers();
  await generator.next();
  return generator;
}

function collectReports(loop: EventLoop): ExceptionContext[] {
  const reports: ExceptionContext[] = [];
  loop.exceptionHandler = (_loop, context) => reports.push(context);
  return reports;
}

describe("shutdownAsyncGens", () => {
  test("runs the `finally` blocks of generators that were left in the middle", async () => {
    await inLoop(async (loop) => {
      const ends: string[] = [];
      for (const name of ["first", "second"]) loop.trackAsyncGen(await begun(name, ends));

      await loop.shutdownAsyncGens();

      expect(ends).toEqual(["first", "second"]);
    });
  });

  test("waits for the `finally` blocks, which may wait too, all at once", async () => {
    await inLoop(async (loop) => {
      const ends: string[] = [];
      const wait = (delay: number) => () => {
        const over = loop.createFuture<null>();
        loop.callLater(delay, () => over.setResult(null));
        return over;
      };
      loop.trackAsyncGen(await begun("slow", ends, wait(20)));
      loop.trackAsyncGen(await begun("fast", ends, wait(10)));

      await loop.shutdownAsyncGens();

      expect([ends, loop.time()]).toEqual([["fast", "slow"], 20]);
    });
  });

  test("reports the error of one with the key `asyncgen`, and stops no other", async () => {
    await inLoop(async (loop) => {
      const reports = collectReports(loop);
      const ends: string[] = [];
      const boom = new Error("boom");
      const failing = loop.trackAsyncGen(await begun("failing", ends, () => Promise.reject(boom)));
      loop.trackAsyncGen(await begun("other", ends));

      await loop.shutdownAsyncGens();

      expect(ends).toEqual(["other"]);
      expect(reports).toEqual([
        {
          message: "an error occurred during closing of an asynchronous generator",
          exception: boom,
          asyncgen: failing,
        },
      ]);
      expect(reports[0]?.["asyncgen"]).toBe(failing);
    });
  });

  test("writes that error to the log by default", async () => {
    const lines: string[] = [];
    const write = (message: string): void => void lines.push(message);
    setLogger({ error: write, warn: write, debug: write });
    onTestFinished(() => setLogger(null));
    await inLoop(async (loop) => {
      loop.trackAsyncGen(await begun("failing", [], () => Promise.reject(new Error("boom"))));

      await loop.shutdownAsyncGens();
    });

    expect(lines).toEqual([
      expect.stringMatching(
        /^an error occurred during closing of an asynchronous generator\nasyncgen: .*\nError: boom/,
      ),
    ]);
  });

  test("closes each once", async () => {
    await inLoop(async (loop) => {
      const ends: string[] = [];
      loop.trackAsyncGen(await begun("closed", ends));

      await Promise.all([loop.shutdownAsyncGens(), loop.shutdownAsyncGens()]);
      await loop.shutdownAsyncGens();

      expect(ends).toEqual(["closed"]);
    });
  });

  test("leaves one alone that has not begun, but for closing it: it has nothing to clean up", async () => {
    await inLoop(async (loop) => {
      const steps: string[] = [];
      const generator = loop.trackAsyncGen(
        (async function* never(): AsyncGenerator<number> {
          steps.push("begun");
          yield 1;
        })(),
      );

      await loop.shutdownAsyncGens();

      expect(await generator.next()).toEqual({ done: true, value: undefined });
      expect(steps).toEqual([]);
    });
  });

  test("does nothing when there are none", async () => {
    await expect(inLoop((loop) => loop.shutdownAsyncGens())).resolves.toBeUndefined();
  });
});

describe("trackAsyncGen", () => {
  test("returns the generator, with its type", async () => {
    await inLoop(async (loop) => {
      const generator = await begun("any", []);

      const tracked: AsyncGenerator<number> = loop.trackAsyncGen(generator);

      expect(tracked).toBe(generator);
    });
  });

  test("closes nothing by itself", async () => {
    await inLoop(async (loop) => {
      const ends: string[] = [];
      const generator = loop.trackAsyncGen(await begun("alive", ends));

      await nextTurn(loop);

      expect(await generator.next()).toEqual({ done: false, value: 2 });
      expect(ends).toEqual([]);
    });
  });

  test("keeps no generator in memory, and forgets one that is collected", async () => {
    const program = new URL("fixtures/collected-generators.ts", import.meta.url);

    expect(await runChild(program)).toEqual({
      code: 0,
      output: ["tracked: 1000", "left: 1", "the one that is held is closed: true"],
      errors: "",
    });
  });
});
