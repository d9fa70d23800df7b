import { AsyncLocalStorage } from "node:async_hooks";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { inspect } from "node:util";
import { EventLoop, getRunningLoop, RuntimeError, setLogger } from "@aio/loop";
import { currentTask, gather, run, Runner, yieldNow } from "@aio/task";
import { describe, expect, test } from "vitest";
import {
  createConnection,
  createServer,
  type BufferedProtocol,
  type Transport,
} from "../src/index.ts";
import {
  connectPair,
  connectRaw,
  fill,
  quiet,
  portOf,
  Recorder,
  recordExceptions,
  RecordingServer,
} from "./recorder.ts";

describe("a transport that is closed while its protocol resumes writing", () => {
  test("sends all that was written before", () =>
    run(async () => {
      const half = Buffer.alloc(2 ** 23); // more than the system takes at once
      class Refilling extends Recorder {
        override resumeWriting(): void {
          super.resumeWriting();
          if (this.transport.isClosing()) return;
          this.transport.write(half);
          this.transport.close();
        }
      }
      await using pair = await connectPair(new Refilling());
      const { near, far } = pair;

      near.transport.write(half);
      await far.lost();

      expect(near.events).toContain("resume");
      expect(far.received.length).toBe(2 * half.length);
    }));
});

describe("a transport that reads", () => {
  test("gives its protocol the bytes that were sent, after connectionMade", () =>
    run(async () => {
      await using pair = await connectPair();

      pair.near.transport.write("hello ");
      pair.near.transport.write(Buffer.from("world"));
      await pair.far.until(() => pair.far.received.length === 11);

      expect(pair.far.received.toString()).toBe("hello world");
      expect(pair.far.events).toEqual(["made", "data"]);
      expect(pair.far.chunks.every(({ length }) => length > 0)).toBe(true);
    }));

  test("gives nothing after pauseReading() inside dataReceived, until resumeReading()", () =>
    run(async () => {
      class Pausing extends Recorder {
        override dataReceived(data: Buffer): void {
          super.dataReceived(data);
          this.transport.pauseReading();
        }
      }
      await using pair = await connectPair(new Recorder(), () => new Pausing());
      const { near, far } = pair;

      near.transport.write("first");
      await far.until(() => far.chunks.length === 1);
      near.transport.write("second");
      near.transport.writeEof();
      await quiet();
      expect(far.received.toString()).toBe("first");
      expect(far.transport.isReading()).toBe(false);
      far.transport.resumeReading();
      expect(far.transport.isReading()).toBe(true);
      await far.until(() => far.chunks.length === 2);

      expect(far.received.toString()).toBe("firstsecond");
      expect(far.events).not.toContain("eof");
      far.transport.resumeReading();
      await far.until(() => far.events.includes("eof"));
    }));

  test("gives nothing before resumeReading() when connectionMade paused it", () =>
    run(async () => {
      class Paused extends Recorder {
        override connectionMade(transport: Transport): void {
          transport.pauseReading();
          super.connectionMade(transport);
        }
      }
      await using pair = await connectPair(new Recorder(), () => new Paused());

      pair.near.transport.write("early");
      await quiet();
      expect(pair.far.events).toEqual(["made"]);
      pair.far.transport.resumeReading();
      await pair.far.until(() => pair.far.received.length === 5);

      expect(pair.far.received.toString()).toBe("early");
    }));

  test("may be paused twice, and resumed when it is not paused", () =>
    run(async () => {
      await using pair = await connectPair();
      const { transport } = pair.far;

      transport.resumeReading();
      transport.pauseReading();
      transport.pauseReading();
      expect(transport.isReading()).toBe(false);
      transport.resumeReading();
      pair.near.transport.write("x");
      await pair.far.until(() => pair.far.received.length === 1);

      expect(transport.isReading()).toBe(true);
    }));

  test("stays unread when resumeReading() comes after close()", () =>
    run(async () => {
      await using pair = await connectPair();

      pair.near.transport.pauseReading();
      pair.near.transport.close();
      pair.near.transport.resumeReading();

      expect(pair.near.transport.isReading()).toBe(false);
    }));

  test("holds EOF back while it is paused", () =>
    run(async () => {
      await using pair = await connectPair();
      pair.far.transport.pauseReading();

      pair.near.transport.writeEof();
      await quiet();
      expect(pair.far.events).toEqual(["made"]);
      pair.far.transport.resumeReading();
      await pair.far.until(() => pair.far.events.includes("eof"));

      expect(await pair.far.lost()).toBeNull();
    }));

  test("carries a mebibyte both ways, whatever the chunks", () =>
    run(async () => {
      await using pair = await connectPair();
      const size = 1_048_576;
      const exchange = async (from: Recorder, to: Recorder): Promise<void> => {
        const data = randomBytes(size);
        for (let start = 0; start < size;) {
          const end = Math.min(size, start + randomInt(1, 100_000));
          from.transport.write(data.subarray(start, end));
          start = end;
          if (randomInt(2) === 0) await yieldNow();
        }
        await to.until(() => to.chunks.reduce((sum, { length }) => sum + length, 0) === size);
        expect(digest(to.received)).toBe(digest(data));
      };

      await gather(
        () => exchange(pair.near, pair.far),
        () => exchange(pair.far, pair.near),
      );

      expect(pair.near.received.length).toBe(size);
    }));
});

