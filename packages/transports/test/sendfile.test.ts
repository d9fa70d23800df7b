import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isCancelled, RuntimeError } from "@aio/loop";
import { createTask, run } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  createConnection,
  createServer,
  sendfile,
  SendfileNotAvailableError,
  type Transport,
} from "../src/index.ts";
import { localhost } from "./certificate.ts";
import { connectPair, fill, portOf, quiet, Recorder } from "./recorder.ts";

async function makeFile(data: Uint8Array): Promise<FileHandle> {
  const directory = mkdtempSync(join(tmpdir(), "aio-"));
  const path = join(directory, "file");
  writeFileSync(path, data);
  const file = await open(path);
  onTestFinished(async () => {
    await file.close();
    rmSync(directory, { recursive: true });
  });
  return file;
}

describe("sendfile", () => {
  test("sends the file between what is written before and after", () =>
    run(async () => {
      await using pair = await connectPair();
      const data = randomBytes(3_000_000);
      const file = await makeFile(data);
      const { near, far } = pair;

      near.transport.write("before");
      expect(await sendfile(near.transport, file)).toBe(data.length);
      near.transport.write("after");
      near.transport.close();
      await far.lost();

      expect(
        far.received.equals(Buffer.concat([Buffer.from("before"), data, Buffer.from("after")])),
      ).toBe(true);
      expect(near.events.filter((event) => event === "pause").length).toBe(
        near.events.filter((event) => event === "resume").length,
      );
    }));

  test("sends the part that offset and count name, as far as there is one", () =>
    run(async () => {
      await using pair = await connectPair();
      const file = await makeFile(Buffer.from("0123456789"));
      const { near, far } = pair;

      expect(await sendfile(near.transport, file, { offset: 2, count: 3 })).toBe(3);
      expect(await sendfile(near.transport, file, { offset: 8, count: 30 })).toBe(2);
      expect(await sendfile(near.transport, file, { offset: 10 })).toBe(0);
      expect(await sendfile(near.transport, await makeFile(new Uint8Array()))).toBe(0);
      await far.until(() => far.received.length === 5);

      expect(far.received.toString()).toBe("23489");
    }));

  test("goes over TLS, too", () =>
    run(async () => {
      const far = new Recorder();
      await using server = await createServer(() => far, {
        host: "127.0.0.1",
        port: 0,
        ssl: localhost,
      });
      const [transport] = await createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port: portOf(server),
        ssl: { ca: localhost.cert },
        serverHostname: "localhost",
      });
      const data = randomBytes(3_000_000);
      const file = await makeFile(data);

      expect(() => sendfile(transport, file, { fallback: false })).toThrow(RuntimeError);
      expect(await sendfile(transport, file)).toBe(data.length);
      transport.close();
      await far.lost();

      expect(far.received.equals(data)).toBe(true);
    }));

  test("keeps to the flow control, and pauses reading meanwhile", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      const file = await makeFile(Buffer.alloc(32_000_000));
      far.transport.pauseReading();
      const sending = createTask(async () => sendfile(near.transport, file));

      await near.until(() => true);
      for (let i = 0; i < 20; i += 1) await quiet();
      expect(sending.done).toBe(false);
      expect(near.transport.getWriteBufferSize()).toBeLessThan(300_000);
      expect(near.transport.isReading()).toBe(false);
      far.transport.resumeReading();

      expect(await sending).toBe(32_000_000);
      expect(near.transport.isReading()).toBe(true);
      expect(near.transport.getProtocol()).toBe(near);
    }));

  test("tells the protocol to resume when it was paused before", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      fill(near.transport);
      expect(near.events).toEqual(["made", "pause"]);
      const sending = createTask(async () =>
        sendfile(near.transport, await makeFile(Buffer.from("x"))),
      );
      await quiet();

      far.transport.resumeReading();
      await sending;

      expect(near.events).toEqual(["made", "pause", "resume"]);
    }));

  test("loses nothing that comes when somebody resumes reading meanwhile", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      const file = await makeFile(Buffer.alloc(32_000_000));
      far.transport.pauseReading();
      const sending = sendfile(near.transport, file);
      far.transport.write("meanwhile");

      near.transport.resumeReading();
      await near.until(() => near.received.length > 0);
      far.transport.resumeReading();
      await sending;

      expect(near.received.toString()).toBe("meanwhile");
    }));

  test("sends one file at a time", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      const file = await makeFile(Buffer.from("once"));
      const sending = sendfile(near.transport, file);

      expect(() => sendfile(near.transport, file)).toThrow("sends a file already");
      await sending;
      await sendfile(near.transport, file);
      await far.until(() => far.received.length === 8);

      expect(near.transport.getProtocol()).toBe(near);
      expect(near.transport.isReading()).toBe(true);
    }));

  test("fails when the connection is lost, which the protocol is told, too", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      const file = await makeFile(Buffer.alloc(32_000_000));
      const sending = createTask(async () => sendfile(near.transport, file));
      await quiet();

      far.transport.abort();

      await expect(sending).rejects.toMatchObject({
        code: expect.stringMatching(/^(ECONNRESET|EPIPE)$/) as string,
      });
      await near.lost();
    }));

  test("can be cancelled; the connection goes on", () =>
    run(async () => {
      await using pair = await connectPair();
      const { near, far } = pair;
      far.transport.pauseReading();
      const file = await makeFile(Buffer.alloc(32_000_000));
      const sending = createTask(async () => sendfile(near.transport, file));
      for (let i = 0; i < 5; i += 1) await quiet();

      sending.cancel();
      await expect(sending).rejects.toSatisfy(isCancelled);
      expect(near.transport.getProtocol()).toBe(near);
      far.transport.resumeReading();
      near.transport.write("!");
      near.transport.close();
      await far.lost();

      expect(far.received.at(-1)).toBe("!".charCodeAt(0));
    }));

  test("refuses what does not fit", () =>
    run(async () => {
      await using pair = await connectPair();
      const { transport } = pair.near;
      const file = await makeFile(Buffer.from("x"));

      for (const count of [0, -1])
        expect(() => sendfile(transport, file, { count })).toThrow(RangeError);
      expect(() => sendfile(transport, file, { offset: -1 })).toThrow(RangeError);
      expect(() => sendfile(transport, file, { count: 1.5 })).toThrow(TypeError);
      expect(() => sendfile(transport, file, { offset: "1" as never })).toThrow(TypeError);
      expect(() => sendfile({} as Transport, file)).toThrow(TypeError);
      expect(() => sendfile(transport, {} as FileHandle)).toThrow(TypeError);
      expect(() => sendfile(transport, file, { fallback: false })).toThrow(
        SendfileNotAvailableError,
      );
      transport.close();
      expect(() => sendfile(transport, file)).toThrow(RuntimeError);
    }));
});
