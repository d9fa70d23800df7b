import { execFile } from "node:child_process";
import { inspect, promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { getRunningLoop, isCancelled } from "@aio/loop";
import { createTask, gather, run, yieldNow } from "@aio/task";
import type { WriteTransport } from "@aio/transports";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import {
  ConnectionResetError,
  StreamReader,
  StreamReaderProtocol,
  StreamWriter,
} from "../src/index.ts";
import { acceptRaw, fill, openPair, portOf, quiet } from "./streams.ts";

describe("StreamWriter", () => {
  test("writes bytes, strings and lists of them", () =>
    run(async () => {
      await using ends = await openPair();

      ends.writer.write("a");
      ends.writer.write(new Uint8Array([98]));
      ends.writer.writelines(["c", Buffer.from("d\n")]);

      expect(String(await ends.far.reader.readline())).toBe("abcd\n");
    }));

  test("ends its side, and reads on", () =>
    run(async () => {
      await using ends = await openPair();
      expect(ends.writer.canWriteEof()).toBe(true);

      ends.writer.write("question");
      ends.writer.writeEof();
      expect(String(await ends.far.reader.read())).toBe("question");
      ends.far.writer.write("answer");
      ends.far.writer.close();

      expect(String(await ends.reader.read())).toBe("answer");
    }));

  test("knows its transport, its loop and its peer", () =>
    run(async () => {
      await using ends = await openPair();
      const { writer } = ends;

      expect(writer.getExtraInfo("peername")).toEqual({
        address: "127.0.0.1",
        port: portOf(ends.server),
        family: "IPv4",
      });
      expect(writer.getExtraInfo("unknown", 1)).toBe(1);
      expect(writer.loop).toBe(getRunningLoop());
      expect(inspect(writer)).toBe(`<StreamWriter ${inspect(writer.transport)}>`);
    }));

  test("has closed the connection at the end of its scope", () =>
    run(async () => {
      await using ends = await openPair();
      {
        await using writer = ends.writer;
        writer.write("last words");
      }

      expect(ends.writer.isClosing()).toBe(true);
      expect(ends.reader.atEof()).toBe(true);
      expect(String(await ends.far.reader.read())).toBe("last words");
    }));
});

describe("StreamWriter.drain", () => {
  test("takes no turn of the loop when little is buffered", () =>
    run(async () => {
      await using ends = await openPair();
      const order: string[] = [];
      getRunningLoop().callSoon(() => order.push("next iteration"));

      ends.writer.write("little");
      await ends.writer.drain();
      order.push("drained");

      expect(order).toEqual(["drained"]);
      expect(ends.writer.drain().cancel()).toBe(false);
    }));

  test("waits while the peer reads nothing; all who wait go on together", () =>
    run(async () => {
      await using ends = await openPair(1_024);
      fill(ends.writer);
      const draining = Array.from({ length: 3 }, () => createTask(() => ends.writer.drain()));
      await quiet();
      expect(draining.some(({ done }) => done)).toBe(false);

      const reading = createTask(() => ends.far.reader.read());
      await gather(draining);

      ends.writer.close();
      expect((await reading).length % 1_048_576).toBe(0);
    }));

  test(
    "bounds the memory of a server whose client never reads, 1 GiB offered",
    { timeout: 60_000 },
    async () => {
      const program = `
      import net from "node:net";
      import { run } from "@aio/task";
      import { startServer } from "@aio/streams";
      const chunk = Buffer.alloc(65_536);
      let offered = 0;
      await run(async () => {
        const before = process.memoryUsage.rss();
        const writing = Promise.withResolvers();
        const server = await startServer(async (_reader, writer) => {
          writing.resolve();
          for (; offered < 2 ** 30; offered += chunk.length) {
            writer.write(chunk);
            await writer.drain();
          }
        }, { host: "127.0.0.1", port: 0 });
        const client = net.connect(server.sockets[0].port, "127.0.0.1").pause();
        client.on("error", () => {});
        await writing.promise;
        for (let last = -1, same = 0; same < 50; ) {
          await new Promise(setImmediate);
          same = offered === last ? same + 1 : 0;
          last = offered;
        }
        console.log(JSON.stringify({ offered, grown: process.memoryUsage.rss() - before }));
        client.destroy();
        process.exit();
      });`;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--input-type=module", "--eval", program],
        { cwd: import.meta.dirname },
      );

      const { offered, grown } = JSON.parse(stdout) as Record<string, number>;
      expect(offered).toBeGreaterThan(0);
      expect(offered).toBeLessThan(64 * 2 ** 20); // what the system buffers, and the mark
      expect(grown).toBeLessThan(64 * 2 ** 20);
    },
  );

  test("is cancelled for one, and the others go on", () =>
    run(async () => {
      await using ends = await openPair(1_024);
      fill(ends.writer);
      const first = createTask(() => ends.writer.drain());
      const second = createTask(() => ends.writer.drain());
      await quiet();

      first.cancel();
      await expect(first).rejects.toSatisfy(isCancelled);
      expect(second.done).toBe(false);
      void createTask(() => ends.far.reader.read());
      await second;

      ends.writer.close();
    }));

  test("throws on a lost connection", () =>
    run(async () => {
      await using ends = await openPair();
      ends.writer.close();
      await ends.writer.waitClosed();

      await expect(ends.writer.drain()).rejects.toThrow(
        new ConnectionResetError("Connection lost"),
      );
      await expect(ends.writer.drain()).rejects.toMatchObject({
        code: "ECONNRESET",
        name: "ConnectionResetError",
      });
    }));

  test("ends a loop of write and drain after a close", () =>
    run(async () => {
      await using ends = await openPair();
      ends.writer.close();

      const endless = async (): Promise<never> => {
        for (;;) {
          ends.writer.write("x");
          await ends.writer.drain();
        }
      };

      await expect(endless()).rejects.toThrow(ConnectionResetError);
    }));

  test("throws the exception of the reader", () =>
    run(async () => {
      const { peer, writer, server } = await acceptRaw();
      fill(writer);
      const draining = createTask(() => writer.drain());
      await quiet();

      peer.resetAndDestroy();

      await expect(draining).rejects.toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
      await expect(writer.drain()).rejects.toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
      server.close();
      await server.waitClosed();
    }));

  test("throws the error of the connection to all who wait", () =>
    run(async () => {
      const { peer, writer, server } = await acceptRaw();
      fill(writer);
      const draining = Array.from({ length: 100 }, () => createTask(() => writer.drain()));
      await quiet();
      expect(draining.some(({ done }) => done)).toBe(false);

      peer.resetAndDestroy();
      const codes = await Promise.all(
        draining.map(async (task) => {
          try {
            await task;
            return "none";
          } catch (error) {
            return (error as NodeJS.ErrnoException).code;
          }
        }),
      );

      expect(new Set(codes).size).toBe(1);
      expect(codes[0]).toMatch(/^(ECONNRESET|EPIPE)$/);
      server.close();
      await server.waitClosed();
    }));

  test("throws the error of the connection to all who wait, also when the writer is closed", () =>
    run(async () => {
      const { peer, writer, server } = await acceptRaw();
      fill(writer);
      const draining = Array.from({ length: 100 }, () => createTask(() => writer.drain()));
      await quiet();

      writer.close();
      await quiet();
      expect(draining.some(({ done }) => done)).toBe(false); // what is buffered is still to be sent
      peer.resetAndDestroy();
      const errors = await gather(draining, { returnExceptions: true });

      expect(new Set(errors).size).toBe(1);
      expect(errors[0]).toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
      await expect(writer.waitClosed()).rejects.toBe(errors[0]);
      server.close();
      await server.waitClosed();
    }));

  test("is released when the connection is aborted", () =>
    run(async () => {
      const { peer, writer, server } = await acceptRaw();
      fill(writer);
      const draining = createTask(() => writer.drain());
      await quiet();
      expect(draining.done).toBe(false);

      server.abortClients();

      await draining; // as in asyncio: the connection is lost by no error
      await expect(writer.drain()).rejects.toThrow("Connection lost");
      server.close();
      await server.waitClosed();
      peer.destroy();
    }));
});