describe("a transport that writes", () => {
  test("sends the bytes of the moment of the call, also those that have to wait", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      const buffer = Buffer.alloc(30_000);
      let total = 0;

      for (let i = 0; near.transport.getWriteBufferSize() < 200_000; i += 1) {
        buffer.fill(i % 251);
        near.transport.write(buffer);
        total += buffer.length;
      }
      buffer.fill(255);
      far.transport.resumeReading();
      await far.until(() => far.chunks.reduce((sum, { length }) => sum + length, 0) === total);

      const { received } = far;
      for (let i = 0; i * buffer.length < total; i += 1) {
        const chunk = received.subarray(i * buffer.length, (i + 1) * buffer.length);
        expect(chunk.every((byte) => byte === i % 251)).toBe(true);
      }
    }));

  test("sends large buffers as they were, too", () =>
    run(async () => {
      await using pair = await connectPair();
      pair.far.transport.pauseReading();
      const buffer = Buffer.alloc(16 * 1_048_576, "a");

      pair.near.transport.write(buffer);
      expect(pair.near.transport.getWriteBufferSize()).toBeGreaterThan(0);
      buffer.fill("b");
      pair.far.transport.resumeReading();
      await pair.far.until(
        () => pair.far.chunks.reduce((sum, { length }) => sum + length, 0) === buffer.length,
      );

      expect(pair.far.received.includes("b")).toBe(false);
    }));

  test("refuses what is neither bytes nor a string", () =>
    run(async () => {
      await using pair = await connectPair();

      expect(() => pair.near.transport.write(1 as never)).toThrow(
        new TypeError("Expected `data` to be a Uint8Array or a string, got 1"),
      );
      expect(() => pair.near.transport.writelines(["a", null as never])).toThrow(TypeError);
      expect(pair.near.transport.getWriteBufferSize()).toBe(0);
    }));

  test("does nothing with nothing to write", () =>
    run(async () => {
      await using pair = await connectPair();
      pair.near.transport.setWriteBufferLimits({ high: 0 });

      pair.near.transport.write("");
      pair.near.transport.write(new Uint8Array());
      pair.near.transport.writelines([]);
      await quiet();

      expect(pair.near.events).toEqual(["made"]);
      expect(pair.far.events).toEqual(["made"]);
    }));

  test("does not count or pause for what the system takes at once", () =>
    run(async () => {
      await using pair = await connectPair();
      pair.near.transport.setWriteBufferLimits({ high: 0 });

      pair.near.transport.write(Buffer.alloc(1_000));

      expect(pair.near.transport.getWriteBufferSize()).toBe(0);
      expect(pair.near.events).toEqual(["made"]);
    }));

  test("pauses once above the high mark, and resumes once at the low mark", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();

      fill(near.transport);
      expect(near.events).toEqual(["made", "pause"]);
      near.transport.write("more");
      expect(near.events).toEqual(["made", "pause"]);
      far.transport.resumeReading();
      await near.until(() => near.events.includes("resume"));

      expect(near.events).toEqual(["made", "pause", "resume"]);
      expect(near.transport.getWriteBufferSize()).toBeLessThanOrEqual(16_384);
    }));

  test("resumes when the buffer is small but the marks are, too", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      near.transport.setWriteBufferLimits({ high: 0 });

      while (near.transport.getWriteBufferSize() === 0) near.transport.write(Buffer.alloc(1_000));
      expect(near.events).toEqual(["made", "pause"]);
      far.transport.resumeReading();
      await near.until(() => near.events.includes("resume"));

      expect(near.transport.getWriteBufferSize()).toBe(0);
    }));

  test("pauses during setWriteBufferLimits() when more than the new mark is buffered", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      near.transport.setWriteBufferLimits({ high: 2 ** 30 });
      fill(near.transport);
      expect(near.events).toEqual(["made"]);

      near.transport.setWriteBufferLimits({ high: 10 });

      expect(near.events).toEqual(["made", "pause"]);
    }));

  test("reports a pauseWriting that throws, and goes on", () =>
    run(async () => {
      const exceptions = recordExceptions();
      const failure = new Error("in pauseWriting");
      class Failing extends Recorder {
        override pauseWriting(): void {
          throw failure;
        }
      }
      await using pair = await connectPair(new Failing());
      pair.far.transport.pauseReading();

      fill(pair.near.transport);

      expect(exceptions).toMatchObject([
        {
          message: "protocol.pauseWriting() failed",
          exception: failure,
          transport: pair.near.transport,
          protocol: pair.near,
        },
      ]);
      expect(pair.near.transport.isClosing()).toBe(false);
    }));

  test("sends the chunks of writelines() in order", () =>
    run(async () => {
      await using pair = await connectPair();

      pair.near.transport.writelines(["a", Buffer.from("b"), new Uint8Array([99]), "d"]);
      pair.near.transport.writelines(new Set(["e", "f"]));
      await pair.far.until(() => pair.far.received.length === 6);

      expect(pair.far.received.toString()).toBe("abcdef");
    }));

  test("counts all of writelines() against the high mark", () =>
    run(async () => {
      await using pair = await connectPair();
      pair.far.transport.pauseReading();

      const chunk = Buffer.alloc(1_048_576);
      while (pair.near.transport.getWriteBufferSize() === 0)
        pair.near.transport.writelines([chunk, chunk, chunk, chunk]);

      expect(pair.near.events).toEqual(["made", "pause"]);
    }));

  test("drops what is written to a lost connection, and warns from the fifth time on", () =>
    run(async () => {
      await using pair = await connectPair();
      const warnings: string[] = [];
      setLogger({
        error: () => undefined,
        debug: () => undefined,
        warn: (message) => void warnings.push(message),
      });
      pair.near.transport.abort();

      for (let i = 0; i < 3; i += 1) pair.near.transport.write("dropped");
      pair.near.transport.writelines(["dropped"]);
      expect(warnings).toEqual([]);
      pair.near.transport.write("dropped");
      setLogger(null);

      expect(warnings).toHaveLength(1);
      expect(warnings[0]).toMatch(
        /^<Transport lost .*> drops what is written: the connection is lost$/,
      );
    }));
});

