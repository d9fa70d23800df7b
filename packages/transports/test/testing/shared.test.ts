import { createHash, randomBytes } from "node:crypto";
import { getRunningLoop, RuntimeError } from "@aio/loop";
import { run, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import { MemoryNetwork, type MemoryServer } from "../../src/testing/index.ts";
import { createConnection, createServer, type Server } from "../../src/index.ts";
import { fill, quiet, Recorder, recordExceptions } from "../recorder.ts";

// What a protocol may rely on, shown to hold on sockets and in memory alike.

interface Pair extends AsyncDisposable {
  readonly near: Recorder;
  readonly far: Recorder;
  readonly server: Server | MemoryServer;
}

const networks = {
  "a socket": () => ({
    createServer: (factory: () => Recorder, startServing = true) =>
      createServer(factory, { host: "127.0.0.1", port: 0, startServing }),
    createConnection: (factory: () => Recorder, port: number) =>
      createConnection(factory, { host: "127.0.0.1", port }),
  }),
  "the memory network": () => {
    const network = new MemoryNetwork();
    return {
      createServer: (factory: () => Recorder, startServing = true) =>
        network.host("server").createServer(factory, { port: 0, startServing }),
      createConnection: (factory: () => Recorder, port: number) =>
        network.host("client").createConnection(factory, { host: "server", port }),
    };
  },
};

describe.each(Object.entries(networks))("A connection over %s", (_name, makeNetwork) => {
  async function connect(near = new Recorder(), far = new Recorder()): Promise<Pair> {
    const network = makeNetwork();
    const server = await network.createServer(() => far);
    await network.createConnection(() => near, server.sockets[0]?.port ?? 0);
    await far.until(() => far.events.length > 0);
    return {
      near,
      far,
      server,
      [Symbol.asyncDispose]: async () => {
        near.transport.abort();
        far.transport.abort();
        await server[Symbol.asyncDispose]();
        await near.lost();
      },
    };
  }

  test("is made, gives data, then EOF, and is lost", () =>
    run(async () => {
      await using pair = await connect();

      pair.near.transport.write("hello ");
      pair.near.transport.writelines([Buffer.from("wor"), "ld"]);
      pair.near.transport.close();
      expect(pair.near.events).toEqual(["made"]); // never from inside the call

      expect(await pair.near.lost()).toBe(null);
      expect(await pair.far.lost()).toBe(null);
      expect(pair.far.events).toEqual(["made", "data", "eof", "lost"]);
      expect(String(pair.far.received)).toBe("hello world");
    }));

  test("knows its two ends, also when it is gone", () =>
    run(async () => {
      await using pair = await connect();
      const near = pair.near.transport;
      const far = pair.far.transport;

      expect(near.getExtraInfo("peername")).toEqual(far.getExtraInfo("sockname"));
      expect(near.getExtraInfo("sockname")).toEqual(far.getExtraInfo("peername"));
      expect(near.getExtraInfo("unknown", 1)).toBe(1);
      near.abort();
      await pair.near.lost();
      expect(near.getExtraInfo("peername")).toMatchObject({ port: expect.any(Number) as number });
    }));

  test("gives a protocol no event inside its own call", () =>
    run(async () => {
      await using pair = await connect();
      let isInside = false;
      const seen: boolean[] = [];
      pair.far.dataReceived = () => {
        seen.push(isInside);
        isInside = true;
        pair.far.transport.write("answer");
        pair.far.transport.pauseReading();
        pair.far.transport.resumeReading();
        isInside = false;
      };

      pair.near.transport.write("one");
      await pair.near.until(() => pair.near.received.length === 6);
      pair.near.transport.write("two");
      await pair.near.until(() => pair.near.received.length === 12);

      expect(new Set(seen)).toEqual(new Set([false]));
    }));

  test("keeps its writing side after the EOF of the other, when the protocol says so", () =>
    run(async () => {
      await using pair = await connect();
      pair.far.keepOpen = true;

      pair.near.transport.write("question");
      pair.near.transport.writeEof();
      expect(() => pair.near.transport.write("more")).toThrow(RuntimeError);
      await pair.far.until(() => pair.far.events.includes("eof"));
      pair.far.transport.write("answer");
      pair.far.transport.close();

      await pair.near.lost();
      expect(String(pair.near.received)).toBe("answer");
      expect(pair.near.events).toEqual(["made", "data", "eof", "lost"]);
    }));

  test("gives nothing while reading is paused, then all, then EOF", () =>
    run(async () => {
      await using pair = await connect();
      pair.far.transport.pauseReading();

      pair.near.transport.write("early");
      pair.near.transport.writeEof();
      await quiet();
      expect(pair.far.events).toEqual(["made"]);
      expect(pair.far.transport.isReading()).toBe(false);
      pair.far.transport.resumeReading();

      await pair.far.lost();
      expect(pair.far.events).toEqual(["made", "data", "eof", "lost"]);
    }));

  test("stops a writer whose peer does not read, and lets it go on", () =>
    run(async () => {
      await using pair = await connect();
      pair.far.transport.pauseReading();

      fill(pair.near.transport);
      await quiet();
      const [low, high] = pair.near.transport.getWriteBufferLimits();
      expect([low, high]).toEqual([16_384, 65_536]);
      expect(pair.near.events).toEqual(["made", "pause"]);
      expect(pair.near.transport.getWriteBufferSize()).toBeGreaterThan(high);
      pair.far.transport.resumeReading();
      await pair.near.until(() => pair.near.events.includes("resume"));

      expect(pair.near.events).toEqual(["made", "pause", "resume"]);
      expect(pair.near.transport.getWriteBufferSize()).toBeLessThanOrEqual(low);
    }));

  test("pauses on any buffered byte with a mark of 0, and resumes at 0", () =>
    run(async () => {
      await using pair = await connect();
      pair.near.transport.setWriteBufferLimits({ high: 0 });
      pair.near.transport.write("fits");
      expect(pair.near.events).toEqual(["made"]);

      pair.far.transport.pauseReading();
      fill(pair.near.transport);
      expect(pair.near.events).toEqual(["made", "pause"]);
      pair.far.transport.resumeReading();
      await pair.near.until(() => pair.near.events.includes("resume"));

      expect(pair.near.transport.getWriteBufferSize()).toBe(0);
    }));

  test("sends the bytes of the moment of the call, also those that wait", () =>
    run(async () => {
      await using pair = await connect();
      pair.far.transport.pauseReading();
      fill(pair.near.transport);
      const filled = pair.near.transport.getWriteBufferSize();
      const last = Buffer.from("last");

      pair.near.transport.write(last);
      last.fill("x");
      pair.near.transport.close();
      expect(pair.near.transport.getWriteBufferSize()).toBe(filled + 4);
      pair.far.transport.resumeReading();

      await pair.far.lost();
      expect(String(pair.far.received.subarray(-4))).toBe("last");
    }));

  test("carries megabytes both ways at a time, byte for byte", () =>
    run(async () => {
      await using pair = await connect();
      pair.near.keepOpen = pair.far.keepOpen = true;
      const [there, back] = [randomBytes(3_000_000), randomBytes(2_000_000)];

      pair.near.transport.write(there);
      pair.near.transport.writeEof();
      pair.far.transport.write(back);
      pair.far.transport.writeEof();
      await pair.near.until(() => pair.near.events.includes("eof"));
      await pair.far.until(() => pair.far.events.includes("eof"));

      expect(checksum(pair.far.received)).toBe(checksum(there));
      expect(checksum(pair.near.received)).toBe(checksum(back));
    }));

  test("drops what is queued on abort, and tells the other side", () =>
    run(async () => {
      await using pair = await connect();
      pair.far.transport.pauseReading();
      fill(pair.near.transport);
      const filled = pair.near.transport.getWriteBufferSize();
      expect(filled).toBeGreaterThan(0);

      pair.near.transport.abort();
      pair.near.transport.abort();
      expect(await pair.near.lost()).toBe(null);
      pair.far.transport.resumeReading();
      await pair.far.lost();

      expect(pair.near.events.filter((event) => event === "lost")).toEqual(["lost"]);
      expect(pair.near.transport.getWriteBufferSize()).toBe(0);
    }));

  test("breaks for who writes to a peer that has closed with something unread", () =>
    run(async () => {
      await using pair = await connect();
      pair.far.transport.pauseReading();
      pair.near.transport.write("unread");
      await quiet();

      pair.far.transport.abort();

      expect(await pair.near.lost()).toMatchObject({ code: "ECONNRESET" });
    }));

  test("breaks for who goes on writing to a peer that is gone", () =>
    run(async () => {
      await using pair = await connect();
      pair.near.keepOpen = true;
      pair.far.transport.abort();
      await pair.near.until(() => pair.near.events.includes("eof"));

      while (!pair.near.isLost) {
        pair.near.transport.write("anybody?");
        await quiet();
      }

      expect(pair.near.error).toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
    }));

  test("is lost with what its protocol throws", () =>
    run(async () => {
      await using pair = await connect();
      const reports = recordExceptions();
      pair.far.dataReceived = () => {
        throw new Error("of the protocol");
      };

      pair.near.transport.write("x");

      expect(await pair.far.lost()).toEqual(new Error("of the protocol"));
      expect(reports.map(({ message }) => message)).toEqual([
        "Fatal error: protocol.dataReceived() call failed.",
      ]);
    }));

  test("goes on with another protocol", () =>
    run(async () => {
      await using pair = await connect();
      const second = new Recorder();
      pair.far.transport.setProtocol(second);

      pair.near.transport.write("for the second");
      await second.until(() => second.received.length === 14);

      expect(second.events).toEqual(["data"]);
      expect(pair.far.events).toEqual(["made"]);
    }));

  test("keeps its server until it is gone", () =>
    run(async () => {
      await using pair = await connect();
      pair.server.close();
      let isClosed = false;
      void (async () => {
        await pair.server.waitClosed();
        isClosed = true;
      })();
      await quiet();
      expect(isClosed).toBe(false);
      expect(pair.server.sockets).toEqual([]);

      pair.server.closeClients();
      await pair.far.lost();
      await yieldNow();
      await yieldNow();

      expect(isClosed).toBe(true);
    }));
});

describe.each(Object.entries(networks))("A server over %s", (_name, makeNetwork) => {
  test("holds early connections back until it serves", () =>
    run(async () => {
      const network = makeNetwork();
      const far = new Recorder();
      const server = await network.createServer(() => far, false);
      expect(server.isServing()).toBe(false);
      const near = new Recorder();
      await network.createConnection(() => near, server.sockets[0]?.port ?? 0);
      near.transport.write("early");
      await quiet();
      expect(far.events).toEqual([]);

      await server.startServing();
      await far.until(() => far.received.length === 5);

      expect(server.isServing()).toBe(true);
      near.transport.abort();
      await server[Symbol.asyncDispose]();
      expect(() => server.startServing()).toThrow(RuntimeError);
    }));

  test("refuses connections when it is closed", () =>
    run(async () => {
      const network = makeNetwork();
      const server = await network.createServer(() => new Recorder());
      const port = server.sockets[0]?.port ?? 0;
      server.close();
      server.close();
      await server.waitClosed();

      await expect(network.createConnection(() => new Recorder(), port)).rejects.toMatchObject({
        code: "ECONNREFUSED",
      });
    }));

  test("serves until it is cancelled, then ends with its connections", () =>
    run(async () => {
      const network = makeNetwork();
      const far = new Recorder();
      const server = await network.createServer(() => far);
      const near = new Recorder();
      await network.createConnection(() => near, server.sockets[0]?.port ?? 0);
      await far.until(() => far.events.length > 0);
      const serving = server.serveForever();
      expect(() => server.serveForever()).toThrow(RuntimeError);

      getRunningLoop().callSoon(() => {
        serving.cancel();
        near.transport.close();
      });

      await expect(serving).rejects.toMatchObject({ name: "CancelledError" });
      expect(far.isLost).toBe(true);
    }));
});

function checksum(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
