import { inspect } from "node:util";
import { RuntimeError } from "@aio/loop";

/**
 * @param least 0 where that stands for any port that is free, 1 where a port must be named.
 * @throws TypeError or RangeError when `port` is none.
 */
export function checkPort(name: string, port: unknown, least = 0): asserts port is number {
  if (typeof port !== "number")
    throw new TypeError(`Expected \`${name}\` to be a number, got ${inspect(port)}`);
  if (!Number.isInteger(port) || port < least || port > 65_535)
    throw new RangeError(`Expected \`${name}\` to be between ${least} and 65535, got ${port}`);
}

/** @throws RuntimeError when this Node does not know `reusePort`. */
export function checkReusePort(): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major === 22 && minor < 12)
    throw new RuntimeError(`\`reusePort\` needs Node 22.12, this is ${process.versions.node}`);
}
