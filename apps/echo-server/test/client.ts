import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

/** A client of the echo server, connected until the test is over. */
export class Client {
  readonly socket: Socket;
  /** What the server calls it. */
  readonly name: string;
  /** Fulfilled when the connection is gone, in whatever way. */
  readonly gone: Promise<void>;
  #lines: AsyncIterator<string, undefined> | undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.name = `${socket.localAddress}:${socket.localPort}`;
    this.gone = new Promise((resolve) => void socket.once("close", () => resolve()));
    socket.on("error", () => undefined); // a reset is one way to be gone
  }

  static async connect({ port }: { port: number }): Promise<Client> {
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    await once(socket, "connect");
    return new Client(socket);
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** The next line from the server; undefined when it has hung up. */
  async line(): Promise<string | undefined> {
    this.#lines ??= createInterface(this.socket)[Symbol.asyncIterator]();
    return (await this.#lines.next()).value;
  }

  /** Sends a line and returns the answer. */
  ask(line: string): Promise<string | undefined> {
    this.send(`${line}\n`);
    return this.line();
  }
}
