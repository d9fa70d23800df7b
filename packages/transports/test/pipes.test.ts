import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { run } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  attachReadPipe,
  attachWritePipe,
  connectReadPipe,
  connectWritePipe,
  NotSupportedError,
  startTls,
  type Transport,
} from "../src/index.ts";
import { fill, quiet, Recorder } from "./recorder.ts";

/** A fifo, open at both ends. */
function makeFifo(): { readonly reader: number; readonly writer: number } {
  const path = join(makeDirectory(), "fifo");
  execFileSync("mkfifo", [path]);
  const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader, writer: openSync(path, constants.O_WRONLY) };
}

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "aio-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

const fail = (): never => {
  throw new Error("no protocol");
};

const make = (): Recorder => new Recorder();

describe.skipIf(process.platform === "win32")("a fifo", () => {
  test("carries bytes, and EOF when the writer closes", () =>
    run(async () => {
      const fifo = makeFifo();
      const reading = new Recorder();
      const [input, protocol] = await connectReadPipe(() => reading, fifo.reader);
      const [output] = await connectWritePipe(() => new Recorder(), fifo.writer);

      expect(protocol).toBe(reading);
      expect(input.isReading()).toBe(true);
      output.write("hello");
      await reading.until(() => reading.received.length === 5);
      output.close();
      expect(await reading.lost()).toBeNull();

      expect(reading.received.toString()).toBe("hello");
      expect(reading.events).toEqual(["made", "data", "eof", "lost"]);
    }));

  test("is closed by writeEof() once all is sent", () =>
    run(async () => {
      const fifo = makeFifo();
      const reading = new Recorder();
      const writing = new Recorder();
      const [input] = await connectReadPipe(() => reading, fifo.reader);
      input.pauseReading();
      const [output] = await connectWritePipe(() => writing, fifo.writer);
      expect(output.canWriteEof()).toBe(true);

      output.write(Buffer.alloc(1_000_000));
      expect(output.getWriteBufferSize()).toBeGreaterThan(0);
      output.writeEof();
      expect(output.isClosing()).toBe(true);
      input.resumeReading();

      expect(await reading.lost()).toBeNull();
      expect(await writing.lost()).toBeNull();
      expect(reading.chunks.reduce((sum, { length }) => sum + length, 0)).toBe(1_000_000);
    }));

  test("ends its writer with EPIPE when nobody reads any more", () =>
    run(async () => {
      const fifo = makeFifo();
      const writing = new Recorder();
      const [output] = await connectWritePipe(() => writing, fifo.writer);
      fill(output as Transport);
      expect(output.getWriteBufferSize()).toBeGreaterThan(0);

      closeSync(fifo.reader);

      expect(await writing.lost()).toMatchObject({ code: "EPIPE" });
    }));

  test("tells its writer with the next write when nobody reads any more", () =>
    run(async () => {
      const fifo = makeFifo();
      const writing = new Recorder();
      const [output] = await connectWritePipe(() => writing, fifo.writer);

      closeSync(fifo.reader);
      await quiet();
      expect(writing.events).toEqual(["made"]); // the host does not tell before
      output.write("x");

      expect(await writing.lost()).toMatchObject({ code: "EPIPE" });
    }));

  test("goes one way only", () =>
    run(async () => {
      const fifo = makeFifo();
      const reading = new Recorder();
      const writing = new Recorder();
      const [input] = await connectReadPipe(() => reading, fifo.reader);
      const [output] = await connectWritePipe(() => writing, fifo.writer);

      expect(() => (input as Transport).write("x")).toThrow(NotSupportedError);
      expect((input as Transport).canWriteEof()).toBe(false);
      expect((output as Transport).isReading()).toBe(false);
      (output as Transport).pauseReading();
      (output as Transport).resumeReading();
      await expect((async () => startTls(output as Transport, writing, true))()).rejects.toThrow(
        TypeError,
      );
      input.close();
      output.close();
      await reading.lost();
      await writing.lost();
    }));
});

