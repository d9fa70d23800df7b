import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";

/** Runs a program in a process that may have only so many files open. */
const limited = (files: number, program: string): [string, string[], { cwd: string }] => [
  "/bin/sh",
  [
    "-c",
    `ulimit -n ${files} && exec "$0" "$@"`,
    process.execPath,
    "--input-type=module",
    "--eval",
    program,
  ],
  { cwd: import.meta.dirname },
];

describe.runIf(process.platform !== "win32")("A process out of file descriptors", () => {
  test("fails to connect with EMFILE, and connects again when one is free", async () => {
    const program = `
      import { run } from "@aio/task";
      import { createConnection, createServer } from "@aio/transports";
      await run(async () => {
        const server = await createServer(() => ({}), { host: "127.0.0.1", port: 0 });
        const to = { host: "127.0.0.1", port: server.sockets[0].port };
        const open = [];
        let code;
        while (code === undefined) {
          try {
            open.push((await createConnection(() => ({}), to))[0]);
          } catch (error) {
            code = error.code;
          }
        }
        const lost = Promise.withResolvers();
        open[0].setProtocol({ connectionLost: () => lost.resolve() });
        open[0].abort();
        await lost.promise;
        server.closeClients();
        server.close();
        await server.waitClosed();
        console.log(code, server.isServing());
        for (const transport of open) transport.abort();
      });`;
    const { stdout } = await promisify(execFile)(...limited(60, program));

    expect(stdout.trim()).toBe("EMFILE false");
  });

  test("serves those it has, and new ones when there are descriptors again", async () => {
    const program = `
      import { run } from "@aio/task";
      import { createServer } from "@aio/transports";
      await run(async () => {
        const echo = () => {
          let transport;
          return {
            connectionMade: (made) => { transport = made; },
            dataReceived: (data) => transport.write(data),
          };
        };
        const server = await createServer(echo, { host: "127.0.0.1", port: 0 });
        console.log(server.sockets[0].port);
        await server.serveForever();
      });`;
    const server = spawn(...limited(40, program));
    try {
      const [port] = (await once(server.stdout, "data")) as [Buffer];
      const peers = Array.from({ length: 60 }, () =>
        net.connect({ host: "127.0.0.1", port: Number(port) }).on("error", () => undefined),
      );
      const [first] = peers;
      if (first === undefined) throw new Error("unreachable: there are sixty");
      expect(await echoOf(first)).toBe("x");
      // The host takes one that it has no descriptor for, and closes it: at least the last is such a one.
      const last = peers.at(-1);
      if (last?.closed === false) await once(last.resume(), "close");

      for (const peer of peers) peer.destroy();
      // The server hears of it when it does. Until then, a new one may still be dropped.
      let answer = "";
      while (answer === "") {
        const peer = net.connect({ host: "127.0.0.1", port: Number(port) });
        answer = await echoOf(peer).catch(() => "");
        peer.destroy();
      }
      expect(answer).toBe("x");
      expect(server.exitCode).toBeNull();
    } finally {
      server.kill();
    }
  });
});

/** Sends a byte, and returns what comes back: nothing, when the connection is closed. */
async function echoOf(peer: net.Socket): Promise<string> {
  peer.write("x");
  for await (const chunk of peer.iterator({ destroyOnReturn: false })) return String(chunk);
  return "";
}