describe("a transport that ends one side", () => {
  test("shows EOF to the peer after all that was queued, and goes on reading", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.keepOpen = true;
      const data = Buffer.alloc(8 * 1_048_576, "x");

      near.transport.write(data);
      near.transport.writeEof();
      near.transport.writeEof();
      await far.until(() => far.events.includes("eof"));
      far.transport.write("answer");
      await near.until(() => near.received.length === 6);

      expect(far.received.length).toBe(data.length);
      expect(near.received.toString()).toBe("answer");
      expect(near.transport.canWriteEof()).toBe(true);
    }));

  test("refuses to write afterwards", () =>
    run(async () => {
      await using pair = await connectPair();
      pair.near.transport.writeEof();

      expect(() => pair.near.transport.write("late")).toThrow(RuntimeError);
      expect(() => pair.near.transport.writelines(["late"])).toThrow(RuntimeError);
    }));

  test("does nothing when it is closing", () =>
    run(async () => {
      await using pair = await connectPair();
      pair.near.transport.close();

      pair.near.transport.writeEof();

      expect(() => pair.near.transport.write("dropped")).not.toThrow();
    }));

  test("closes when eofReceived returns nothing", () =>
    run(async () => {
      await using pair = await connectPair();

      pair.near.transport.writeEof();
      const error = await pair.far.lost();

      expect(error).toBeNull();
      expect(pair.far.events).toEqual(["made", "eof", "lost"]);
      expect(await pair.near.lost()).toBeNull();
    }));

  test("stays open when eofReceived returns true, until it is closed", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      near.keepOpen = far.keepOpen = true;

      near.transport.writeEof();
      await far.until(() => far.events.includes("eof"));
      far.transport.write("still here");
      await near.until(() => near.received.length === 10);
      far.transport.writeEof();
      await near.until(() => near.events.includes("eof"));
      await quiet();
      expect(far.isLost).toBe(false);
      expect(near.isLost).toBe(false);
      expect(near.transport.isClosing()).toBe(false);
      far.transport.close();
      near.transport.close();

      expect(await far.lost()).toBeNull();
      expect(await near.lost()).toBeNull();
      expect(far.events).toEqual(["made", "eof", "lost"]);
    }));
});