describe("StreamWriter.waitClosed", () => {
  test("returns when the connection is gone, to all who wait", () =>
    run(async () => {
      await using ends = await openPair();
      const waiting = Array.from({ length: 3 }, () => createTask(() => ends.writer.waitClosed()));
      await quiet();
      expect(waiting.some(({ done }) => done)).toBe(false);

      waiting[1]?.cancel();
      await yieldNow();
      ends.writer.close();
      ends.writer.close();
      await waiting[0];
      await waiting[2];

      expect(waiting[1]?.cancelled).toBe(true);
      await ends.writer.waitClosed();
    }));

  test("throws the error that the connection was lost with, and nobody has to ask", () =>
    run(async () => {
      const { peer, writer, server } = await acceptRaw();
      const waiting = createTask(() => writer.waitClosed());
      await quiet();

      peer.resetAndDestroy();

      await expect(waiting).rejects.toMatchObject({ code: "ECONNRESET" });
      await expect(writer.waitClosed()).rejects.toMatchObject({ code: "ECONNRESET" });
      server.close();
      await server.waitClosed();
    }));

  test("returns on the server's side with unread data, too", () =>
    run(async () => {
      const { peer, writer, server } = await acceptRaw();
      peer.write("nobody reads this");
      await quiet();

      writer.close();
      await writer.waitClosed();

      expect(writer.isClosing()).toBe(true);
      server.close();
      await server.waitClosed();
      peer.destroy();
    }));
});

describe("A StreamWriter that is collected as garbage", () => {
  test("is warned of when its connection is open, in debug mode", async () => {
    const spy = vi.spyOn(process, "emitWarning").mockReturnValue();
    onTestFinished(() => spy.mockRestore());
    const transports = [
      { transport: new FakeTransport("closing"), debug: true },
      { transport: new FakeTransport("not watched"), debug: false },
      { transport: new FakeTransport("open"), debug: true },
    ];

    for (const { transport, debug } of transports) await run(() => lose(transport), { debug });
    await vi.waitUntil(() => {
      collectGarbage();
      return spy.mock.calls.length > 0;
    });

    expect(spy.mock.calls).toEqual([["unclosed StreamWriter of <open>", "ResourceWarning"]]);
    expect(transports).toHaveLength(3); // they are kept: only the writers are garbage
  });
});

class FakeTransport {
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  isClosing(): boolean {
    return this.#name === "closing";
  }

  [inspect.custom](): string {
    return `<${this.#name}>`;
  }
}

/** Makes a writer, and forgets it. */
function lose(transport: FakeTransport): void {
  const reader = new StreamReader();
  const protocol = new StreamReaderProtocol(reader);
  const writer = new StreamWriter(
    transport as Partial<WriteTransport> as WriteTransport,
    protocol,
    reader,
    getRunningLoop(),
  );
  expect(writer.isClosing()).toBe(transport.isClosing());
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;
