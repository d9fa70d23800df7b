import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Load } from "./load.ts";

// Run as a process of its own: load-generator.ts PORT CONNECTIONS REQUESTS.
const [port = 0, connections = 1, requests = 1] = process.argv.slice(2).map(Number);
const LINE = Buffer.from(`${"x".repeat(63)}\n`);

/** One connection with one line under way at a time. */
class Client {
  /** Called for each line that came back. Returns whether to send another. */
  onEcho: () => boolean = () => false;
  readonly #socket: Socket;
  #missing = 0;

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
    this.#missing = LINE.length;
    this.#socket.write(LINE);
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(bytes: number, buffer: Uint8Array): boolean {
    const start = LINE.length - this.#missing;
    if (bytes > this.#missing || LINE.compare(buffer, 0, bytes, start, start + bytes) !== 0)
      throw new Error(`Expected the line back, got ${bytes} bytes`);
    this.#missing -= bytes;
    if (this.#missing === 0 && this.onEcho()) this.send();
    return true;
  }
}

/** Sends `count` lines over all clients, each sending the next when the last has come back. */
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

const clients = Array.from({ length: connections }, () => new Client());
await Promise.all(clients.map((client) => client.connected()));
await echo(clients, Math.ceil(requests / 3));
console.log("ready");
await once(process.stdin, "data");
const cpuStart = process.cpuUsage();
const echoed = await echo(clients, requests);
const { user, system } = process.cpuUsage(cpuStart);
console.log(JSON.stringify({ echoed, cpu: (user + system) * 1_000 } satisfies Load));
for (const client of clients) client.close();
process.stdin.destroy();
