import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Load } from "./load.ts";

// Run as a process of its own: load-generator.ts PORT CONNECTIONS SIZE REQUESTS.
const [port = 0, connections = 1, size = 64, requests = 1] = process.argv.slice(2).map(Number);
const MESSAGE = Buffer.from(`${"x".repeat(size - 1)}\n`);

/** How long each request took, in milliseconds. */
let latencies: number[] = [];

/** One connection with one message under way at a time. */
class Client {
  /** Called for each message that came back. Returns whether to send another. */
  onEcho: () => boolean = () => false;
  readonly #socket: Socket;
  #missing = 0;
  #sent = 0;

  constructor() {
    // With `onread` a read costs no buffer: the client must be cheaper than any server.
    const onread = {
      buffer: Buffer.alloc(65_536),
      callback: (bytes: number, buffer: Uint8Array) => this.#read(bytes, buffer),
    };
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true, onread });
  }

  async connected(): Promise<void> {
    await once(this.#socket, "connect");
  }

  send(): void {
    this.#missing = size;
    this.#sent = performance.now();
    this.#socket.write(MESSAGE);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: number, buffer: Uint8Array): boolean {
    const start = size - this.#missing;
    if (bytes > this.#missing || MESSAGE.compare(buffer, 0, bytes, start, start + bytes) !== 0)
      throw new Error(`Expected the message back, got ${bytes} bytes`);
    this.#missing -= bytes;
    if (this.#missing > 0) return true;
    latencies.push(performance.now() - this.#sent);
    if (this.onEcho()) this.send();
    return true;
  }
}

/** Sends `count` messages over all clients, each sending the next when the last has come back. */
async function echo(clients: readonly Client[], count: number): Promise<number> {
  let sent = Math.min(clients.length, count);
  let echoed = 0;
  await new Promise<void>((resolve) => {
    for (const client of clients) {
      client.onEcho = () => {
        echoed += 1;
        if (echoed === count) resolve();
        if (sent === count) return false;
        sent += 1;
        return true;
      };
    }
    for (const client of clients.slice(0, sent)) client.send();
  });
  return echoed;
}

/** Returns what `share` of the requests took at most, in nanoseconds. */
function percentile(share: number): number {
  const sorted = latencies.toSorted((one, other) => one - other);
  return Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 1e6);
}

const clients = Array.from({ length: connections }, () => new Client());
await Promise.all(clients.map((client) => client.connected()));
await echo(clients, Math.ceil(requests / 3));
console.log("ready");
await once(process.stdin, "data");
latencies = [];
const cpuStart = process.cpuUsage();
const echoed = await echo(clients, requests);
const { user, system } = process.cpuUsage(cpuStart);
const latency = [percentile(0.5), percentile(0.99)] as const;
console.log(JSON.stringify({ echoed, cpu: (user + system) * 1_000, latency } satisfies Load));
for (const client of clients) client.close();
process.stdin.destroy();
