// UDP: an endpoint that answers datagrams, and one that asks.

import { getRunningLoop } from "@aio/loop";
import { run, waitFor } from "@aio/task";
import {
  createDatagramEndpoint,
  type DatagramProtocol,
  type DatagramTransport,
  type SocketAddress,
} from "@aio/transports";

class Clock implements DatagramProtocol {
  #transport!: DatagramTransport;

  connectionMade(transport: DatagramTransport) {
    this.#transport = transport;
  }

  datagramReceived(data: Buffer, from: SocketAddress) {
    if (String(data) === "time?") this.#transport.sendTo("half past nine", from);
  }
}

await run(async () => {
  const [server] = await createDatagramEndpoint(() => new Clock(), {
    localAddress: "127.0.0.1",
    localPort: 0,
  });
  const answer = getRunningLoop().createFuture<string>();
  const [client] = await createDatagramEndpoint(
    () => ({ datagramReceived: (data) => answer.setResult(String(data)) }),
    { remoteAddress: "127.0.0.1", remotePort: server.getExtraInfo("sockname")?.port },
  );
  client.sendTo("time?");
  console.log(await waitFor(answer, 5_000)); // datagrams may get lost
  client.close();
  server.close();
});

// Output:
// half past nine
