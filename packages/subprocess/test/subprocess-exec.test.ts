import { AsyncLocalStorage } from "node:async_hooks";
import { getRunningLoop } from "@aio/loop";
import { createTask, currentTask, run, sleep } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  DEVNULL,
  ProcessLookupError,
  STDOUT,
  subprocessExec,
  type SubprocessProtocol,
  subprocessShell,
  type SubprocessTransport,
} from "../src/index.ts";
import { children, isAlive } from "./processes.ts";

class Recorder implements SubprocessProtocol {
  readonly events: string[] = [];
  connectionMade(transport: SubprocessTransport): void {
    this.events.push(`made ${transport.getReturncode()}`);
  }
  pipeDataReceived(fd: number, data: Buffer): void {
    this.events.push(`data ${fd} ${String(data)}`);
  }
  pipeConnectionLost(fd: number, error: Error | null): void {
    this.events.push(`pipe lost ${fd} ${error}`);
  }
  processExited(): void {
    this.events.push("exited");
  }
  connectionLost(error: Error | null): void {
    this.events.push(`lost ${error}`);
  }
}

describe("A protocol of a process", { timeout: 60_000 }, () => {
  test("hears of everything: of connectionMade first, of connectionLost last", () =>
    run(async () => {
      const [transport, { events }] = await subprocessShell(
        () => new Recorder(),
        "echo out; echo err >&2; exit 7",
      );

      expect(await transport.wait()).toBe(7);

      expect(events.at(0)).toMatch(/^made/);
      expect(events.at(-1)).toBe("lost null");
      expect(new Set(events.slice(1, -1))).toEqual(
        new Set([
          "data 1 out\n",
          "data 2 err\n",
          "pipe lost 0 null",
          "pipe lost 1 null",
          "pipe lost 2 null",
          "exited",
        ]),
      );
      expect(events).toHaveLength(8);
    }));
});

describe("A protocol of a process, in whatever way it is told,", { timeout: 60_000 }, () => {
  test("is called in the async context of whoever started the process, with no current task", () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen = new Set<string>();
      const see = (name: string) => (): void =>
        void seen.add(`${name} ${storage.getStore()} ${currentTask() === null}`);
      const protocol: SubprocessProtocol = {
        connectionMade: see("made"),
        pipeDataReceived: see("data"),
        pipeConnectionLost: see("pipe lost"),
        processExited: see("exited"),
        connectionLost: see("lost"),
        pauseWriting: see("pause"),
        resumeWriting: see("resume"),
      };
      const [transport] = await storage.run("mine", () => subprocessShell(() => protocol, "cat"));
      const stdin = transport.getPipeTransport(0);
      stdin?.write(Buffer.alloc(1_000_000));
      stdin?.writeEof();
      await transport.wait();

      const events = ["made", "data", "pipe lost", "exited", "lost", "pause", "resume"];
      expect(seen).toEqual(new Set(events.map((name) => `${name} mine true`)));
    }));
});

describe("A protocol that is slow", { timeout: 60_000 }, () => {
  test("is told to pause writing while the process does not read, and to resume", () =>
    run(async () => {
      const events: string[] = [];
      const paused = getRunningLoop().createFuture<void>();
      const resumed = getRunningLoop().createFuture<void>();
      const protocol: SubprocessProtocol = {
        pauseWriting: () => {
          events.push("pause");
          paused.setResult(undefined);
        },
        resumeWriting: () => {
          events.push("resume");
          resumed.setResult(undefined);
        },
      };
      const [transport] = await subprocessShell(() => protocol, "cat", { stdout: DEVNULL });
      const stdin = transport.getPipeTransport(0);

      stdin?.write(Buffer.alloc(4_000_000));
      expect(events).toEqual(["pause"]);
      await paused;
      await resumed;
      stdin?.close();

      expect(await transport.wait()).toBe(0);
      expect(events).toEqual(["pause", "resume"]);
    }));

  test("gets nothing while reading is paused, not even when the process has exited; and then all", () =>
    run(async () => {
      const exited = getRunningLoop().createFuture<void>();
      const chunks: Buffer[] = [];
      const [transport] = await subprocessShell(
        () => ({
          connectionMade: (made: SubprocessTransport) => made.getPipeTransport(1)?.pauseReading(),
          pipeDataReceived: (_fd: number, data: Buffer) => void chunks.push(data),
          processExited: () => exited.setResult(undefined),
        }),
        "printf all; exit 3",
      );
      await exited;
      const waiting = createTask(() => transport.wait());
      await sleep(50); // time in which nothing may come
      expect([chunks.length, waiting.done, transport.getReturncode()]).toEqual([0, false, 3]);

      transport.getPipeTransport(1)?.resumeReading();

      expect(await waiting).toBe(3);
      expect(String(Buffer.concat(chunks))).toBe("all");
    }));

  test("that throws is reported, and the process goes on", async () => {
    const reports: string[] = [];
    await run(async () => {
      getRunningLoop().exceptionHandler = (_loop, { message }) => void reports.push(message);
      const [transport] = await subprocessShell(
        () => ({
          connectionMade: () => {
            throw new Error("made");
          },
          processExited: () => {
            throw new Error("exited");
          },
        }),
        "exit 6",
      );
      expect(await transport.wait()).toBe(6);
    });
    expect(reports).toEqual([
      "protocol.connectionMade() failed",
      "protocol.processExited() failed",
    ]);
  });

  test("can be replaced", () =>
    run(async () => {
      const [transport, first] = await subprocessExec(() => new Recorder(), "cat");
      const second = new Recorder();
      transport.setProtocol(second);
      expect(transport.getProtocol()).toBe(second);

      transport.getPipeTransport(0)?.write("to the second");
      transport.getPipeTransport(0)?.close();
      await transport.wait();

      expect(first.events).toEqual(["made null"]);
      expect(second.events).toContain("data 1 to the second");
    }));
});

