// Flow control: a protocol that writes no more than the other side reads.

import { Event } from "@aio/sync";
import { run, sleep } from "@aio/task";
import { createConnection, createServer, type Protocol, type Transport } from "@aio/transports";

const CHUNK = Buffer.alloc(65_536);
const CHUNKS = 256; // 16 MiB

/** Sends chunks, but only while the transport takes them. */
class Source implements Protocol {
  #transport!: Transport;
  #left = CHUNKS;
  #isPaused = false;
  pauses = 0;
  largest = 0;

  connectionMade(transport: Transport) {
    this.#transport = transport;
    this.#send();
  }

  pauseWriting() {
    this.#isPaused = true;
    this.pauses += 1;
  }

  resumeWriting() {
    this.#isPaused = false;
    this.#send();
  }

  #send() {
    while (!this.#isPaused && this.#left > 0) {
      this.#left -= 1;
      this.#transport.write(CHUNK);
      this.largest = Math.max(this.largest, this.#transport.getWriteBufferSize());
    }
    if (this.#left === 0) this.#transport.close(); // does nothing the second time
  }
}

/** Counts what comes, and says when all is there. */
class Sink implements Protocol {
  readonly ended = new Event();
  received = 0;

  dataReceived(data: Buffer) {
    this.received += data.length;
  }

  connectionLost() {
    this.ended.set();
  }
}

await run(async () => {
  const source = new Source();
  const server = await createServer(() => source, { host: "127.0.0.1", port: 0 });
  const [transport, sink] = await createConnection(() => new Sink(), {
    host: "127.0.0.1",
    port: server.sockets[0]?.port,
  });
  transport.pauseReading();
  while (source.pauses === 0) await sleep(1);
  console.log("the reader pauses, so the writer had to");
  transport.resumeReading();
  await sink.ended.wait();
  console.log(`received ${sink.received / 2 ** 20} MiB`);
  console.log(`never held more than 128 KiB: ${source.largest <= 2 * CHUNK.length}`);
  server.close();
});

// Output:
// the reader pauses, so the writer had to
// received 16 MiB
// never held more than 128 KiB: true
