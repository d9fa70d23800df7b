import { createHash, randomBytes, randomInt } from "node:crypto";
import { isCancelled } from "@aio/loop";
import { gather, run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { openConnection, type StreamReader, type StreamWriter } from "../src/index.ts";
import { openPair, portOf } from "./streams.ts";

describe("openConnection", () => {
  test("fails as createConnection does", () =>
    run(async () => {
      const ends = await openPair();
      const port = portOf(ends.server);
      await ends[Symbol.asyncDispose]();

      await expect(openConnection({ host: "127.0.0.1", port })).rejects.toMatchObject({
        code: "ECONNREFUSED",
      });
      expect(() => openConnection({ host: "127.0.0.1" })).toThrow(RangeError);
      expect(() => openConnection({ host: "127.0.0.1", port, limit: 0 })).toThrow(RangeError);
    }));

  test("can be cancelled", () =>
    run(async () => {
      await using ends = await openPair();
      const connecting = openConnection({ host: "127.0.0.1", port: portOf(ends.server) });

      connecting.cancel();

      await expect(connecting).rejects.toSatisfy(isCancelled);
    }));

  test("obeys the limit that it is given", () =>
    run(async () => {
      await using ends = await openPair(8);

      ends.writer.write("a line that is long\nshort\n");

      await expect(ends.far.reader.readline()).rejects.toThrow(/limit of 8 bytes/);
      expect(String(await ends.far.reader.readline())).toBe("short\n");
    }));

  test("carries a mebibyte both ways, whatever the chunks", () =>
    run(async () => {
      await using ends = await openPair();

      await gather(
        () => send(ends.writer),
        () => send(ends.far.writer),
        () => receive(ends.reader),
        () => receive(ends.far.reader),
      );

      expect(ends.reader.atEof()).toBe(true);
    }));
});

const SIZE = 1_048_576;

/** Sends a mebibyte, then its digest, then EOF. */
async function send(writer: StreamWriter): Promise<void> {
  const data = randomBytes(SIZE);
  for (let start = 0; start < SIZE;) {
    const end = Math.min(SIZE, start + randomInt(1, 100_000));
    writer.write(data.subarray(start, end));
    await writer.drain();
    start = end;
  }
  writer.write(digest(data));
  writer.writeEof();
}

async function receive(reader: StreamReader): Promise<void> {
  const chunks: Buffer[] = [];
  let left = SIZE;
  while (left > 0) {
    const size = Math.min(left, randomInt(1, 200_000));
    const chunk = await (randomInt(2) === 0 ? reader.read(size) : reader.readexactly(size));
    chunks.push(chunk);
    left -= chunk.length;
  }
  const rest = await reader.read();
  expect(rest.equals(digest(Buffer.concat(chunks)))).toBe(true);
}

function digest(data: Buffer): Buffer {
  return createHash("sha256").update(data).digest();
}
