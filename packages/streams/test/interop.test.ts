import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Duplex, duplexPair, PassThrough, Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  ReadableStream,
  type ReadableWritablePair,
  TextDecoderStream,
  WritableStream,
} from "node:stream/web";
import { createTask, gather, run } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  ConnectionResetError,
  fromDuplex,
  StreamReader,
  StreamWriter,
  toDuplex,
} from "../src/index.ts";
import { acceptRaw, openPair, quiet } from "./streams.ts";

describe("StreamReader.from", () => {
  test.each([
    ["a Readable", () => Readable.from([Buffer.from("one\ntw"), Buffer.from("o\n")])],
    ["a Readable of strings", () => Readable.from(["one\ntw", "o\n"])],
    ["a web stream", () => new Blob(["one\ntwo\n"]).stream() as ReadableStream<Uint8Array>],
    ["an iterable", () => ["one\n", Buffer.from("two\n")]],
    ["an async iterable", () => chunks("one\n", "two\n")],
  ])("reads lines from %s", (_name, source) =>
    run(async () => {
      const lines: string[] = [];
      for await (const line of StreamReader.from(source())) lines.push(String(line));

      expect(lines).toEqual(["one\n", "two\n"]);
    }),
  );

  test("pauses the source while it has enough", () =>
    run(async () => {
      let given = 0;
      const source = new Readable({
        highWaterMark: 1_000,
        read() {
          given += 1;
          this.push(given > 1_000 ? null : Buffer.alloc(1_000));
        },
      });

      const reader = StreamReader.from(source, { limit: 2_000 });
      await reader.readexactly(1);
      await quiet();
      expect(given).toBeLessThan(10);

      expect((await reader.read()).length).toBe(999_999);
    }));

  test("throws the error of the source", () =>
    run(async () => {
      const source = new PassThrough();
      const reader = StreamReader.from(source);
      source.write("before");
      expect(String(await reader.read(100))).toBe("before");

      source.destroy(new Error("broken"));

      await expect(reader.read()).rejects.toThrow("broken");
    }));

  test("takes a source that is destroyed before its end for broken", () =>
    run(async () => {
      const source = new PassThrough();
      const reading = StreamReader.from(source).read();
      source.destroy();

      await expect(reading).rejects.toMatchObject({ code: "ERR_STREAM_PREMATURE_CLOSE" });
    }));

  test("stops the source by a signal", () =>
    run(async () => {
      const controller = new AbortController();
      let reason: unknown;
      const source = new ReadableStream<Uint8Array>({
        cancel(why) {
          reason = why;
        },
      });
      const reading = StreamReader.from(source, { signal: controller.signal }).read();

      controller.abort(new Error("enough"));

      await expect(reading).rejects.toThrow("enough");
      await quiet();
      expect(reason).toEqual(new Error("enough"));
      expect(() => StreamReader.from([], { signal: controller.signal })).toThrow("enough");
    }));

  test("refuses what gives no bytes", () =>
    run(async () => {
      expect(() => StreamReader.from("text" as never)).toThrow(TypeError);
      expect(() => StreamReader.from(Buffer.from("text") as never)).toThrow(TypeError);
      await expect(StreamReader.from([1, 2] as never).read()).rejects.toThrow(TypeError);
    }));
});