describe("a transport that closes", () => {
  test("sends all that is queued before connectionLost(null), which is never called from close()", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      fill(near.transport);
      const queued = near.transport.getWriteBufferSize();
      expect(queued).toBeGreaterThan(0);

      near.transport.close();
      expect(near.transport.isClosing()).toBe(true);
      await quiet();
      expect(near.isLost).toBe(false);
      far.transport.resumeReading();
      expect(await near.lost()).toBeNull();
      await far.lost();

      expect(far.received.length % 1_048_576).toBe(0);
      expect(near.events.filter((event) => event === "lost")).toHaveLength(1);
    }));

  test("is lost once, in a later iteration, however often it is closed", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near } = pair;

      near.transport.close();
      near.transport.close();
      near.transport.abort();
      expect(near.events).toEqual(["made"]);
      await near.lost();
      near.transport.close();
      near.transport.abort();
      await quiet();

      expect(near.events).toEqual(["made", "lost"]);
      expect(near.error).toBeNull();
    }));

  test("gives nothing more after close()", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      fill(near.transport);

      near.transport.close();
      far.transport.write("too late");
      await quiet();

      expect(near.received.length).toBe(0);
    }));

  test("drops what is queued on abort()", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      fill(near.transport);

      near.transport.abort();
      expect(near.isLost).toBe(false);
      expect(near.transport.getWriteBufferSize()).toBe(0);

      expect(await near.lost()).toBeNull();
    }));

  test("aborts after close() with a peer that never reads", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      fill(near.transport);

      near.transport.close();
      await quiet();
      expect(near.isLost).toBe(false);
      near.transport.abort();

      expect(await near.lost()).toBeNull();
    }));

  test("may be closed in connectionMade", () =>
    run(async () => {
      class Closing extends Recorder {
        override connectionMade(transport: Transport): void {
          super.connectionMade(transport);
          transport.write("bye");
          transport.close();
        }
      }
      await using pair = await connectPair(new Recorder(), () => new Closing());

      await pair.near.lost();

      expect(pair.near.received.toString()).toBe("bye");
      expect(pair.far.events).toEqual(["made", "lost"]);
    }));

  test("keeps its addresses", () =>
    run(async () => {
      await using pair = await connectPair();
      const { transport } = pair.near;
      const port = portOf(pair.server);

      transport.abort();
      await pair.near.lost();

      expect(transport.getExtraInfo("peername")).toEqual({
        address: "127.0.0.1",
        port,
        family: "IPv4",
      });
      expect(transport.getExtraInfo("sockname")).toEqual(
        pair.far.transport.getExtraInfo("peername"),
      );
      expect(transport.getExtraInfo("unknown")).toBeNull();
      expect(transport.getExtraInfo("unknown", 1)).toBe(1);
      expect(transport.getExtraInfo("socket")?.getpeername()).toEqual(
        transport.getExtraInfo("peername"),
      );
    }));
});

