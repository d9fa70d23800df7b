import { strictEqual } from "node:assert";
import { inThread } from "@aio/executor";
import { getRunningLoop, type Future } from "@aio/loop";
import type { StreamReader, StreamWriter } from "@aio/streams";
import { sleep } from "@aio/task";

// What the examples of the documentation take for granted.

export { spawn } from "node:child_process";
export { once } from "node:events";
export { subscribe } from "node:diagnostics_channel";
export { createWriteStream } from "node:fs";
export { open } from "node:fs/promises";
export { request } from "node:http";
export { AsyncLocalStorage } from "node:async_hooks";

export interface Job {
  readonly priority: number;
}

export interface Row {
  readonly id: number;
}

export interface User {
  readonly name: string;
}

/** A protocol for connections and datagrams. */
export class Client {
  connectionMade(): void {}
}

/** A protocol that answers. */
export class Echo {
  #transport: { write(data: Buffer): void } | null = null;

  connectionMade(transport: { write(data: Buffer): void }): void {
    this.#transport = transport;
  }

  dataReceived(data: Buffer): void {
    this.#transport?.write(data);
  }
}

export const { hash } = inThread<typeof import("./hash.ts")>(new URL("./hash.ts", import.meta.url));
export const { search, shrink } = inThread<typeof import("./search.ts")>(
  new URL("./search.ts", import.meta.url),
);

export async function main(): Promise<void> {
  await sleep(10);
}

export async function work(..._args: readonly unknown[]): Promise<void> {
  await sleep(1);
}

export async function fetchPage(url: string): Promise<string> {
  await sleep(1);
  return `the page at ${url}`;
}

export async function fetchFrom(mirror: string): Promise<string> {
  return await fetchPage(mirror);
}

export async function download(url: string): Promise<void> {
  await fetchPage(url);
}

export async function fetchUser(id: number): Promise<User> {
  await sleep(1);
  return { name: `user ${id}` };
}

export async function fetchPosts(id: number): Promise<string[]> {
  await sleep(1);
  return [`post of ${id}`];
}

export async function ask(_server: unknown): Promise<string> {
  await sleep(1);
  return "the answer";
}

export async function connect(address: string): Promise<string> {
  await sleep(1);
  return address;
}

export async function saveState(): Promise<void> {
  await sleep(1);
}

export async function withdraw(): Promise<void> {
  await sleep(1);
}

export async function deposit(): Promise<void> {
  await sleep(1);
}

export async function recount(): Promise<number> {
  await sleep(1);
  return 7;
}

export async function send(_text: string): Promise<Row[]> {
  await sleep(1);
  return [{ id: 1 }];
}

export async function sprint(_place: number): Promise<void> {
  await sleep(1);
}

export async function findPort(): Promise<number> {
  await sleep(1);
  return 8888;
}

export function park(): Future<true> {
  return getRunningLoop().createFuture();
}

export function matches(word: string): boolean {
  return word.length > 3;
}

/** Serves a connection, a port, or a port that it is told. */
export function serve(reader: StreamReader, writer: StreamWriter): Promise<void>;
export function serve(port: number): Promise<void>;
export function serve(options: { port: number; listening: (port: number) => void }): Promise<void>;
export async function serve(
  options: StreamReader | number | { port: number; listening: (port: number) => void },
  _writer?: StreamWriter,
): Promise<void> {
  await sleep(1);
  if (typeof options === "object" && "listening" in options) options.listening(8888);
}

/** An answer to each line, in capitals. */
export async function shout(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) writer.write(line.toString().toUpperCase());
  writer.close();
}

export const histogram = {
  record(_value: number): void {},
};

export const pager = {
  alert(_text: string): void {},
};

export const database = {
  async query(_text: string): Promise<Row[]> {
    await sleep(1);
    return [{ id: 1 }];
  },
};

export function expect(value: unknown): { toBe(expected: unknown): void } {
  return { toBe: (expected) => strictEqual(value, expected) };
}
