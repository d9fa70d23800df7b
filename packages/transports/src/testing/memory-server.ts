import { Context, type EventLoop } from "@aio/loop";
import type { SocketAddress } from "../address.ts";
import { BaseServer } from "../base-server.ts";
import { checkProtocol, type ProtocolFactory } from "../protocol-factory.ts";
import { SocketTransport } from "../socket-transport.ts";
import { MemoryInfo } from "./memory-info.ts";
import type { MemorySocket } from "./memory-socket.ts";

/**
 * What listens in a {@link MemoryNetwork}: to its users the same as a `Server`.
 */
export class MemoryServer extends BaseServer {
  readonly #factory: ProtocolFactory;
  readonly #context = Context.capture();
  readonly #address: SocketAddress;
  readonly #stopListening: () => void;
  readonly #early: MemorySocket[] = [];

  /** A host of the network makes it. */
  constructor(
    loop: EventLoop,
    factory: ProtocolFactory,
    address: SocketAddress,
    stopListening: () => void,
  ) {
    super(loop);
    this.#factory = factory;
    this.#address = address;
    this.#stopListening = stopListening;
  }

  override get sockets(): readonly SocketAddress[] {
    return this.state === "closed" ? [] : [this.#address];
  }

  /** Takes a connection. For the network. */
  accept(socket: MemorySocket): void {
    if (this.state === "created") this.#early.push(socket);
    else this.#context.run(() => this.#serve(socket));
  }

  protected override acceptEarly(): void {
    for (const socket of this.#early.splice(0)) this.accept(socket);
  }

  protected override stopListening(): void {
    this.#stopListening();
    for (const socket of this.#early.splice(0)) socket.destroy();
  }

  #serve(socket: MemorySocket): void {
    const { loop } = this;
    try {
      const transport = new SocketTransport({
        loop,
        socket,
        protocol: checkProtocol(this.#factory()),
        context: Context.capture(),
        info: new MemoryInfo(socket),
        owner: this.owner,
      });
      transport.begin();
    } catch (exception) {
      socket.destroy();
      if (loop.debug)
        loop.callExceptionHandler({
          message: "Error on transport creation for incoming connection.",
          exception,
        });
    }
  }
}