describe("a transport that fails", () => {
  test("tells connectionLost of a reset, and not the exception handler", () =>
    run(async () => {
      const exceptions = recordExceptions();
      await using recording = await RecordingServer.open();
      const peer = await connectRaw(recording.port);
      const client = await recording.client();

      peer.resetAndDestroy();
      const error = await client.lost();

      expect(error).toMatchObject({ code: "ECONNRESET" });
      expect(client.events).toEqual(["made", "lost"]);
      expect(exceptions).toEqual([]);
    }));

  test("notices a reset while it is paused, once it writes", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const peer = await connectRaw(recording.port);
      const client = await recording.client();
      client.transport.pauseReading();
      fill(client.transport);

      peer.resetAndDestroy();
      const error = await client.lost();

      expect(error).toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
    }));

  test("notices a reset while it closes", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const peer = await connectRaw(recording.port);
      const client = await recording.client();
      fill(client.transport);
      client.transport.close();

      peer.resetAndDestroy();
      const error = await client.lost();

      expect(error).toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
      expect(client.events.filter((event) => event === "lost")).toHaveLength(1);
    }));

  test("notices a reset after the peer's EOF", () =>
    run(async () => {
      await using recording = await RecordingServer.open(() => {
        const recorder = new Recorder();
        recorder.keepOpen = true;
        return recorder;
      });
      const peer = await connectRaw(recording.port);
      const client = await recording.client();
      peer.end();
      await client.until(() => client.events.includes("eof"));

      peer.resetAndDestroy();
      while (!client.isLost) {
        client.transport.write("anybody there?");
        await yieldNow();
      }

      expect(client.error).toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
    }));

  test.each(["dataReceived", "eofReceived"] as const)(
    "reports a %s that throws, and drops the connection",
    (method) =>
      run(async () => {
        const exceptions = recordExceptions();
        const failure = new Error(`in ${method}`);
        class Failing extends Recorder {}
        Failing.prototype[method] = () => {
          throw failure;
        };
        await using pair = await connectPair(new Recorder(), () => new Failing());

        pair.near.transport.write("x");
        if (method === "eofReceived") pair.near.transport.writeEof();
        const error = await pair.far.lost();

        expect(error).toBe(failure);
        expect(exceptions).toMatchObject([
          {
            message: `Fatal error: protocol.${method}() call failed.`,
            exception: failure,
            transport: pair.far.transport,
            protocol: pair.far,
          },
        ]);
      }),
  );

  test("wraps what a protocol throws and is no Error", () =>
    run(async () => {
      recordExceptions();
      const thrown: unknown = "text";
      class Failing extends Recorder {
        override dataReceived(): void {
          throw thrown;
        }
      }
      await using pair = await connectPair(new Recorder(), () => new Failing());

      pair.near.transport.write("x");

      expect(await pair.far.lost()).toMatchObject({ cause: "text" });
    }));

  test("reports a connectionMade that throws, and goes on", () =>
    run(async () => {
      const exceptions = recordExceptions();
      const failure = new Error("in connectionMade");
      class Failing extends Recorder {
        override connectionMade(transport: Transport): void {
          super.connectionMade(transport);
          throw failure;
        }
      }
      await using pair = await connectPair(new Failing(), () => new Failing());

      pair.near.transport.write("x");
      await pair.far.until(() => pair.far.received.length === 1);

      expect(exceptions.map(({ exception }) => exception)).toEqual([failure, failure]);
    }));

  test("reports a connectionLost that throws, and frees the server", () =>
    run(async () => {
      const exceptions = recordExceptions();
      class Failing extends Recorder {
        override connectionLost(error: Error | null): void {
          super.connectionLost(error);
          throw new Error("in connectionLost");
        }
      }
      await using pair = await connectPair(new Recorder(), () => new Failing());

      pair.near.transport.close();
      await pair.far.lost();
      pair.server.close();
      await pair.server.waitClosed();

      expect(exceptions).toMatchObject([{ message: "protocol.connectionLost() failed" }]);
    }));
});

describe("setProtocol()", () => {
  test("hands the next event to the new protocol, without connectionMade", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      const second = new Recorder();
      near.transport.write("one");
      await far.until(() => far.received.length === 3);

      far.transport.setProtocol(second);
      near.transport.write("two");
      await second.until(() => second.received.length === 3);

      expect(far.transport.getProtocol()).toBe(second);
      expect(far.received.toString()).toBe("one");
      expect(second.events).toEqual(["data"]);
      far.transport.setProtocol(far);
    }));

  test("may switch from a streaming to a buffered protocol, and back", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      const buffered = new Buffered(4);
      far.transport.setProtocol(buffered);

      near.transport.write("0123456789");
      await buffered.done(10);
      far.transport.setProtocol(far);
      near.transport.write("abc");
      await far.until(() => far.received.length === 3);

      expect(buffered.received).toBe("0123456789");
      expect(far.received.toString()).toBe("abc");
    }));
});

