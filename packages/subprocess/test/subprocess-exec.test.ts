import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import {
  ProcessLookupError,
  subprocessExec,
  type SubprocessProtocol,
  subprocessShell,
  type SubprocessTransport,
} from "../src/index.ts";
import { isAlive } from "./processes.ts";

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

describe("A protocol of a process", () => {
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

describe("SubprocessTransport", () => {
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
