import { createHash } from "node:crypto";
import net from "node:net";
import { run, Runner } from "@aio/task";
import { describe, expect, test } from "vitest";
import { BulkBuffer } from "../src/bulk-buffer.ts";
import { createConnection, createServer } from "../src/index.ts";
import { portOf, Recorder, RecordingServer } from "./recorder.ts";

const digest = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

describe("BulkBuffer", () => {
  test("has memory once much was read, and gives it away with the next that is much", () => {
    const bulk = new BulkBuffer();
    expect(bulk.memory).toBeNull();
    bulk.missed(32_768);
    const { memory } = bulk;
    if (memory === null) throw new Error("unreachable: much was read");
    memory.fill(7);

    const taken = bulk.take(memory, 40_000);

    expect(taken?.buffer).toBe(memory.buffer);
    expect(taken?.length).toBe(40_000);
    expect(taken?.every((byte) => byte === 7)).toBe(true);
    expect(bulk.memory).not.toBeNull();
    expect(bulk.memory).not.toBe(memory);
    bulk.free();
  });

  test("takes nothing of memory that is not its own, or of little", () => {
    const bulk = new BulkBuffer();
    bulk.missed(65_536);
    const { memory } = bulk;
    if (memory === null) throw new Error("unreachable: much was read");

    expect(bulk.take(new Uint8Array(65_536), 65_536)).toBeNull();
    expect(bulk.take(memory, 1_000)).toBeNull();
    bulk.missed(1_000);

    expect(bulk.memory).toBeNull();
  });

  test("is for 64 connections at a time", () => {
    const bulks = Array.from({ length: 65 }, () => new BulkBuffer());
    for (const bulk of bulks) bulk.missed(65_536);
    expect(bulks.filter(({ memory }) => memory !== null)).toHaveLength(64);

    bulks[0]?.free();
    bulks[64]?.missed(65_536);
    expect(bulks[64]?.memory).not.toBeNull();

    for (const bulk of bulks) bulk.free();
  });
});

describe("A connection whose loop is closed", () => {
  test("gives its memory to others", async () => {
    const others = Array.from({ length: 63 }, () => new BulkBuffer());
    for (const other of others) other.missed(65_536);
    const last = new BulkBuffer();
    await using runner = new Runner();
    await runner.run(async () => {
      const far = new Recorder();
      const server = await createServer(() => far, { host: "127.0.0.1", port: 0 });
      const socket = net.connect(portOf(server), "127.0.0.1");
      socket.on("error", () => undefined); // it is reset
      socket.write(Buffer.alloc(4_000_000));
      await far.until(() => {
        last.missed(65_536);
        const { memory } = last;
        last.free();
        return memory === null; // the connection has it: its reads are large
      });
      far.transport.pauseReading();
    });

    await runner.close();
    last.missed(65_536);

    expect(last.memory).not.toBeNull();
    for (const each of [...others, last]) each.free();
  });
});

describe("Chunks that a hundred connections keep", () => {
  test("stay as they were, however much comes later", { timeout: 60_000 }, () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const sent = Array.from({ length: 100 }, (_, i) => Buffer.alloc(500_000, `connection ${i}`));
      const clients = await Promise.all(
        sent.map(async (data) => {
          const near = new Recorder();
          const [transport] = await createConnection(() => near, {
            host: "127.0.0.1",
            port: recording.port,
          });
          transport.write(data);
          return transport;
        }),
      );
      await recording.client(99);
      for (const client of recording.clients)
        await client.until(
          () => client.chunks.reduce((sum, { length }) => sum + length, 0) === 500_000,
        );

      const received = recording.clients.map((client) => digest(client.received));

      expect(received.toSorted()).toEqual(sent.map(digest).toSorted());
      for (const client of clients) client.abort();
    }),
  );
});
