import { getRunningLoop, TimeoutError, VirtualClock } from "@aio/loop";
import { createTask, run, sleep, timeout, waitFor } from "@aio/task";
import { MemoryNetwork } from "@aio/transports/testing";
import { describe, expect, test } from "vitest";
import { openConnection, startServer, type StreamReader, type StreamWriter } from "../src/index.ts";

describe("Streams over a network in memory", () => {
  test("carry lines in virtual time", () =>
    virtually(async () => {
      const network = new MemoryNetwork({ latency: 250 });
      const server = await startServer(shout, { network: network.host("server"), port: 7 });

      const [reader, writer] = await openConnection({
        network: network.host("client"),
        host: "server",
        port: 7,
      });
      writer.write("hello\n");
      expect(String(await reader.readline())).toBe("HELLO\n");
      writer.close();
      await writer.waitClosed();
      await server[Symbol.asyncDispose]();

      expect(getRunningLoop().time()).toBe(1_250);
    }));

  test("wait in drain for a reader that is slow", () =>
    virtually(async () => {
      const network = new MemoryNetwork();
      const received: number[] = [];
      await startServer(
        async (reader) => {
          for (;;) {
            const { length } = await reader.read(10_000);
            if (length === 0) return;
            received.push(length);
            await sleep(1_000);
          }
        },
        { network: network.host("server"), port: 7, limit: 10_000 },
      );
      const [, writer] = await openConnection({
        network: network.host("client"),
        host: "server",
        port: 7,
      });

      for (let i = 0; i < 100; i += 1) {
        writer.write(Buffer.alloc(10_000));
        await writer.drain();
      }
      expect(getRunningLoop().time()).toBeGreaterThan(70_000);
      writer.close();
      await sleep(1_000_000);

      expect(received.reduce((sum, length) => sum + length)).toBe(1_000_000);
    }));

  test("are still usable after a read that timed out in a partition", () =>
    virtually(async () => {
      const network = new MemoryNetwork({ latency: 10 });
      await startServer(shout, { network: network.host("server"), port: 7 });
      const [reader, writer] = await openConnection({
        network: network.host("client"),
        host: "server",
        port: 7,
      });

      network.partition("server");
      writer.write("hello\n");
      await expect(waitFor(reader.readline(), 30_000)).rejects.toThrow(TimeoutError);
      network.heal("server");

      expect(String(await reader.readline())).toBe("HELLO\n");
    }));

  test("tell all who wait of a reset", () =>
    virtually(async () => {
      const network = new MemoryNetwork();
      await startServer((reader) => void reader, { network: network.host("server"), port: 7 });
      const [reader, writer] = await openConnection({
        network: network.host("client"),
        host: "server",
        port: 7,
      });
      writer.write(Buffer.alloc(10_000_000));
      const waiting = [
        ...Array.from({ length: 5 }, () => createTask(() => writer.drain())),
        createTask(() => reader.readline()),
        createTask(() => writer.waitClosed()),
      ];
      await sleep(1);
      expect(waiting.some(({ done }) => done)).toBe(false);

      network.reset("server");

      for (const each of waiting) await expect(each).rejects.toMatchObject({ code: "ECONNRESET" });
    }));

  test("close what was being opened when the time is up", () =>
    virtually(async () => {
      const network = new MemoryNetwork({ latency: 10_000 });
      const server = await startServer(shout, { network: network.host("server"), port: 7 });

      await expect(
        timeout(15_000, () =>
          openConnection({ network: network.host("client"), host: "server", port: 7 }),
        ),
      ).rejects.toThrow(TimeoutError);
      server.close();

      await server.waitClosed();
    }));
});

async function shout(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line.toString().toUpperCase());
    await writer.drain();
  }
  writer.close();
}

function virtually<T>(main: () => Promise<T>): Promise<T> {
  return run(main, { clock: new VirtualClock({ isolated: true }) });
}
