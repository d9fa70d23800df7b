import { createHash } from "node:crypto";

/** What a conversation goes over. */
export type Medium = "tcp" | "unix" | "tls" | "udp";

/** What is sent: a string, or `[seed, size]` for that many bytes, which the seed determines. */
export type Payload = string | readonly [seed: number, size: number];

/** What one end does, one after the other: the name of a method of the player, and its arguments. */
export type Step = readonly [name: string, ...arguments: unknown[]];

/** What both ends do. The same is played by our streams and by asyncio's. */
export interface Conversation {
  readonly name: string;
  readonly over: readonly Medium[];
  /** The limit of both readers. */
  readonly limit?: number;
  readonly client: readonly Step[];
  readonly server: readonly Step[];
  /** Which ends only asyncio can play. */
  readonly onlyPython?: "client" | "server";
  /** Whether an end is reset behind what it was sent: Node 22 may report that as the end of the stream. */
  readonly resets?: true;
}

/** What an end has seen: the steps that have an outcome. */
export type Record = readonly (readonly [name: string, outcome: unknown])[];

/** Where a server listens: a port, or the path of a Unix socket. */
export type Address = number | string;

/** What one end is to do. */
export interface Part {
  readonly over: Medium;
  readonly steps: readonly Step[];
  readonly limit: number;
}

/** A server that waits for the other end. */
export interface Listening {
  readonly address: Address;
  /** What it has seen, when the conversation is over. */
  readonly record: () => Promise<Record>;
}

/** Who plays parts: asyncio, or our packages. */
export interface Peer {
  /** Listens, to play `part` with whoever connects. */
  serve(part: Part): Promise<Listening>;
  /** Connects, plays `part`, and returns what it has seen. */
  connect(part: Part, address: Address): Promise<Record>;
}

/** Returns the bytes that `data` stands for. */
export function payload(data: Payload): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  const [seed, size] = data;
  return createHash("shake128", { outputLength: size }).update(String(seed)).digest();
}

/** Describes bytes in a record. */
export function show(data: Buffer): object {
  const text = data.length <= 64 ? data.toString("latin1") : null;
  return { bytes: data.length, text, sha256: createHash("sha256").update(data).digest("hex") };
}
