import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Future, getRunningLoop } from "@aio/loop";
import {
  type ClientConnectedCallback,
  openConnection,
  openUnixConnection,
  startServer,
  startUnixServer,
} from "@aio/streams";
import { createDatagramEndpoint, type Server } from "@aio/transports";
import { clientTls, serverTls } from "./certificate.ts";
import { DatagramPlayer } from "./datagram-player.ts";
import type { Address, Listening, Part, Record } from "./script.ts";
import { StreamPlayer } from "./stream-player.ts";

/** Has our streams listen. Returns where, and what they will have seen. */
export async function serve(part: Part): Promise<Listening> {
  if (part.over === "udp") return serveDatagrams(part);
  const accepted: Future<StreamPlayer> = getRunningLoop().createFuture<StreamPlayer>();
  const { server, address } = await listen(part, (reader, writer) =>
    accepted.setResult(new StreamPlayer(reader, writer)),
  );
  const record = async (): Promise<Record> => {
    const player = await accepted;
    server.close();
    return await player.play(part.steps);
  };
  return { address, record };
}

/** Has our streams connect. Returns what they have seen. */
export async function connect({ over, limit, steps }: Part, address: Address): Promise<Record> {
  if (over === "udp") {
    const remote = { remoteAddress: "127.0.0.1", remotePort: Number(address) };
    const [, player] = await createDatagramEndpoint(() => new DatagramPlayer(), remote);
    return await player.play(steps);
  }
  const tcp = { host: "127.0.0.1", port: Number(address), limit };
  const ends = await (over === "unix"
    ? openUnixConnection({ path: String(address), limit })
    : openConnection(over === "tls" ? { ...tcp, ...clientTls } : tcp));
  return await new StreamPlayer(...ends).play(steps);
}

async function serveDatagrams({ steps }: Part): Promise<Listening> {
  const local = { localAddress: "127.0.0.1", localPort: 0 };
  const [transport, player] = await createDatagramEndpoint(() => new DatagramPlayer(), local);
  const address = transport.getExtraInfo("sockname")?.port ?? 0;
  return { address, record: () => player.play(steps) };
}

async function listen(
  { over, limit }: Part,
  connected: ClientConnectedCallback,
): Promise<{ server: Server; address: Address }> {
  if (over === "unix") {
    const path = join(mkdtempSync(join(tmpdir(), "conversation-")), "socket");
    return { server: await startUnixServer(connected, { path, limit }), address: path };
  }
  const tcp = { host: "127.0.0.1", port: 0, limit };
  const server = await startServer(connected, over === "tls" ? { ...tcp, ssl: serverTls } : tcp);
  return { server, address: server.sockets[0]?.port ?? 0 };
}
