export { formatAddress, type SocketAddress } from "./address.ts";
export type { Bytes } from "./bytes.ts";
export { isConnectionError } from "./connection-error.ts";
export { getaddrinfo, getnameinfo } from "./dns.ts";
export { createDatagramEndpoint, type DatagramOptions } from "./datagram.ts";
export { DatagramTransport, type DatagramTarget } from "./datagram-transport.ts";
export {
  NotSupportedError,
  SendfileNotAvailableError,
  SSLCertVerificationError,
  SSLError,
} from "./errors.ts";
export { attachReadPipe, attachWritePipe, connectReadPipe, connectWritePipe } from "./pipes.ts";
export type {
  BaseProtocol,
  BufferedProtocol,
  DatagramProtocol,
  Protocol,
  StreamProtocol,
} from "./protocol.ts";
export type { ProtocolFactory } from "./protocol-factory.ts";
export type { Family } from "./resolve.ts";
export { sendfile, type SendfileOptions } from "./sendfile.ts";
export { Server } from "./server.ts";
export { startTls, type StartTlsOptions } from "./start-tls.ts";
export {
  connectAcceptedSocket,
  type ConnectionOptions,
  createConnection,
  createServer,
  type ServerOptions,
} from "./tcp.ts";
export type { ClientSsl, ClientSslOptions, ServerSsl } from "./tls.ts";
export type {
  BaseTransport,
  ExtraInfo,
  ReadTransport,
  Transport,
  WriteBufferLimits,
  WriteTransport,
} from "./transport.ts";
export { TransportSocket } from "./transport-socket.ts";
export {
  createUnixConnection,
  createUnixServer,
  type UnixConnectionOptions,
  type UnixServerOptions,
} from "./unix.ts";
