import { inspect } from "node:util";
import type { StreamProtocol } from "./protocol.ts";

/** Makes the protocol of a new connection. */
export type ProtocolFactory<P extends StreamProtocol = StreamProtocol> = () => P;

/** @throws TypeError when a factory gave no protocol. */
export function checkProtocol<P>(protocol: P): P {
  if (typeof protocol === "object" && protocol !== null && !(protocol instanceof Promise))
    return protocol;
  throw new TypeError(`Expected \`factory\` to return a protocol, got ${inspect(protocol)}`);
}
