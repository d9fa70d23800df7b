import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import net from "node:net";
import { once } from "node:events";
import { promisify } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { run, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BufferedProtocol,
  connectAcceptedSocket,
  createConnection,
  createServer,
  type Protocol,
  type Transport,
} from "../src/index.ts";
import { localhost } from "./certificate.ts";
import {
  connectPair,
  connectRaw,
  portOf,
  quiet,
  Recorder,
  recordExceptions,
  RecordingServer,
  recordRejections,
} from "./recorder.ts";

const ADDRESS = { host: "127.0.0.1", port: 0 };

const digest = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** Sends back what it gets, through memory of its own of a given size. */
class BufferedEcho implements BufferedProtocol {
  readonly #buffer: Buffer;
  #transport: Transport | null = null;

  constructor(size: number) {
    this.#buffer = Buffer.alloc(size);
  }

  connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  getBuffer(): Buffer {
    return this.#buffer;
  }

  bufferUpdated(size: number): void {
    this.#transport?.write(this.#buffer.subarray(0, size));
  }
}

class Echo implements Protocol {
  #transport: Transport | null = null;

  connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  dataReceived(data: Buffer): void {
    this.#transport?.write(data);
  }
}

const make = (): Recorder => new Recorder();

describe("no byte is lost", () => {
  test.each([
    ["a Protocol", () => new Echo(), false],
    ["a BufferedProtocol", () => new BufferedEcho(1_000), false],
    ["a Protocol over TLS", () => new Echo(), true],
    ["a BufferedProtocol over TLS", () => new BufferedEcho(1_000), true],
  ])("by %s, whatever the chunks and pauses", { timeout: 60_000 }, (_what, factory, secure) =>
    run(async () => {
      const ssl = secure ? localhost : null;
      const server = await createServer(factory, { ...ADDRESS, ssl });
      const chunks = fc.array(fc.tuple(fc.nat({ max: 100_000 }), fc.boolean()), { maxLength: 12 });
      await fc.assert(
        fc.asyncProperty(chunks, fc.boolean(), async (plan, pausing) => {
          const near = new Recorder();
          const [transport] = await createConnection(() => near, {
            host: "127.0.0.1",
            port: portOf(server),
            ...(secure ? { ssl: { ca: localhost.cert }, serverHostname: "localhost" } : {}),
          });
          const sent = plan.map(([size], i) => Buffer.alloc(size, `${i}-${size}`));
          const total = sent.reduce((sum, { length }) => sum + length, 0);
          for (const [i, chunk] of sent.entries()) {
            transport.write(chunk);
            if (pausing && i % 2 === 0) transport.pauseReading();
            if (plan[i]?.[1] === true) await yieldNow();
            transport.resumeReading();
          }
          await near.until(
            () => near.chunks.reduce((sum, { length }) => sum + length, 0) === total,
          );
          transport.close();
          await near.lost();
          expect(digest(near.received)).toBe(digest(Buffer.concat(sent)));
        }),
        { numRuns: 20 },
      );
      server.close();
      await server.waitClosed();
    }),
  );
});

describe("a reset", () => {
  test.each([
    ["at once", async () => undefined],
    ["after data", async (peer: net.Socket) => void peer.write("x")],
    ["after a while", () => quiet()],
  ])("%s costs that connection, and no other", (_when, before) =>
    run(async () => {
      await using recording = await RecordingServer.open(() => {
        const recorder = new Recorder();
        recorder.keepOpen = true;
        return recorder;
      });
      const peer = await connectRaw(recording.port);
      const other = await connectRaw(recording.port);
      const lost = await recording.client(0);
      const kept = await recording.client(1);

      await before(peer);
      peer.resetAndDestroy();
      // Node 22 gives EOF for a reset that comes with data: there, writing notices.
      await lost.until(() => lost.isLost || lost.events.includes("eof"));
      while (!lost.isLost) {
        lost.transport.write("x");
        await quiet();
      }
      const error = await lost.lost();

      expect(error).toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
      other.write("still here");
      await kept.until(() => kept.received.length === 10);
      expect(kept.isLost).toBe(false);
      other.destroy();
    }),
  );

  test("of a peer that is half open ends the writing", () =>
    run(async () => {
      await using pair = await connectPair(new Recorder(), () => {
        const recorder = new Recorder();
        recorder.keepOpen = true;
        return recorder;
      });
      const { near, far } = pair;
      near.transport.writeEof();
      await far.until(() => far.events.includes("eof"));
      far.transport.write("answer");
      await near.until(() => near.received.length === 6);

      far.transport.abort();

      await near.lost();
      expect(near.received.toString()).toBe("answer");
    }));
});