describe("connectReadPipe", () => {
  test("reads the output of a child process, paused and resumed", () =>
    run(async () => {
      const child = spawn(process.execPath, ["-e", "process.stdout.write('x'.repeat(1e6))"]);
      const reading = new Recorder();
      const [input] = await connectReadPipe(() => reading, child.stdout);
      expect(input.getExtraInfo("pipe")).toBe(child.stdout);

      input.pauseReading();
      await quiet();
      const before = reading.received.length;
      await quiet();
      expect(reading.received.length).toBe(before);
      input.resumeReading();

      expect(await reading.lost()).toBeNull();
      expect(reading.received.length).toBe(1_000_000);
    }));

  test("reads any stream of Node", () =>
    run(async () => {
      const stream = new PassThrough();
      const reading = new Recorder();
      await connectReadPipe(() => reading, stream);

      stream.write("abc");
      stream.end("def");

      expect(await reading.lost()).toBeNull();
      expect(reading.received.toString()).toBe("abcdef");
      expect(stream.destroyed).toBe(true);
    }));

  test("refuses regular files, and what is no pipe at all", () =>
    run(async () => {
      const path = join(makeDirectory(), "file");
      writeFileSync(path, "x");
      const fd = openSync(path, "r");

      expect(() => connectReadPipe(make, fd)).toThrow(/got a regular file/);
      expect(() => connectWritePipe(make, fd)).toThrow(RangeError);
      expect(() => connectReadPipe(make, 12_345)).toThrow(RangeError);
      expect(() => connectReadPipe(make, {} as never)).toThrow(TypeError);
      expect(() => connectReadPipe(make, new PassThrough().destroy())).toThrow(RangeError);
      closeSync(fd);
    }));

  test("closes the pipe when the factory throws", () =>
    run(async () => {
      const stream = new PassThrough();

      await expect(connectReadPipe(fail, stream)).rejects.toThrow("no protocol");

      expect(stream.destroyed).toBe(true);
    }));
});

describe("connectWritePipe", () => {
  test("feeds a child process", () =>
    run(async () => {
      const child = spawn("cat");
      const reading = new Recorder();
      const writing = new Recorder();
      await connectReadPipe(() => reading, child.stdout);
      const [output] = await connectWritePipe(() => writing, child.stdin);

      output.writelines(["one ", "two"]);
      output.close();

      expect(await writing.lost()).toBeNull();
      expect(await reading.lost()).toBeNull();
      expect(reading.received.toString()).toBe("one two");
    }));

  test.each([
    ["closes", (peer: net.Socket) => void peer.destroy(), undefined],
    ["resets", (peer: net.Socket) => void peer.resetAndDestroy(), "ECONNRESET"],
  ])("tells at once that the other end of a socket %s it", (_what, end, code) =>
    run(async () => {
      const server = net.createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      const socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
      const [peer] = (await once(server, "connection")) as [net.Socket];
      const writing = new Recorder();
      await connectWritePipe(() => writing, socket);

      end(peer);
      const lost = await writing.lost();

      expect((lost as NodeJS.ErrnoException | null)?.code).toBe(code);
      expect(writing.events).toEqual(["made", "lost"]);
      server.close();
    }),
  );

  test("keeps to the marks with any stream of Node", () =>
    run(async () => {
      const stream = new PassThrough({ highWaterMark: 10 });
      const writing = new Recorder();
      const [output] = await connectWritePipe(() => writing, stream);
      output.setWriteBufferLimits({ high: 10, low: 0 });
      const data = Buffer.alloc(100, "a");

      output.write(data);
      output.write(data);
      data.fill("b"); // the bytes are those of the call
      expect(writing.events).toEqual(["made", "pause"]);
      stream.resume();
      const chunks: Buffer[] = [];
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      await writing.until(() => writing.events.includes("resume"));
      output.close();
      await writing.lost();

      expect(Buffer.concat(chunks).toString()).toBe("a".repeat(200));
    }));
});

describe("attachReadPipe and attachWritePipe", () => {
  test("tell the protocol at once, and miss nothing", () =>
    run(async () => {
      const child = spawn("cat");
      const reading = new Recorder();
      const writing = new Recorder();
      const input = attachReadPipe(reading, child.stdout);
      const output = attachWritePipe(writing, child.stdin);
      expect([reading.events, writing.events]).toEqual([["made"], ["made"]]);
      expect(reading.transport).toBe(input);

      output.write("hello");
      output.close();

      expect(await reading.lost()).toBeNull();
      expect(reading.received.toString()).toBe("hello");
      expect(await writing.lost()).toBeNull();
    }));

  test("refuse what is no protocol, and what is no open stream", () =>
    run(async () => {
      const stream = new PassThrough();
      expect(() => attachReadPipe(null as never, stream)).toThrow(
        "Expected `protocol` to be an object, got null",
      );
      expect(() => attachReadPipe({}, "stdin" as never)).toThrow(TypeError);
      stream.destroy();
      expect(() => attachReadPipe({}, stream)).toThrow(RangeError);
      expect(() => attachWritePipe({}, stream)).toThrow("Expected `pipe` to be open");
    }));
});

describe("a stream that somebody else has flow to its end while reading is paused", () => {
  test("loses nothing: its bytes and its EOF come when reading is resumed", () =>
    run(async () => {
      const stream = new PassThrough();
      const reading = new Recorder();
      const [transport] = await connectReadPipe(() => reading, stream);
      transport.pauseReading();

      const closed = once(stream, "close");
      stream.end("held back");
      stream.resume(); // as Node does with the pipes of a process that has exited
      await closed;
      expect(reading.events).toEqual(["made"]);

      transport.resumeReading();
      expect(await reading.lost()).toBeNull();
      expect(reading.events).toEqual(["made", "data", "eof", "lost"]);
      expect(reading.received.toString()).toBe("held back");
    }));
});