describe("a buffered protocol", () => {
  test("is asked for memory before each bufferUpdated", () =>
    run(async () => {
      const buffered = new Buffered(4);
      const server = await createServer(() => buffered, { host: "127.0.0.1", port: 0 });
      const peer = await connectRaw(portOf(server));

      peer.write("0123456789");
      await buffered.done(10);
      peer.destroy();
      server.close();
      await server.waitClosed();

      expect(buffered.received).toBe("0123456789");
      // The memory for the next read is asked for ahead: the last may stay unused.
      for (const [i, call] of buffered.calls.entries())
        expect(call).toMatch(i % 2 === 0 ? /^getBuffer / : /^bufferUpdated [1-4]$/);
    }));

  test.each([true, false])("is told of EOF, and stays open when it says so: %s", (stays) =>
    run(async () => {
      const ended = getRunningLoop().createFuture<Transport>();
      let transport: Transport | null = null;
      const protocol: BufferedProtocol = {
        connectionMade: (made) => void (transport = made),
        getBuffer: () => Buffer.alloc(16),
        bufferUpdated: () => undefined,
        eofReceived: () => {
          if (transport !== null) ended.setResult(transport);
          return stays;
        },
      };
      await using pair = await connectPair();
      pair.far.transport.setProtocol(protocol);
      transport = pair.far.transport;

      pair.near.keepOpen = true;
      pair.near.transport.write("the end");
      pair.near.transport.writeEof();
      await ended;
      await quiet();

      expect(pair.far.transport.isClosing()).toBe(!stays);
      expect(pair.near.events.includes("eof")).toBe(!stays);
    }),
  );

  test("gets the rest after a pause in bufferUpdated", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      const buffered = new Buffered(4);
      buffered.onUpdate = () => far.transport.pauseReading();
      far.transport.setProtocol(buffered);

      near.transport.write("0123456789");
      await buffered.done(4);
      await quiet();
      expect(buffered.received).toBe("0123");
      buffered.onUpdate = () => undefined;
      far.transport.resumeReading();
      await buffered.done(10);

      expect(buffered.received).toBe("0123456789");
    }));

  test.each([
    ["gives empty memory", () => new Uint8Array()],
    ["gives numbers that are no bytes", () => new Uint32Array(9) as never],
    [
      "throws",
      () => {
        throw new Error("no memory");
      },
    ],
  ])("whose getBuffer %s loses its connection", (_what, getBuffer) =>
    run(async () => {
      const exceptions = recordExceptions();
      const lost = getRunningLoop().createFuture<Error | null>();
      const protocol: BufferedProtocol = {
        getBuffer,
        bufferUpdated: () => undefined,
        connectionLost: (error) => lost.setResult(error),
      };
      const server = await createServer(() => protocol, { host: "127.0.0.1", port: 0 });
      const peer = await connectRaw(portOf(server));

      peer.write("x");
      const error = await lost;
      peer.destroy();
      server.close();
      await server.waitClosed();

      expect(error).toBeInstanceOf(Error);
      expect(exceptions).toMatchObject([
        { message: "Fatal error: protocol.getBuffer() call failed.", exception: error },
      ]);
    }),
  );
});