describe("10,000 connections that come and go", () => {
  test("leave no handle behind, and no rejection that nobody handles", { timeout: 120_000 }, () =>
    run(async () => {
      const exceptions = recordExceptions();
      const rejections = recordRejections();
      let made = 0;
      let lost = 0;
      const allLost = getRunningLoop().createFuture<void>();
      const connectionLost = (): void => {
        lost += 1;
        if (lost === 10_000) allLost.setResult(undefined);
      };
      const connectionMade = (): void => void (made += 1);
      const server = await createServer(() => ({ connectionMade, connectionLost }), {
        ...ADDRESS,
        backlog: 1_000,
      });
      const port = portOf(server);
      await quiet();
      const before = process.getActiveResourcesInfo().length;
      const one = async (i: number): Promise<void> => {
        const near = new Recorder();
        const [transport] = await createConnection(() => near, { host: "127.0.0.1", port });
        if (i % 3 === 0) transport.write("x");
        if (i % 2 === 0) transport.close();
        else transport.abort();
        await near.lost();
      };
      for (let i = 0; i < 10_000; i += 50)
        await Promise.all(Array.from({ length: 50 }, (_, k) => one(i + k)));
      await allLost;
      server.close();
      await server.waitClosed();
      await quiet();

      expect(made).toBe(10_000);
      expect(lost).toBe(10_000);
      expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
      expect(rejections).toEqual([]);
      expect(exceptions).toEqual([]);
    }),
  );
});

describe("a client that never reads", () => {
  test(
    "does not fill the memory of a server that obeys pauseWriting",
    { timeout: 60_000 },
    async () => {
      const program = `
      import net from "node:net";
      import { run } from "@aio/task";
      import { createServer } from "@aio/transports";
      const GIB = 2 ** 30;
      const chunk = Buffer.alloc(65_536);
      let offered = 0;
      let paused = false;
      await run(async () => {
        const before = process.memoryUsage.rss();
        const full = Promise.withResolvers();
        const server = await createServer(() => ({
          connectionMade(transport) {
            while (!paused && offered < GIB) { offered += chunk.length; transport.write(chunk); }
            full.resolve();
          },
          pauseWriting() { paused = true; },
        }), { host: "127.0.0.1", port: 0 });
        const client = net.connect(server.sockets[0].port, "127.0.0.1").pause();
        client.on("error", () => {});
        await full.promise;
        for (let i = 0; i < 50; i += 1) await new Promise(setImmediate);
        console.log(JSON.stringify({ paused, offered, grown: process.memoryUsage.rss() - before }));
        server.abortClients();
        server.close();
        client.destroy();
      });`;
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ["--input-type=module", "--eval", program],
        { cwd: import.meta.dirname },
      );

      const { paused, offered, grown } = JSON.parse(stdout) as Record<string, number>;
      expect(paused).toBe(true);
      expect(offered).toBeLessThan(64 * 2 ** 20); // of 1 GiB: what the system buffers, and the mark
      expect(grown).toBeLessThan(64 * 2 ** 20);
    },
  );
});

describe("connectAcceptedSocket", () => {
  test.each([false, true])("serves a connection that Node accepted, TLS: %s", (secure) =>
    run(async () => {
      const node = net.createServer({ pauseOnConnect: true });
      node.listen(0, "127.0.0.1");
      await once(node, "listening");
      const { port } = node.address() as net.AddressInfo;
      const accepted = once(node, "connection") as Promise<[net.Socket]>;
      const near = new Recorder();
      const ssl = secure ? { ssl: { ca: localhost.cert }, serverHostname: "localhost" } : {};
      const connecting = createConnection(() => near, { host: "127.0.0.1", port, ...ssl });
      const [socket] = await accepted;
      await connectAcceptedSocket(() => new Echo(), socket, secure ? { ssl: localhost } : {});
      const [transport] = await connecting;

      transport.write("hello");
      await near.until(() => near.received.length === 5);
      transport.close();
      await near.lost();
      node.close();
      await once(node, "close");

      expect(near.received.toString()).toBe("hello");
    }),
  );

  test("refuses sockets and options that do not fit", () =>
    run(async () => {
      expect(() => connectAcceptedSocket(make, {} as net.Socket)).toThrow(TypeError);
      expect(() => connectAcceptedSocket(make, new net.Socket())).toThrow(RangeError);
    }));
});
