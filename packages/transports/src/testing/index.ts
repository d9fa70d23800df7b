export {
  MemoryHost,
  type MemoryConnectionOptions,
  type MemoryDatagramOptions,
  type MemoryServerOptions,
} from "./memory-host.ts";
export { MemoryNetwork, type MemoryNetworkOptions } from "./memory-network.ts";
export type { MemoryServer } from "./memory-server.ts";
export type { PathOptions } from "./path.ts";
export { createTransportPair } from "./transport-pair.ts";
