import { createHash } from "node:crypto";
import { isCancelled } from "@aio/loop";
import { createTask, gather, run, yieldNow } from "@aio/task";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { IncompleteReadError, LimitOverrunError, StreamReader } from "../src/index.ts";
import { openPair } from "./streams.ts";

describe("Whatever the chunks", () => {
  test("every way of reading gives what it would give of the whole", () =>
    fc.assert(
      fc.asyncProperty(chunks, fc.array(way, { maxLength: 30 }), async (list, ways) => {
        const { rest, told } = await run(async () => {
          const reader = new StreamReader();
          const feeding = createTask(() => feed(reader, list));
          const outcomes: { way: Way; data: Buffer }[] = [];
          for (const each of ways) outcomes.push({ way: each, data: await readBy(reader, each) });
          const remaining = await reader.read();
          await feeding;
          return { rest: remaining, told: outcomes };
        });

        let whole = Buffer.concat(list);
        for (const { way: how, data } of told) {
          expect(data).toEqual(expectedOf(whole, how, data.length));
          whole = whole.subarray(data.length);
        }
        expect(rest).toEqual(whole);
      }),
    ));

  test("a limit that is overrun loses nothing", () =>
    fc.assert(
      fc.asyncProperty(
        chunks,
        separators,
        fc.integer({ min: 1, max: 20 }),
        async (list, seps, limit) => {
          const skips: Buffer[] = [];
          const records: Buffer[] = [];
          const read = await run(async () => {
            const reader = new StreamReader({ limit });
            void createTask(() => feed(reader, list));
            const parts: Buffer[] = [];
            while (!reader.atEof()) {
              try {
                records.push(await reader.readuntil(seps));
                parts.push(...records.slice(-1));
              } catch (error) {
                if (error instanceof IncompleteReadError) parts.push(error.partial);
                else if (error instanceof LimitOverrunError) {
                  const skipped = await reader.readexactly(error.consumed);
                  skips.push(skipped);
                  parts.push(skipped);
                } else throw error;
              }
            }
            return Buffer.concat(parts);
          });

          expect(read).toEqual(Buffer.concat(list));
          expect(records.every((record) => record.length <= limit + 3)).toBe(true);
          expect(skips.every((skipped) => skipped.length > limit)).toBe(true);
          expect(
            skips.filter((skip) => seps.some((separator) => skip.includes(separator))),
          ).toEqual([]);
        },
      ),
    ));

  test("reads that are cancelled at any moment lose nothing", () =>
    fc.assert(
      fc.asyncProperty(
        chunks,
        fc.array(fc.tuple(way, fc.nat({ max: 4 })), { maxLength: 30 }),
        async (list, attempts) => {
          const read = await run(async () => {
            const reader = new StreamReader();
            const feeding = createTask(() => feed(reader, list));
            const parts: Buffer[] = [];
            for (const [each, turns] of attempts) {
              const reading = createTask(() => readBy(reader, each));
              for (let i = 0; i < turns; i += 1) await yieldNow();
              reading.cancel();
              try {
                parts.push(await reading);
              } catch (error) {
                if (!isCancelled(error)) throw error;
              }
            }
            parts.push(await reader.read());
            await feeding;
            return Buffer.concat(parts);
          });

          expect(read).toEqual(Buffer.concat(list));
        },
      ),
    ));

  test("a connection gives every byte once, in both directions at a time", () =>
    fc.assert(
      fc.asyncProperty(
        sizes,
        sizes,
        fc.integer({ min: 1, max: 70_000 }),
        async (there, back, limit) => {
          await run(async () => {
            await using ends = await openPair(limit);
            const near = { reader: ends.reader, writer: ends.writer };
            const hashes = await gather(
              () => send(ends.writer, there, 1),
              () => receive(ends.far.reader, back.length),
              () => send(ends.far.writer, back, 2),
              () => receive(near.reader, there.length),
            );

            expect(hashes[1]).toBe(hashes[0]);
            expect(hashes[3]).toBe(hashes[2]);
          });
        },
      ),
      { numRuns: 25 },
    ));
});