describe("StreamWriter.from", () => {
  test("writes to a file", () =>
    run(async () => {
      const path = temporaryFile();
      const writer = StreamWriter.from(createWriteStream(path));
      for (let i = 0; i < 1_000; i += 1) {
        writer.write(`${i}\n`);
        await writer.drain();
      }
      writer.writelines(["a", Buffer.from("b")]);
      writer.close();
      await writer.waitClosed();

      expect(readFileSync(path, "utf8")).toBe(`${[...Array(1_000).keys()].join("\n")}\nab`);
    }));

  test("writes to a stream of the web", () =>
    run(async () => {
      const written: string[] = [];
      const sink = new WritableStream<Uint8Array>({
        write(chunk) {
          written.push(Buffer.from(chunk).toString());
        },
        close() {
          written.push("closed");
        },
      });
      const writer = StreamWriter.from(sink);

      writer.write("hello");
      await writer.drain();
      writer.close();
      await writer.waitClosed();

      expect(written).toEqual(["hello", "closed"]);
    }));

  test("waits in drain for a slow stream, and for no longer than that", () =>
    run(async () => {
      const held: (() => void)[] = [];
      const sink = new Writable({
        highWaterMark: 10,
        write(_chunk, _encoding, callback) {
          held.push(() => callback());
        },
      });
      const writer = StreamWriter.from(sink);
      writer.write("123456789");
      await writer.drain();
      writer.write("0");
      const draining = Array.from({ length: 3 }, () => createTask(() => writer.drain()));
      await quiet();
      expect(draining.some(({ done }) => done)).toBe(false);
      expect(writer.transport.getWriteBufferSize()).toBe(10);
      expect(writer.transport.getWriteBufferLimits()).toEqual([0, 10]);

      held.shift()?.();
      await quiet();
      held.shift()?.();

      await gather(draining);
    }));

  test("tells all who wait of an error of the stream", () =>
    run(async () => {
      const sink = new Writable({ highWaterMark: 1, write: () => undefined });
      const writer = StreamWriter.from(sink);
      writer.write("stuck");
      const draining = Array.from({ length: 3 }, () => createTask(() => writer.drain()));
      const closing = createTask(() => writer.waitClosed());
      await quiet();

      sink.destroy(new Error("disk full"));

      for (const waiting of [...draining, closing])
        await expect(waiting).rejects.toThrow("disk full");
      expect(writer.isClosing()).toBe(true);
      writer.write("dropped");
      await expect(writer.drain()).rejects.toThrow(ConnectionResetError);
    }));

  test("sends the bytes of the moment of the call", () =>
    run(async () => {
      const through = new PassThrough();
      const writer = StreamWriter.from(through);
      const bytes = Buffer.from("before");
      writer.write(bytes);
      bytes.fill("x");
      writer.writeEof();
      expect(() => writer.write("more")).toThrow("after writeEof");

      expect(String(await StreamReader.from(through).read())).toBe("before");
    }));

  test("is aborted with what is buffered", () =>
    run(async () => {
      const sink = new Writable({ write: () => undefined });
      const writer = StreamWriter.from(sink);
      writer.write("stuck");

      writer.transport.abort();
      await writer.waitClosed();

      expect(sink.destroyed).toBe(true);
    }));

  test("refuses what is no stream, and what is no bytes", () =>
    run(async () => {
      expect(() => StreamWriter.from([] as never)).toThrow(TypeError);
      expect(() => StreamWriter.from(new PassThrough()).write(1 as never)).toThrow(TypeError);
    }));
});

describe("StreamReader.toReadable and toWeb", () => {
  test("give all that comes, in pipelines", () =>
    run(async () => {
      await using ends = await openPair();
      const bytes = randomBytes(1_000_000);
      ends.far.writer.write(bytes);
      ends.far.writer.close();
      const hash = createHash("sha256");

      await pipeline(ends.reader.toReadable(), hash);

      expect(hash.digest("hex")).toBe(createHash("sha256").update(bytes).digest("hex"));
    }));

  test("read no more than the consumer takes", () =>
    run(async () => {
      await using ends = await openPair(1_024);
      const stream = ends.reader.toReadable();
      expect(stream.read()).toBe(null);
      for (let i = 0; i < 64; i += 1) ends.far.writer.write(Buffer.alloc(1_048_576));
      const draining = createTask(() => ends.far.writer.drain());
      await quiet();
      expect(draining.done).toBe(false);

      stream.resume();

      await draining;
    }));

  test("decode text on the way", () =>
    run(async () => {
      await using ends = await openPair();
      ends.far.writer.write("grüße");
      ends.far.writer.close();

      const texts: string[] = [];
      const decoder = new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>;
      for await (const text of ends.reader.toWeb().pipeThrough(decoder)) texts.push(text);

      expect(texts.join("")).toBe("grüße");
    }));

  test("break with the connection", () =>
    run(async () => {
      const { peer, reader, server } = await acceptRaw();
      const stream = reader.toReadable();
      stream.resume();
      peer.resetAndDestroy();

      await expect(finish(stream)).rejects.toMatchObject({ code: "ECONNRESET" });
      server.close();
    }));

  test("give the reader back when they are destroyed", () =>
    run(async () => {
      await using ends = await openPair();
      const stream = ends.reader.toReadable().resume();
      await quiet();
      stream.destroy();
      await quiet();

      ends.far.writer.write("line\n");

      expect(String(await ends.reader.readline())).toBe("line\n");
    }));
});

