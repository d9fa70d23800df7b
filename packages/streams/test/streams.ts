import net from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { once } from "node:events";
import { type Future, getRunningLoop } from "@aio/loop";
import type { Server } from "@aio/transports";
import { openConnection, startServer, type StreamReader, type StreamWriter } from "../src/index.ts";

/** Both ends of a connection. */
export interface Ends extends AsyncDisposable {
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly far: { readonly reader: StreamReader; readonly writer: StreamWriter };
  readonly server: Server;
}

/** A connection whose other end is in the same test. */
export async function openPair(limit?: number): Promise<Ends> {
  const accepted = getRunningLoop().createFuture<Ends["far"]>();
  const server = await startServer(
    (reader, writer) => {
      if (!accepted.done) accepted.setResult({ reader, writer });
    },
    {
      host: "127.0.0.1",
      port: 0,
      limit,
    },
  );
  const [reader, writer] = await openConnection({ host: "127.0.0.1", port: portOf(server), limit });
  const far = await accepted;
  return {
    reader,
    writer,
    far,
    server,
    [Symbol.asyncDispose]: async () => {
      writer.transport.abort();
      server.abortClients();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A server's end of a connection to a bare socket of Node, which reads nothing by itself. */
export async function acceptRaw(): Promise<{
  readonly peer: net.Socket;
  readonly reader: StreamReader;
  readonly writer: StreamWriter;
  readonly server: Server;
}> {
  const accepted: Future<Ends["far"]> = getRunningLoop().createFuture<Ends["far"]>();
  const server = await startServer(
    (reader, writer) => {
      if (!accepted.done) accepted.setResult({ reader, writer });
    },
    {
      host: "127.0.0.1",
      port: 0,
    },
  );
  const peer = net.connect({ host: "127.0.0.1", port: portOf(server), allowHalfOpen: true });
  peer.pause();
  peer.on("error", () => undefined);
  await once(peer, "connect");
  return { peer, server, ...(await accepted) };
}

export function portOf(server: Server): number {
  const [address] = server.sockets;
  if (address === undefined) throw new Error("the server is closed");
  return address.port;
}

/** Writes until the peer and the system take no more, and `drain()` waits. */
export function fill(writer: StreamWriter): void {
  const chunk = Buffer.alloc(1_048_576, "x");
  for (let i = 0; i < 64 && writer.transport.getWriteBufferSize() === 0; i += 1)
    writer.write(chunk);
}

/** Gives the host several turns: what was to come over the loopback has come. */
export async function quiet(): Promise<void> {
  for (let i = 0; i < 8; i += 1) await turn();
}
