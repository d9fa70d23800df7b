import dns from "node:dns";
import { isIP } from "node:net";
import { inspect } from "node:util";
import { getRunningLoop, type Operation, operation } from "@aio/loop";
import type { SocketAddress } from "./address.ts";
import { checkPort } from "./ports.ts";
import { resolve, type ResolveOptions } from "./resolve.ts";

/**
 * Looks up the addresses of a host, as the system does for all programs, in its order.
 *
 * Cancellation: the answer is dropped when it comes.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.getaddrinfo | loop.getaddrinfo}.
 * A port is a number: Node knows no names of services. There is one result for each address, without socket types.
 *
 * @param port is put into the results: 0 by default.
 * @throws an error with a `code` such as `ENOTFOUND`.
 *
 * @example
 * ```ts
 * for (const { address } of await getaddrinfo("example.org", 80)) console.log(address);
 * ```
 */
export function getaddrinfo(
  host: string,
  port: number | null = 0,
  options: ResolveOptions = {},
): Operation<SocketAddress[]> {
  if (typeof host !== "string" || host === "")
    throw new TypeError(`Expected \`host\` to be a name or an address, got ${inspect(host)}`);
  checkPort("port", port ?? 0);
  const loop = getRunningLoop();
  return operation(async () => {
    const addresses = await resolve(loop, host, options);
    return addresses.map(({ address, family }) => ({
      address,
      port: port ?? 0,
      family: family === 6 ? "IPv6" : "IPv4",
    }));
  });
}

/**
 * Looks up the name of the host that has an address, and the name of the service at a port.
 *
 * Cancellation: the answer is dropped when it comes.
 *
 * Counterpart of {@link https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.getnameinfo | loop.getnameinfo}.
 *
 * @returns the host and the service.
 * @throws an error with a `code` such as `ENOTFOUND`.
 *
 * @example
 * ```ts
 * const [host, service] = await getnameinfo({ address: "127.0.0.1", port: 22 }); // localhost, ssh
 * ```
 */
export function getnameinfo({
  address,
  port,
}: Pick<SocketAddress, "address" | "port">): Operation<[host: string, service: string]> {
  if (isIP(address) === 0)
    throw new RangeError(`Expected \`address\` to be an IP address, got ${inspect(address)}`);
  checkPort("port", port);
  const loop = getRunningLoop();
  return operation(async () => {
    const found = loop.createFuture<[string, string]>();
    dns.lookupService(address, port, (error, host, service) => {
      if (found.done) return;
      if (error === null) found.setResult([host, service]);
      else found.setException(error);
    });
    return await found;
  });
}
