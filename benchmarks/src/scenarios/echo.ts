import type { Implementation, Scenario } from "../scenario.ts";
import {
  buffered,
  data,
  effect,
  forAwait,
  protocol,
  readExactly,
  readLines,
  readlines,
} from "./echo-servers.ts";

const python = {
  "asyncio Protocol": { body: { loop: "asyncio", server: "protocol" } },
  "asyncio streams": { body: { loop: "asyncio", server: "streams" } },
  "uvloop Protocol": { body: { loop: "uvloop", server: "protocol" } },
  "uvloop streams": { body: { loop: "uvloop", server: "streams" } },
} as const satisfies Record<string, Implementation>;

const lines: Readonly<Record<string, Implementation>> = {
  "node:net data": { body: data },
  "node:net for await": { body: forAwait },
  "node:readline": { body: readlines },
  "aio Protocol": { body: protocol },
  "aio BufferedProtocol": { body: buffered },
  "aio streams": { body: readLines },
  Effect: { body: effect },
  ...python,
};

/** An echo server under load. */
export const echoFifty: Scenario = {
  id: "8a",
  title: "TCP echo, lines of 64 bytes, 50 connections: CPU of the server",
  metric: "cpu",
  operations: 100_000,
  connections: 50,
  implementations: {
    ...lines,
    "aio Protocol": { body: protocol, target: 0.95 },
    "aio streams": { body: readLines, target: 1.05 },
  },
};

/** The same with one request under way at a time: latency counts. */
export const echoOne: Scenario = {
  id: "8a-1",
  title: "TCP echo, lines of 64 bytes, 1 connection: CPU of the server",
  metric: "cpu",
  operations: 30_000,
  connections: 1,
  implementations: lines,
};

/** The same with messages that fill what is read at a time. */
export const echoBulk: Scenario = {
  id: "8b",
  title: "TCP echo, messages of 64 KiB, 8 connections: CPU of the server",
  metric: "cpu",
  operations: 20_000,
  connections: 8,
  messageSize: 65_536,
  implementations: {
    "node:net data": { body: data },
    "node:net for await": { body: forAwait },
    "aio Protocol": { body: protocol },
    "aio BufferedProtocol": { body: buffered, target: 0.65 },
    "aio streams": { body: readExactly },
    Effect: { body: effect },
    ...python,
  },
};