describe("the callbacks of a protocol", () => {
  test("run with no current task, in the async context of who made the connection or server", () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen: string[] = [];
      class Watching extends Recorder {
        readonly #name: string;
        constructor(name: string) {
          super();
          this.#name = name;
        }

        override record(event: string): void {
          seen.push(
            `${this.#name} ${event} in ${storage.getStore()}, ${currentTask() === null ? "no task" : "a task"}`,
          );
          super.record(event);
        }
      }
      const far = new Watching("far");
      const server = await storage.run("server", () =>
        createServer(() => far, { host: "127.0.0.1", port: 0 }),
      );
      const near = new Watching("near");
      await storage.run("client", () =>
        createConnection(() => near, { host: "127.0.0.1", port: portOf(server) }),
      );

      await storage.run("writer", async () => {
        near.transport.write("ping");
        await far.until(() => far.chunks.length > 0);
        far.transport.write("pong");
        await near.until(() => near.chunks.length > 0);
        far.transport.pauseReading();
        fill(near.transport);
        far.transport.resumeReading();
        await near.until(() => near.events.includes("resume"));
        near.transport.writeEof();
        await near.lost();
        await far.lost();
      });
      server.close();
      await server.waitClosed();

      const contexts = (name: string): string[] => [
        ...new Set(
          seen.filter((line) => line.startsWith(name)).map((line) => line.replace(/^\w+ \w+ /, "")),
        ),
      ];
      expect(contexts("near")).toEqual(["in client, no task"]);
      expect(contexts("far")).toEqual(["in server, no task"]);
    }));

  test("do not see what another connection of the server left in its context", () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen: (string | undefined)[] = [];
      class Leaking extends Recorder {
        override dataReceived(data: Buffer): void {
          seen.push(storage.getStore());
          storage.enterWith(data.toString());
          super.dataReceived(data);
        }
      }
      await using recording = await RecordingServer.open(() => new Leaking());
      const first = await connectRaw(recording.port);
      const second = await connectRaw(recording.port);

      first.write("first");
      const one = await recording.client(0);
      await one.until(() => one.chunks.length > 0);
      second.write("second");
      const two = await recording.client(1);
      await two.until(() => two.chunks.length > 0);
      first.destroy();
      second.destroy();

      expect(seen).toEqual([undefined, undefined]);
    }));

  test("wait while the loop does not run", async () => {
    const loop = new EventLoop();
    await using runner = new Runner({ loopFactory: () => loop });
    const seen: boolean[] = [];
    class Watching extends Recorder {
      override record(event: string): void {
        seen.push(loop.isRunning);
        super.record(event);
      }
    }
    const recording = await runner.run(() => RecordingServer.open(() => new Watching()));
    const [peer, late] = await runner.run(async () => {
      const connected = await connectRaw(recording.port);
      await recording.client();
      return [connected, await connectRaw(recording.port)];
    });
    peer.end("between two runs");
    late.write("later");
    await quiet();

    await runner.run(async () => {
      const client = await recording.client();
      await client.lost();
      expect(client.received.toString()).toBe("between two runs");
      expect(client.events).toEqual(["made", "data", "eof", "lost"]);
      const second = await recording.client(1);
      await second.until(() => second.received.toString() === "later");
      peer.destroy();
      late.destroy();
      await recording[Symbol.asyncDispose]();
    });

    expect(seen.every((isRunning) => isRunning)).toBe(true);
  });
});

describe("a transport whose loop is closed", () => {
  test("lets go of its socket, without a word to its protocol", async () => {
    const near = new Recorder();
    const far = new Recorder();
    await run(async () => {
      const recording = await RecordingServer.open(() => far);
      await createConnection(() => near, { host: "127.0.0.1", port: recording.port });
      await recording.client();
    });

    near.transport.write("dropped");
    near.transport.close();
    near.transport.abort();
    await quiet();

    expect(near.events).toEqual(["made"]);
    expect(far.events).toEqual(["made"]);
    expect(near.transport.isClosing()).toBe(true);
    expect(inspect(near.transport)).toMatch(
      /^<Transport lost 127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+ reading=false buffered=0>$/,
    );
  });
});

class Buffered implements BufferedProtocol {
  readonly calls: string[] = [];
  received = "";
  onUpdate: () => void = () => undefined;
  readonly #buffer: Uint8Array;
  readonly #watcher = new Recorder();

  constructor(size: number) {
    this.#buffer = new Uint8Array(size);
  }

  getBuffer(sizeHint: number): Uint8Array {
    this.calls.push(`getBuffer ${sizeHint}`);
    return this.#buffer;
  }

  bufferUpdated(size: number): void {
    this.calls.push(`bufferUpdated ${size}`);
    this.received += Buffer.from(this.#buffer.subarray(0, size)).toString();
    this.onUpdate();
    this.#watcher.record("update");
  }

  done(length: number): Promise<void> {
    return this.#watcher.until(() => this.received.length >= length);
  }
}

function digest(data: Buffer): string {
  return createHash("sha256").update(data).digest("hex");
}
