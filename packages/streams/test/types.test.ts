import type { Readable, Writable } from "node:stream";
import type { ReadableStream, WritableStream } from "node:stream/web";
import type { Operation } from "@aio/loop";
import type { Bytes, SocketAddress } from "@aio/transports";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  openConnection,
  openUnixConnection,
  type Server,
  startServer,
  startUnixServer,
  StreamReader,
  StreamWriter,
} from "../src/index.ts";

// What the compiler infers, without an annotation by whoever calls. Checked by `tsc -b`; nothing here is called.

declare const reader: StreamReader;
declare const writer: StreamWriter;

/** Has the compiler check `body`, which is not called. */
function uncalled<T>(body: () => T): () => T {
  return body;
}

describe("The types", () => {
  test("of connections give both ends", () => {
    const open = uncalled(() => openConnection({ host: "127.0.0.1", port: 1 }));
    const openUnix = uncalled(() => openUnixConnection({ path: "/tmp/x" }));
    expectTypeOf(open).returns.toEqualTypeOf<
      Operation<[reader: StreamReader, writer: StreamWriter]>
    >();
    expectTypeOf(openUnix).returns.toEqualTypeOf<ReturnType<typeof open>>();
    expect(open).toBeTypeOf("function");
  });

  test("of servers tell the callback what it gets", () => {
    const serve = uncalled(() =>
      startServer(
        async (near, to) => {
          expectTypeOf(near).toEqualTypeOf<StreamReader>();
          expectTypeOf(to).toEqualTypeOf<StreamWriter>();
        },
        { port: 0 },
      ),
    );
    expectTypeOf(serve).returns.toEqualTypeOf<Operation<Server>>();
    const serveUnix = uncalled(() => startUnixServer(() => undefined, { path: "/tmp/x" }));
    expectTypeOf(serveUnix).returns.toEqualTypeOf<Operation<Server>>();
    const wrong = uncalled(() => {
      // @ts-expect-error a callback gets a reader first
      void startServer((number: number) => number, { port: 0 });
      // @ts-expect-error where to connect to must be said
      void openConnection();
    });
    expect(wrong).toBeTypeOf("function");
  });

  test("of reads are buffers, and of lines, too", () => {
    expectTypeOf<StreamReader["read"]>().returns.toEqualTypeOf<Operation<Buffer>>();
    expectTypeOf<StreamReader["readline"]>().returns.toEqualTypeOf<Operation<Buffer>>();
    expectTypeOf<StreamReader["readexactly"]>().returns.toEqualTypeOf<Operation<Buffer>>();
    expectTypeOf<StreamReader["readuntil"]>().returns.toEqualTypeOf<Operation<Buffer>>();
    expectTypeOf<StreamReader["readuntil"]>()
      .parameter(0)
      .toEqualTypeOf<Bytes | readonly Bytes[] | undefined>();
    const lines = uncalled(async () => {
      for await (const line of reader) expectTypeOf(line).toEqualTypeOf<Buffer>();
    });
    expect(lines).toBeTypeOf("function");
  });

  test("of writes wait only where they say so", () => {
    expectTypeOf<StreamWriter["write"]>().toEqualTypeOf<(data: Bytes) => void>();
    expectTypeOf<StreamWriter["drain"]>().returns.toEqualTypeOf<Operation<void>>();
    expectTypeOf<StreamWriter["waitClosed"]>().returns.toEqualTypeOf<Operation<void>>();
    const peer = uncalled(() => writer.getExtraInfo("peername"));
    expectTypeOf(peer).returns.toEqualTypeOf<SocketAddress | null>();
    expectTypeOf<StreamWriter>().toExtend<AsyncDisposable>();
    expect(peer).toBeTypeOf("function");
  });

  test("of other streams, from and to", () => {
    expectTypeOf<StreamReader["toReadable"]>().returns.toEqualTypeOf<Readable>();
    expectTypeOf<StreamReader["toWeb"]>().returns.toEqualTypeOf<ReadableStream<Uint8Array>>();
    expectTypeOf<StreamWriter["toWritable"]>().returns.toEqualTypeOf<Writable>();
    expectTypeOf<StreamWriter["toWeb"]>().returns.toEqualTypeOf<WritableStream<Uint8Array>>();
    expectTypeOf<(typeof StreamReader)["from"]>().returns.toEqualTypeOf<StreamReader>();
    const wrong = uncalled(() => {
      // @ts-expect-error a source gives bytes
      StreamReader.from([1, 2]);
      // @ts-expect-error a sink takes bytes
      StreamWriter.from(reader);
    });
    expect(wrong).toBeTypeOf("function");
  });
});
