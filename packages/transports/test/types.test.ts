import type { Operation } from "@aio/loop";
import type { TLSSocket } from "node:tls";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type BufferedProtocol,
  type Bytes,
  connectReadPipe,
  connectWritePipe,
  createConnection,
  createDatagramEndpoint,
  createServer,
  createUnixConnection,
  createUnixServer,
  type DatagramProtocol,
  type DatagramTransport,
  isConnectionError,
  type Protocol,
  type ReadTransport,
  type Server,
  type SocketAddress,
  startTls,
  type Transport,
  type TransportSocket,
  type WriteTransport,
} from "../src/index.ts";

// What the compiler infers, without an annotation by whoever calls. Checked by `tsc -b`; nothing here is called.

class Echo implements Protocol {
  readonly name = "echo";

  connectionMade(transport: Transport): void {
    transport.write(this.name);
  }
}

declare const transport: Transport;

/** Has the compiler check `body`, which is not called. */
function uncalled<T>(body: () => T): () => T {
  return body;
}

describe("The types", () => {
  test("of connections keep the protocol that the factory makes", () => {
    const connect = uncalled(() =>
      createConnection(() => new Echo(), { host: "127.0.0.1", port: 1 }),
    );
    expectTypeOf(connect).returns.toEqualTypeOf<
      Operation<[transport: Transport, protocol: Echo]>
    >();
    const connectUnix = uncalled(() => createUnixConnection(() => new Echo(), { path: "/tmp/x" }));
    expectTypeOf(connectUnix).returns.toEqualTypeOf<
      Operation<[transport: Transport, protocol: Echo]>
    >();
    expect(connect).toBeTypeOf("function");
  });

  test("of pipes know the one direction", () => {
    const read = uncalled(() => connectReadPipe(() => new Echo(), process.stdin));
    const write = uncalled(() => connectWritePipe(() => new Echo(), process.stdout));
    expectTypeOf(read).returns.toEqualTypeOf<
      Operation<[transport: ReadTransport, protocol: Echo]>
    >();
    expectTypeOf(write).returns.toEqualTypeOf<
      Operation<[transport: WriteTransport, protocol: Echo]>
    >();
    expectTypeOf<ReadTransport>().not.toHaveProperty("write");
    expectTypeOf<WriteTransport>().not.toHaveProperty("pauseReading");
    expect(read).toBeTypeOf("function");
  });

  test("of servers and endpoints", () => {
    const serve = uncalled(() => createServer(() => new Echo(), { port: 0 }));
    const serveUnix = uncalled(() => createUnixServer(() => new Echo(), { path: "/tmp/x" }));
    expectTypeOf(serve).returns.toEqualTypeOf<Operation<Server>>();
    expectTypeOf(serveUnix).returns.toEqualTypeOf<Operation<Server>>();
    class Ping implements DatagramProtocol {
      readonly seen: string[] = [];

      datagramReceived(data: Buffer): void {
        this.seen.push(data.toString());
      }
    }
    const open = uncalled(() =>
      createDatagramEndpoint(() => new Ping(), { localAddress: "127.0.0.1" }),
    );
    expectTypeOf(open).returns.toEqualTypeOf<
      Operation<[transport: DatagramTransport, protocol: Ping]>
    >();
    const upgrade = uncalled(() => startTls(transport, new Echo(), true));
    expectTypeOf(upgrade).returns.toEqualTypeOf<Operation<Transport>>();
    expect(open).toBeTypeOf("function");
  });

  test("of extra information depend on its name", () => {
    const info = uncalled(() => ({
      peer: transport.getExtraInfo("peername"),
      socket: transport.getExtraInfo("socket"),
      tls: transport.getExtraInfo("sslObject"),
      other: transport.getExtraInfo("anything else", 1),
    }));
    expectTypeOf(info).returns.toEqualTypeOf<{
      peer: SocketAddress | null;
      socket: TransportSocket | null;
      tls: TLSSocket | null;
      other: unknown;
    }>();
    expect(info).toBeTypeOf("function");
  });

  test("of protocols refuse what is none", () => {
    expectTypeOf<Bytes>().toEqualTypeOf<Uint8Array | string>();
    expectTypeOf<Transport["write"]>().parameter(0).toEqualTypeOf<Bytes>();
    const wrong = uncalled(() => {
      // @ts-expect-error a factory makes a protocol
      void createConnection(() => 1, { port: 1 });
      // @ts-expect-error a method of a protocol has the parameters of the interface
      void createConnection(() => ({ dataReceived: (data: number) => void data }), { port: 1 });
      // @ts-expect-error bytes or a string
      transport.write(1);
      // @ts-expect-error a server needs options for TLS, not a boolean
      void createServer(() => new Echo(), { port: 0, ssl: true });
    });
    expectTypeOf<BufferedProtocol["getBuffer"]>().toEqualTypeOf<(sizeHint: number) => Uint8Array>();
    expect(wrong).toBeTypeOf("function");
  });

  test("of isConnectionError tell that there is a code", () => {
    expectTypeOf(isConnectionError).guards.toEqualTypeOf<Error & { readonly code: string }>();
    expect(isConnectionError(null)).toBe(false);
  });
});
