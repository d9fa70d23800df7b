// A protocol: a transport calls it with what happens on the connection.

import { Event } from "@aio/sync";
import { run } from "@aio/task";
import { createConnection, createServer, type Protocol, type Transport } from "@aio/transports";

class Shout implements Protocol {
  #transport!: Transport;

  connectionMade(transport: Transport) {
    this.#transport = transport;
    console.log("server: connected");
  }

  dataReceived(data: Buffer) {
    this.#transport.write(String(data).toUpperCase());
  }

  connectionLost(error: Error | null) {
    console.log(`server: lost, ${error ?? "as agreed"}`);
  }
}

class Client implements Protocol {
  readonly answered = new Event();

  connectionMade(transport: Transport) {
    transport.write("hello");
  }

  dataReceived(data: Buffer) {
    console.log(`client: ${data.toString()}`);
    this.answered.set();
  }
}

await run(async () => {
  const server = await createServer(() => new Shout(), { host: "127.0.0.1", port: 0 });
  // Methods of asyncio's loop are functions here, which act on the running loop.
  const [transport, client] = await createConnection(() => new Client(), {
    host: "127.0.0.1",
    port: server.sockets[0]?.port,
  });
  await client.answered.wait();
  transport.close();
  server.close();
  await server.waitClosed();
});

// Output:
// server: connected
// client: HELLO
// server: lost, as agreed
