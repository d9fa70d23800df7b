// A chat server: what one client says in a line, all others read. Try: nc 127.0.0.1 8000

import { parseArgs } from "node:util";
import { getRunningLoop } from "@aio/loop";
import { startServer } from "@aio/streams";
import { Event } from "@aio/sync";
import { moveOnAfter, run } from "@aio/task";
import { formatAddress } from "@aio/transports";
import { serveMember } from "./member.ts";
import { Room } from "./room.ts";

const { values } = parseArgs({
  options: {
    host: { type: "string", default: "127.0.0.1" },
    port: { type: "string", default: "8000" },
  },
});

await run(async () => {
  const stop = new Event();
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    getRunningLoop().addSignalHandler(signal, () => stop.set());

  const room = new Room();
  const server = await startServer((reader, writer) => serveMember(room, reader, writer), {
    host: values.host,
    port: Number(values.port),
    limit: 1_000, // bytes a line may have
  });
  for (const { address, port } of server.sockets)
    console.log(`listening on ${formatAddress(address, port)}`);

  await stop.wait();
  server.close();
  room.close(); // each member is sent what is left for it, and the goodbye
  await moveOnAfter(1_000, () => server.waitClosed());
  server.abortClients(); // those who do not read
});
