import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer as createNodeServer } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";

import { startServer } from "@aio/streams";
import { run } from "@aio/task";
import { type BufferedProtocol, createServer, type Protocol, type Server } from "@aio/transports";
import type { Probe, Scenario } from "../scenario.ts";

/** Connections that say nothing. Needs as many open files: `ulimit -n`. */
export const idleConnections: Scenario = {
  id: "8c",
  title: "10,000 idle connections: resident bytes each, of the server",
  metric: "bytes",
  operations: 10_000,
  implementations: {
    "node:net data": { body: bare },
    "aio Protocol": { body: (n, probe) => ours(n, probe, () => ({ dataReceived: ignore })) },
    "aio BufferedProtocol": { body: (n, probe) => ours(n, probe, () => new Sink()) },
    "aio streams": { body: streams },
  },
};

function ignore(): void {
  // Nothing comes.
}

/** All connections share the memory that nothing is read into. */
class Sink implements BufferedProtocol {
  static readonly #buffer = Buffer.alloc(1_024);

  getBuffer(): Buffer {
    return Sink.#buffer;
  }

  bufferUpdated(): void {
    ignore();
  }
}

async function bare(n: number, probe: Probe): Promise<number> {
  let open = 0;
  const server = createNodeServer((socket) => {
    open += 1;
    socket.on("data", ignore);
    socket.on("error", ignore);
  });
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1_000 });
  await once(server, "listening");
  await connected((server.address() as AddressInfo).port, n, probe, () => open === n);
  server.close();
  return open;
}

function ours(
  n: number,
  probe: Probe,
  factory: () => Protocol | BufferedProtocol,
): Promise<number> {
  return run(async () => {
    let open = 0;
    const make = (): Protocol | BufferedProtocol => {
      open += 1;
      return factory();
    };
    const server = await createServer(make, { host: "127.0.0.1", port: 0, backlog: 1_000 });
    await connectedTo(server, n, probe, () => open === n);
    return open;
  });
}

function streams(n: number, probe: Probe): Promise<number> {
  return run(async () => {
    let open = 0;
    const options = { host: "127.0.0.1", port: 0, backlog: 1_000 };
    const server = await startServer(async (reader, writer) => {
      open += 1;
      await reader.read(1);
      writer.close();
    }, options);
    await connectedTo(server, n, probe, () => open === n);
    return open;
  });
}

async function connectedTo(
  server: Server,
  n: number,
  probe: Probe,
  allOpen: () => boolean,
): Promise<void> {
  await connected(server.sockets[0]?.port ?? 0, n, probe, allOpen);
  server.close();
  await server.waitClosed();
}

// Run by a child: opens connections, fifty at a time, says so, and ends them when its input ends.
const CLIENTS = `
const net = require("node:net");
const { once } = require("node:events");
(async () => {
  const [port, n] = process.argv.slice(1).map(Number);
  const one = async () => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
  };
  for (let i = 0; i < n; i += 50) await Promise.all(Array.from({ length: Math.min(50, n - i) }, one));
  console.log("open");
  process.stdin.resume().on("end", () => process.exit());
})();`;

/** Has a process of its own hold `n` connections to `port` while memory is measured. */
async function connected(
  port: number,
  n: number,
  { parked }: Probe,
  allOpen: () => boolean,
): Promise<void> {
  const args = ["-e", CLIENTS, String(port), String(n)];
  const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
  const exit = once(child, "exit");
  await Promise.race([once(child.stdout, "data"), exit]);
  while (!allOpen()) await nextTurn(); // the last are still to be accepted
  parked();
  child.stdin.end();
  await exit;
}
