import type { AddressInfo } from "node:net";

/** One end of a connection, or what a server listens on. */
export interface SocketAddress {
  /** The numeric IP address; of a Unix socket the path, empty when it has none. */
  readonly address: string;
  /** 0 for a Unix socket. */
  readonly port: number;
  readonly family: "IPv4" | "IPv6" | "Unix";
}

/** Returns an address as one writes it: `127.0.0.1:80`, `[::1]:80`. */
export function formatAddress(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Returns what the host says of a socket as a {@link SocketAddress}; null when it is not connected (any more). */
export function toSocketAddress(info: Partial<AddressInfo>): SocketAddress | null {
  const { address, port, family } = info;
  if (address === undefined || port === undefined) return null;
  return Object.freeze({ address, port, family: family === "IPv6" ? "IPv6" : "IPv4" });
}

/** Returns the address of a Unix socket. */
export function unixAddress(path: string): SocketAddress {
  return Object.freeze({ address: path, port: 0, family: "Unix" });
}

/** Returns an address of any family for people to read. */
export function showAddress(address: SocketAddress | null): string {
  if (address === null) return "?";
  if (address.family === "Unix") return address.address === "" ? "?" : address.address;
  return formatAddress(address.address, address.port);
}
