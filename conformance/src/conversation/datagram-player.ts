import { type Future, getRunningLoop, toError } from "@aio/loop";
import type { DatagramProtocol, DatagramTransport, SocketAddress } from "@aio/transports";
import { play } from "./play.ts";
import { type Payload, payload, type Record, show, type Step } from "./script.ts";

/** One end of an exchange of datagrams, on our transports. Its methods are the steps; `Datagrams` of peer.py has the same. */
export class DatagramPlayer implements DatagramProtocol {
  readonly #received: Buffer[] = [];
  #arrival: Future<void> | null = null;
  #transport: DatagramTransport | null = null;
  #peer: SocketAddress | null = null;

  /** Plays `steps`, and closes. */
  async play(steps: readonly Step[]): Promise<Record> {
    const record = await play(this, steps, (error) => {
      throw toError(error);
    });
    this.#transport?.close();
    return record;
  }

  connectionMade(transport: DatagramTransport): void {
    this.#transport = transport;
  }

  datagramReceived(data: Buffer, from: SocketAddress): void {
    this.#peer = from;
    this.#received.push(data);
    const arrival = this.#arrival;
    this.#arrival = null;
    arrival?.setResult(undefined);
  }

  send(data: Payload): void {
    const isConnected = this.#transport?.getExtraInfo("peername") !== null;
    this.#transport?.sendTo(payload(data), isConnected ? undefined : this.#peer);
  }

  async receive(): Promise<object> {
    while (this.#received.length === 0) {
      this.#arrival ??= getRunningLoop().createFuture<void>();
      await this.#arrival;
    }
    return show(this.#received.shift() ?? Buffer.alloc(0));
  }
}
