import type { TLSSocket } from "node:tls";
import { inspect } from "node:util";
import { Context, type EventLoop, log } from "@aio/loop";
import { type ConnectionInfo, type Ends, SocketInfo } from "./connection-info.ts";
import type { Plug } from "./inlet.ts";
import type { StreamProtocol } from "./protocol.ts";
import { checkProtocol, type ProtocolFactory } from "./protocol-factory.ts";
import type { ConnectionParts } from "./connection.ts";
import { SocketTransport } from "./socket-transport.ts";
import type { Tls } from "./tls.ts";
import { TlsInfo } from "./tls-info.ts";
import type { Transport } from "./transport.ts";

/** How a connection is established, beside its socket. */
interface EstablishOptions {
  /** Null when it does not speak TLS. */
  readonly tls: Tls | null;
  /** The ends of the connection, where the host cannot say. */
  readonly ends?: Ends | undefined;
}

/**
 * Puts TLS, if wanted, a transport and a protocol over a connected socket, and has the protocol told.
 *
 * Cancellation: the socket is closed.
 */
export async function establish<P extends StreamProtocol>(
  loop: EventLoop,
  factory: ProtocolFactory<P>,
  { socket, inlet }: Plug,
  { tls, ends }: EstablishOptions,
): Promise<[transport: Transport, protocol: P]> {
  const context = Context.capture();
  const info: ConnectionInfo = new SocketInfo(socket, ends);
  let secured: TLSSocket | null;
  let protocol: P;
  try {
    secured = tls === null ? null : await tls.shake(loop, socket); // may be cancelled when that is done already
    protocol = checkProtocol(factory());
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const options = { loop, context, protocol } satisfies Partial<ConnectionParts>;
  const transport =
    secured === null || tls === null
      ? new SocketTransport({ ...options, socket, inlet, info })
      : new SocketTransport({
          ...options,
          socket: secured,
          info: new TlsInfo(info, secured, tls.context),
          shutdownTimeout: tls.shutdownTimeout,
        });
  await begin(loop, transport);
  return [transport, protocol];
}

/**
 * Has the protocol told, then reading started, then the caller woken.
 *
 * Cancellation: the connection is dropped.
 */
export async function begin(loop: EventLoop, transport: SocketTransport): Promise<void> {
  const begun = loop.createFuture<void>();
  loop.callSoon(() => {
    if (loop.debug) log.debug(`${inspect(transport)} is connected`);
    transport.begin();
    if (!begun.done) begun.setResult(undefined);
  });
  try {
    await begun;
  } catch (error) {
    transport.abort(); // cancelled: nobody will have it
    throw error;
  }
}
