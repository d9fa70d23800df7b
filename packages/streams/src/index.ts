export { openConnection, type StreamConnectionOptions } from "./connection.ts";
export {
  ConnectionResetError,
  IncompleteReadError,
  LimitOverrunError,
  LineTooLongError,
} from "./errors.ts";
export type { Server } from "@aio/transports";
export { DEFAULT_LIMIT, StreamReader, type StreamReaderOptions } from "./reader.ts";
export { type ClientConnectedCallback, startServer, type StreamServerOptions } from "./server.ts";
export { type ConnectedCallback, StreamReaderProtocol } from "./stream-protocol.ts";
export { StreamWriter, type WriterProtocol } from "./writer.ts";
