export { formatAddress, type SocketAddress } from "./address.ts";
export type { Bytes } from "./bytes.ts";
export type { BaseProtocol, BufferedProtocol, Protocol, StreamProtocol } from "./protocol.ts";
export type { ProtocolFactory } from "./protocol-factory.ts";
export type { Family } from "./resolve.ts";
export { Server } from "./server.ts";
export {
  type ConnectionOptions,
  createConnection,
  createServer,
  type ServerOptions,
} from "./tcp.ts";
export type {
  BaseTransport,
  ExtraInfo,
  ReadTransport,
  Transport,
  WriteBufferLimits,
  WriteTransport,
} from "./transport.ts";
export { TransportSocket } from "./transport-socket.ts";
