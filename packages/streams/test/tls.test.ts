import { isCancelled } from "@aio/loop";
import { createTask, gather, run } from "@aio/task";
import {
  NotSupportedError,
  SSLCertVerificationError,
  SSLError,
  type ServerSsl,
} from "@aio/transports";
import { generate } from "selfsigned";
import { describe, expect, test } from "vitest";
import {
  type ClientConnectedCallback,
  fromDuplex,
  openConnection,
  startServer,
  StreamWriter,
} from "../src/index.ts";
import { openPair, portOf, quiet } from "./streams.ts";
import { PassThrough } from "node:stream";

const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], {
  keyType: "ec",
  algorithm: "sha256",
  extensions: [
    { name: "basicConstraints", cA: true },
    { name: "subjectAltName", altNames: [{ type: 2, value: "localhost" }] },
  ],
});
const SERVER: ServerSsl = { key, cert };
const CLIENT = { ca: cert };
const NAMED = { serverHostname: "localhost" };

describe("Streams over TLS", () => {
  test("carry bytes both ways, with backpressure, to the end", () =>
    run(async () => {
      const { server, options } = await serve(async (reader, writer) => {
        writer.write(await reader.readexactly(3_000_000));
        await writer.drain();
        expect(String(await reader.readline())).toBe("bye\n");
        expect(String(await reader.read())).toBe("");
      });

      const [reader, writer] = await openConnection(options);
      const bytes = Buffer.alloc(3_000_000, "0123456789");
      const [, echoed] = await gather(
        async () => {
          writer.write(bytes);
          await writer.drain();
        },
        () => reader.readexactly(bytes.length),
      );
      expect(echoed.equals(bytes)).toBe(true);
      expect(writer.canWriteEof()).toBe(false);
      expect(() => writer.writeEof()).toThrow(NotSupportedError);
      writer.write("bye\n");
      writer.close();
      await writer.waitClosed();

      expect(writer.getExtraInfo("cipher")).not.toBe(null);
      await server[Symbol.asyncDispose]();
    }));

  test("refuse a server that is not trusted", () =>
    run(async () => {
      const { server, options } = await serve(() => undefined);

      await expect(openConnection({ ...options, ssl: true })).rejects.toThrow(
        SSLCertVerificationError,
      );

      await server[Symbol.asyncDispose]();
    }));
});

describe("StreamWriter.startTls", () => {
  test("goes over to TLS with the same reader and writer, at both ends", () =>
    run(async () => {
      await using ends = await openPair(1_024);
      const { reader, writer, far } = ends;
      const plain = writer.transport;
      const serving = createTask(async () => {
        expect(String(await far.reader.readline())).toBe("STARTTLS\n");
        far.writer.write("go ahead\n");
        await far.writer.startTls(SERVER);
        far.writer.write(await far.reader.readline());
        far.writer.write(await far.reader.readexactly(500_000)); // more than the limit: it pauses and resumes
      });

      writer.write("STARTTLS\n");
      expect(String(await reader.readline())).toBe("go ahead\n");
      await writer.startTls(CLIENT, NAMED);
      writer.write("secret\n");
      expect(String(await reader.readline())).toBe("secret\n");
      writer.write(Buffer.alloc(500_000));
      expect(await reader.readexactly(500_000)).toHaveLength(500_000);
      await serving;

      expect(writer.transport).not.toBe(plain);
      expect(writer.getExtraInfo("cipher")).not.toBe(null);
      writer.close();
      await writer.waitClosed();
      expect(String(await far.reader.read())).toBe("");
      await far.writer.waitClosed();
    }));

  test("takes what came in plain text for the handshake, and so refuses what was smuggled in", () =>
    run(async () => {
      await using ends = await openPair();
      ends.writer.write("STARTTLS\nDELETE everything\n");
      expect(String(await ends.far.reader.readline())).toBe("STARTTLS\n");

      await expect(ends.far.writer.startTls(SERVER)).rejects.toThrow(SSLError);

      await expect(ends.far.reader.readline()).rejects.toThrow(SSLError);
      await expect(ends.far.writer.waitClosed()).rejects.toThrow(SSLError);
    }));

  test("takes a handshake that was early", () =>
    run(async () => {
      await using ends = await openPair();
      ends.writer.write("STARTTLS\n");
      const upgrading = createTask(() => ends.writer.startTls(CLIENT, NAMED));
      expect(String(await ends.far.reader.readline())).toBe("STARTTLS\n");
      await quiet();

      await ends.far.writer.startTls(SERVER);
      await upgrading;

      ends.far.writer.write("hello\n");
      expect(String(await ends.reader.readline())).toBe("hello\n");
      ends.writer.transport.abort();
      await ends.far.writer.waitClosed();
    }));

  test("closes the connection when it fails, or is cancelled", () =>
    run(async () => {
      await using ends = await openPair();
      const upgrading = createTask(() => ends.writer.startTls(CLIENT, NAMED));
      await quiet();
      expect(upgrading.done).toBe(false);

      upgrading.cancel();

      await expect(upgrading).rejects.toSatisfy(isCancelled);
      await ends.writer.waitClosed();
      expect(ends.writer.isClosing()).toBe(true);
      await expect(ends.writer.startTls(CLIENT, NAMED)).rejects.toThrow("Connection lost");
    }));

  test("needs a connection", () =>
    run(async () => {
      const [, writer] = fromDuplex(new PassThrough());
      await expect(writer.startTls(true)).rejects.toThrow(NotSupportedError);
      await expect(StreamWriter.from(new PassThrough()).startTls(true)).rejects.toThrow(
        NotSupportedError,
      );
    }));
});

/** Serves over TLS. Returns the options for its clients, too. */
async function serve(callback: ClientConnectedCallback) {
  const server = await startServer(callback, { host: "127.0.0.1", port: 0, ssl: SERVER });
  const options = { host: "127.0.0.1", port: portOf(server), ssl: CLIENT, ...NAMED };
  return { server, options };
}
