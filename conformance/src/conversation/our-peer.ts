import { type Future, getRunningLoop } from "@aio/loop";
import { openConnection, startServer } from "@aio/streams";
import type { Address, Listening, Part, Record } from "./script.ts";
import { StreamPlayer } from "./stream-player.ts";

/** Has our streams listen. Returns where, and what they will have seen. */
export async function serve(part: Part): Promise<Listening> {
  const accepted: Future<StreamPlayer> = getRunningLoop().createFuture<StreamPlayer>();
  const { limit } = part;
  const server = await startServer(
    (reader, writer) => accepted.setResult(new StreamPlayer(reader, writer)),
    { host: "127.0.0.1", port: 0, limit },
  );
  const record = async (): Promise<Record> => {
    const player = await accepted;
    server.close();
    return await player.play(part.steps);
  };
  return { address: server.sockets[0]?.port ?? 0, record };
}

/** Has our streams connect. Returns what they have seen. */
export async function connect(part: Part, address: Address): Promise<Record> {
  const { limit } = part;
  const ends = await openConnection({ host: "127.0.0.1", port: Number(address), limit });
  return await new StreamPlayer(...ends).play(part.steps);
}