describe("StreamWriter.toWritable and toWeb", () => {
  test("send all, then end this side", () =>
    run(async () => {
      await using ends = await openPair();
      const bytes = randomBytes(3_000_000);
      const receiving = createTask(() => ends.far.reader.read());

      await pipeline(Readable.from([bytes]), ends.writer.toWritable());
      expect((await receiving).equals(bytes)).toBe(true);
      ends.far.writer.write("answer\n");

      expect(String(await ends.reader.readline())).toBe("answer\n");
    }));

  test("are finished when the system has taken all, and not before", () =>
    run(async () => {
      const { peer, writer, server } = await acceptRaw();
      const writable = writer.toWritable();
      let finished = false;
      const whole = once(writable, "finish").then(() => {
        finished = true;
      });
      writer.transport.setWriteBufferLimits({ high: 256 * 1_048_576 });
      writable.end(Buffer.alloc(64 * 1_048_576));
      await quiet();
      expect(writer.transport.getWriteBufferSize()).toBeGreaterThan(0);
      expect(finished).toBe(false);

      peer.resume();
      await whole;

      expect(writer.transport.getWriteBufferSize()).toBe(0);
      await once(peer, "end");
      server.close();
      peer.destroy();
      writer.transport.abort();
      await server.waitClosed();
    }));

  test("wait for a peer that reads nothing", () =>
    run(async () => {
      await using ends = await openPair(1_024);
      const web = ends.writer.toWeb().getWriter();
      const writing = web.write(Buffer.alloc(64 * 1_048_576));
      let written = false;
      void writing.then(() => {
        written = true;
      });
      await quiet();
      expect(written).toBe(false);

      void createTask(() => ends.far.reader.read());
      await writing;
      await web.close();
    }));

  test("abort the connection with a pipeline that fails", () =>
    run(async () => {
      await using ends = await openPair();
      const source = new PassThrough();
      const sending = pipeline(source, ends.writer.toWritable());
      source.write("half");
      source.destroy(new Error("broken"));

      await expect(sending).rejects.toThrow("broken");
      await ends.writer.waitClosed();
    }));

  test("break with the connection, also when nothing is written", () =>
    run(async () => {
      const { peer, writer, server } = await acceptRaw();
      const stream = writer.toWritable();
      peer.resetAndDestroy();

      await expect(finish(stream)).rejects.toMatchObject({ code: "ECONNRESET" });
      server.close();
    }));
});

describe("fromDuplex and toDuplex", () => {
  test("serve an upgraded connection of http", () =>
    run(async () => {
      const server = http.createServer();
      server.on("upgrade", (_request, socket) => {
        const [reader, writer] = fromDuplex(socket);
        void createTask(async () => {
          writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n",
          );
          for await (const line of reader) writer.write(line);
          writer.close();
        });
      });
      await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
      onTestFinished(() => void server.close());
      const { port } = server.address() as { port: number };

      const socket = await new Promise<Duplex>((upgraded) =>
        http
          .request({ port, host: "127.0.0.1", headers: { connection: "upgrade", upgrade: "echo" } })
          .on("upgrade", (_response, duplex) => upgraded(duplex))
          .end(),
      );
      const [reader, writer] = fromDuplex(socket);
      writer.write("hello\n");
      expect(String(await reader.readline())).toBe("hello\n");
      writer.writeEof();
      expect(String(await reader.read())).toBe("");
      writer.close();
      await writer.waitClosed();
    }));

  test("carry bytes both ways over any duplex", () =>
    run(async () => {
      const [left, right] = duplexPair();
      const [reader, writer] = fromDuplex(left);
      writer.write("ping\n");
      right.write("pong\n");

      expect(String(await reader.readline())).toBe("pong\n");
      expect(String(right.read())).toBe("ping\n");
      right.resume(); // it is closed when the other side has seen the end
      writer.close();
      await writer.waitClosed();
      expect(left.destroyed).toBe(true);
      expect(() => fromDuplex(new PassThrough().setEncoding("utf8") && ({} as never))).toThrow(
        TypeError,
      );
    }));

  test("give a socket to a library of Node", () =>
    run(async () => {
      await using ends = await openPair();
      const serving = createTask(async () => {
        await ends.far.reader.readuntil("\r\n\r\n");
        ends.far.writer.write(
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
        );
        await ends.far.writer.drain();
      });

      const body = await new Promise<string>((answered, failed) => {
        const request = http.request({
          createConnection: () => toDuplex(ends.reader, ends.writer),
        });
        request.on("error", failed).on("response", (response) => {
          response.setEncoding("utf8").on("data", answered);
        });
        request.end();
      });

      expect(body).toBe("hi");
      await serving;
    }));
});

async function* chunks(...list: string[]): AsyncGenerator<string> {
  for (const chunk of list) yield await Promise.resolve(chunk);
}

async function finish(stream: Readable | Writable): Promise<void> {
  await new Promise<void>((resolve, reject) => stream.on("error", reject).on("close", resolve));
}

function temporaryFile(): string {
  const folder = mkdtempSync(join(tmpdir(), "aio-streams-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return join(folder, "file");
}
