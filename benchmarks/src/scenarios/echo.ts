import { once } from "node:events";
import { type AddressInfo, createServer as createNodeServer, type Socket } from "node:net";
import { startServer, type StreamReader, type StreamWriter } from "@aio/streams";
import { run } from "@aio/task";
import { createServer, type Protocol, type Server, type Transport } from "@aio/transports";
import type { Implementation, Probe, Scenario } from "../scenario.ts";

const implementations: Readonly<Record<string, Implementation>> = {
  "node:net data": { body: data },
  "node:net for await": { body: forAwait },
  "aio Protocol": { body: protocol },
  "aio streams": { body: streams },
  "asyncio Protocol": { body: { loop: "asyncio", server: "protocol" } },
  "asyncio streams": { body: { loop: "asyncio", server: "streams" } },
  "uvloop Protocol": { body: { loop: "uvloop", server: "protocol" } },
  "uvloop streams": { body: { loop: "uvloop", server: "streams" } },
};

/** An echo server under load. */
export const echoFifty: Scenario = {
  id: "8a",
  title: "TCP echo, lines of 64 bytes, 50 connections: CPU of the server",
  metric: "cpu",
  operations: 100_000,
  connections: 50,
  implementations: {
    ...implementations,
    "aio Protocol": { body: protocol, target: 0.95 },
    "aio streams": { body: streams, target: 1.05 },
  },
};

/** The same with one request under way at a time: latency counts. */
export const echoOne: Scenario = {
  id: "8a-1",
  title: "TCP echo, lines of 64 bytes, 1 connection: CPU of the server",
  metric: "cpu",
  operations: 30_000,
  connections: 1,
  implementations,
};

function data(_n: number, { load }: Probe): Promise<number> {
  return serve(load, (socket) => {
    socket.on("data", (chunk) => socket.write(chunk));
  });
}

function forAwait(_n: number, { load }: Probe): Promise<number> {
  return serve(load, (socket) => void echoChunks(socket));
}

async function echoChunks(socket: Socket): Promise<void> {
  for await (const chunk of socket) socket.write(chunk as Buffer);
}

function protocol(_n: number, { load }: Probe): Promise<number> {
  return run(async () => serveOurs(load, await createServer(() => new Echo(), ADDRESS)));
}

function streams(_n: number, { load }: Probe): Promise<number> {
  return run(async () => serveOurs(load, await startServer(echoLines, ADDRESS)));
}

const ADDRESS = { host: "127.0.0.1", port: 0 };

class Echo implements Protocol {
  #transport: Transport | null = null;

  connectionMade(transport: Transport): void {
    this.#transport = transport;
  }

  dataReceived(chunk: Buffer): void {
    this.#transport?.write(chunk);
  }
}

async function echoLines(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for (let line = await reader.readline(); line.length > 0; line = await reader.readline()) {
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

async function serveOurs(load: Probe["load"], server: Server): Promise<number> {
  const echoed = await load(server.sockets[0]?.port ?? 0);
  server.close();
  return echoed;
}

async function serve(load: Probe["load"], onConnection: (socket: Socket) => void): Promise<number> {
  const server = createNodeServer(onConnection);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const echoed = await load((server.address() as AddressInfo).port);
  server.close();
  return echoed;
}
