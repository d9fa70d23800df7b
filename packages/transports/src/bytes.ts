import { inspect } from "node:util";

/** What can be sent: bytes, or a string, of which the UTF-8 encoding is sent. */
export type Bytes = Uint8Array | string;

/** @throws TypeError when `data` is nothing that can be sent. */
export function checkBytes(data: unknown): asserts data is Bytes {
  if (typeof data === "string" || data instanceof Uint8Array) return;
  const got = inspect(data, { depth: 0, breakLength: Infinity });
  throw new TypeError(`Expected \`data\` to be a Uint8Array or a string, got ${got}`);
}