describe("subprocessExec", { timeout: 60_000 }, () => {
  test("has pipes for all three by default", () =>
    run(async () => {
      const [transport] = await subprocessExec(() => ({}), "cat");
      expect([0, 1, 2].map((fd) => transport.getPipeTransport(fd) !== null)).toEqual([
        true,
        true,
        true,
      ]);
      transport.close();
      await transport.wait();
    }));

  test("refuses text mode, shells and programs that are none", () =>
    run(async () => {
      for (const option of ["universalNewlines", "shell", "text", "bufsize", "encoding", "errors"])
        await expect(subprocessExec(() => ({}), "cat", [], { [option]: 1 })).rejects.toThrow(
          RangeError,
        );
      await expect(subprocessExec(() => ({}), 5 as never)).rejects.toThrow(
        "Expected `program` to be a string, got 5",
      );
      await expect(subprocessShell(() => ({}), null as never)).rejects.toThrow(TypeError);
    }));

  test("leaves no process when the factory throws", () =>
    run(async () => {
      const before = children();
      const starting = subprocessExec(() => {
        throw new Error("no protocol");
      }, "cat");
      await expect(starting).rejects.toThrow("no protocol");
      expect(children()).toEqual(before);
    }));
});

describe("SubprocessTransport", { timeout: 60_000 }, () => {
  test("does not signal a process that has just ended, and says so when all is over", () =>
    run(async () => {
      const pid = getRunningLoop().createFuture<number>();
      const [transport] = await subprocessShell(
        () => ({ pipeDataReceived: (_fd: number, data: Buffer) => pid.setResult(Number(data)) }),
        "sleep 1000 & echo $!; exit 2",
      );
      await transport.exited();
      const grandchild = await pid;
      onTestFinished(() => void process.kill(grandchild, "SIGKILL"));
      expect(transport.getReturncode()).toBe(2);

      transport.terminate(); // it has ended: the pipe is still held open
      transport.close();

      expect(await transport.wait()).toBe(2);
      expect(() => transport.terminate()).toThrow(ProcessLookupError);
      expect(() => transport.sendSignal(99)).toThrow(
        'Expected `signal` to be a signal such as "SIGTERM", got 99',
      );
    }));

  test("has no transport for stderr that goes where stdout goes", () =>
    run(async () => {
      const [transport] = await subprocessShell(() => ({}), "true", { stderr: STDOUT });
      expect(transport.getPipeTransport(1)).not.toBe(null);
      expect(transport.getPipeTransport(2)).toBe(null);
      expect(transport.getExtraInfo("no-such-info", "fallback")).toBe("fallback");
      await transport.wait();
    }));

  test("kills the process when it is closed, once", () =>
    run(async () => {
      const [transport] = await subprocessExec(() => new Recorder(), "sleep", ["1000"]);
      const pid = transport.getPid();
      expect(transport.isClosing()).toBe(false);

      transport.close();
      transport.close();

      expect(transport.isClosing()).toBe(true);
      expect(await transport.wait()).toBe(-9);
      expect(isAlive(pid)).toBe(false);
      expect(transport.getPid()).toBe(pid);
      expect(() => transport.kill()).toThrow(ProcessLookupError);
    }));

  test("keeps the code of a process that has ended before close()", () =>
    run(async () => {
      const [transport] = await subprocessShell(() => ({}), "exit 4");
      await transport.wait();
      transport.close();
      expect(transport.getReturncode()).toBe(4);
    }));

  test("has a transport for each pipe, and the process of the host", () =>
    run(async () => {
      const [transport] = await subprocessExec(() => new Recorder(), "cat", [], { stderr: null });
      expect(transport.getPipeTransport(2)).toBe(null);
      expect(transport.getExtraInfo("subprocess").pid).toBe(transport.getPid());

      transport.getPipeTransport(0)?.write("hello");
      transport.getPipeTransport(0)?.close();

      expect(await transport.wait()).toBe(0);
      expect((transport.getProtocol() as Recorder).events).toContain("data 1 hello");
    }));
});
