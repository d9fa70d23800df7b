import { inspect } from "node:util";
import { isCancelled, type Operation, operation, toError } from "@aio/loop";
import { checkBytes } from "./bytes.ts";
import type { StreamProtocol } from "./protocol.ts";
import { checkProtocol } from "./protocol-factory.ts";
import { SocketTransport } from "./socket-transport.ts";
import { type ClientSsl, clientTls, type ServerSsl, serverTls, type SslTimeouts } from "./tls.ts";
import { TlsInfo } from "./tls-info.ts";
import type { Transport } from "./transport.ts";

/** How a connection goes over to TLS. */
export interface StartTlsOptions extends SslTimeouts {
  /** Whether this is the server's end. */
  readonly serverSide?: boolean | undefined;
  /** Whose certificate is expected, at the client's end. Empty: anybody's that is trusted. */
  readonly serverHostname?: string | undefined;
  /** What the protocol has received already and belongs to TLS: the other side may have been fast. */
  readonly received?: Uint8Array | undefined;
}

/**
 * Goes over to TLS on a connection that stands. The protocol stays, and is not told: use the transport
 * that this returns in place of the old one. From the call on, nothing more is given to the protocol
 * until the handshake is done, so what the other side sends is not lost; what is buffered is sent before.
 * When it fails, the connection is closed, and the protocol's `connectionLost` is called.
 *
 * Works with a transport that speaks TLS already, too: TLS inside TLS.
 *
 * Cancellation: the connection is closed.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.start_tls | loop.start_tls}.
 *
 * @param ssl true or options at the client's end; options with `key` and `cert` at the server's.
 * @throws TypeError when the transport or `ssl` cannot be used for that; RuntimeError when the connection is not
 * open; SSLError when the handshake fails; an error with the code `ECONNABORTED` when it takes too long, and
 * `ECONNRESET` when the other side goes away.
 *
 * @example
 * ```ts
 * transport.write("STARTTLS\r\n");
 * // … and when the other side agrees:
 * const secured = await startTls(transport, protocol, true, { serverHostname: "mail.example.org" });
 * ```
 */
export function startTls(
  transport: Transport,
  protocol: StreamProtocol,
  ssl: ClientSsl | ServerSsl,
  options: StartTlsOptions = {},
): Operation<Transport> {
  const { serverSide = false, serverHostname, received, ...timeouts } = options;
  if (!(transport instanceof SocketTransport) || !transport.canUpgrade)
    throw new TypeError(
      `Expected \`transport\` to be one over a socket, got ${inspect(transport, { depth: 0 })}`,
    );
  checkProtocol(protocol);
  if (ssl === undefined || ssl === null)
    throw new TypeError(`Expected \`ssl\` to be options for TLS, got ${inspect(ssl)}`);
  const tls = serverSide
    ? serverTls({ ...timeouts, ssl: ssl as ServerSsl })
    : clientTls({ ...timeouts, ssl, serverHostname }, undefined);
  if (tls === null) throw new Error("unreachable: ssl is given");
  if (received !== undefined) checkBytes(received);
  const flushed = transport.beginUpgrade();
  return operation(async () => {
    const { loop, owner, context, info, socket, paused } = transport.heritage;
    try {
      await flushed;
      if (received !== undefined && received.length > 0) socket.unshift(Buffer.from(received));
      const secured = await tls.shake(loop, socket);
      const upgraded = new SocketTransport({
        loop,
        owner,
        context,
        socket: secured,
        protocol,
        info: new TlsInfo(info, secured, tls.context),
        shutdownTimeout: tls.shutdownTimeout,
      });
      transport.finishUpgrade();
      if (paused) upgraded.pauseReading();
      upgraded.resumeFromUpgrade();
      return upgraded;
    } catch (error) {
      transport.failUpgrade(isCancelled(error) ? null : toError(error));
      throw error;
    }
  });
}