type Way =
  | { readonly method: "read"; readonly size: number }
  | { readonly method: "readexactly"; readonly size: number }
  | { readonly method: "readline" }
  | { readonly method: "readuntil"; readonly separators: readonly string[] };

// Few letters, so that separators are found in all places, also across chunks.
const letters = fc.constantFrom("a", "b", "\n");
const chunks = fc.array(
  fc.string({ unit: letters, minLength: 1, maxLength: 12 }).map((text) => Buffer.from(text)),
  { maxLength: 20 },
);
const separators = fc.array(fc.string({ unit: letters, minLength: 1, maxLength: 3 }), {
  minLength: 1,
  maxLength: 3,
});
const way: fc.Arbitrary<Way> = fc.oneof(
  fc.record({ method: fc.constant("read" as const), size: fc.nat({ max: 30 }) }),
  fc.record({ method: fc.constant("readexactly" as const), size: fc.nat({ max: 30 }) }),
  fc.record({ method: fc.constant("readline" as const) }),
  fc.record({ method: fc.constant("readuntil" as const), separators }),
);
const sizes = fc.array(fc.integer({ min: 1, max: 200_000 }), { maxLength: 10 });

/** Feeds the chunks, sometimes two in one turn of the loop. */
async function feed(reader: StreamReader, list: readonly Buffer[]): Promise<void> {
  for (const [index, chunk] of list.entries()) {
    reader.feedData(Buffer.from(chunk));
    if (index % 3 > 0) await yieldNow();
  }
  reader.feedEof();
}

/** Reads; what comes before an early end counts as read. */
async function readBy(reader: StreamReader, how: Way): Promise<Buffer> {
  try {
    switch (how.method) {
      case "readline":
        return await reader.readline();
      case "readuntil":
        return await reader.readuntil(how.separators);
      case "read":
      case "readexactly":
        return await reader[how.method](how.size);
    }
  } catch (error) {
    if (error instanceof IncompleteReadError) return error.partial;
    throw error;
  }
}

/** What a read gives when all of `whole` is there; as much as it gave for `read`, but something, unless it is the end. */
function expectedOf(whole: Buffer, how: Way, given: number): Buffer {
  if (how.method === "read") return whole.subarray(0, Math.min(Math.max(1, given), how.size));
  if (how.method === "readexactly") return whole.subarray(0, how.size);
  const list = how.method === "readline" ? ["\n"] : how.separators;
  for (let end = 1; end <= whole.length; end += 1) {
    const read = whole.subarray(0, end);
    if (list.some((separator) => read.toString().endsWith(separator))) return read;
  }
  return whole;
}

/** Writes chunks of the given sizes, and ends. Returns the checksum. */
async function send(
  writer: Awaited<ReturnType<typeof openPair>>["writer"],
  list: readonly number[],
  seed: number,
): Promise<string> {
  const hash = createHash("sha256");
  for (const [index, size] of list.entries()) {
    const chunk = createHash("shake128", { outputLength: size })
      .update(`${seed} ${index}`)
      .digest();
    hash.update(chunk);
    writer.write(chunk);
    if (index % 2 === 0) await writer.drain();
  }
  writer.writeEof();
  return hash.digest("hex");
}

/** Reads to the end, by all methods in turn. Returns the checksum. */
async function receive(reader: StreamReader, offset: number): Promise<string> {
  const hash = createHash("sha256");
  for (let turn = offset; !reader.atEof(); turn += 1) {
    const how: Way =
      turn % 2 === 0
        ? { method: "read", size: 1 + ((turn * 7_919) % 100_000) }
        : { method: "readexactly", size: 1 + ((turn * 104_729) % 50_000) };
    hash.update(await readBy(reader, how));
  }
  return hash.digest("hex");
}
