export type { PausableTransport } from "./backlog.ts";
export {
  type ClientNetwork,
  openConnection,
  openUnixConnection,
  type StreamConnectionOptions,
  type StreamUnixConnectionOptions,
} from "./connection.ts";
export { fromDuplex, toDuplex } from "./duplex.ts";
export {
  ConnectionResetError,
  IncompleteReadError,
  LimitOverrunError,
  LineTooLongError,
} from "./errors.ts";
export type { ByteSource } from "./feed.ts";
export { FlowControlProtocol } from "./flow-control-protocol.ts";
export { isConnectionError, type Server } from "@aio/transports";
export { DEFAULT_LIMIT, StreamReader, type StreamReaderOptions } from "./reader.ts";
export {
  type ClientConnectedCallback,
  type ServerNetwork,
  startServer,
  startUnixServer,
  type StreamServerOptions,
  type StreamUnixServerOptions,
} from "./server.ts";
export { type ConnectedCallback, StreamReaderProtocol } from "./stream-protocol.ts";
export { StreamWriter, type WriterProtocol, type WriterTlsOptions } from "./writer.ts";
export type { ByteSink } from "./writable-transport.ts";
