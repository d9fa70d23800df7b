import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getRunningLoop, isCancelled } from "@aio/loop";
import { createTask, run } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import { createUnixConnection, createUnixServer } from "../src/index.ts";
import { localhost } from "./certificate.ts";
import { Recorder } from "./recorder.ts";

/** A path for a socket, in a directory of its own. */
function makePath(): string {
  const directory = mkdtempSync(join(tmpdir(), "aio-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "test.sock");
}

const make = (): Recorder => new Recorder();

describe("a Unix socket", () => {
  test("carries bytes both ways, and EOF", () =>
    run(async () => {
      const path = makePath();
      const far = new Recorder();
      const near = new Recorder();
      const server = await createUnixServer(() => far, { path });
      const [transport, protocol] = await createUnixConnection(() => near, { path });

      expect(protocol).toBe(near);
      transport.write("ping");
      await far.until(() => far.received.length === 4);
      far.transport.write("pong");
      await near.until(() => near.received.length === 4);
      transport.writeEof();
      await far.until(() => far.events.includes("eof"));
      await near.lost();
      server.close();
      await server.waitClosed();

      expect(far.received.toString()).toBe("ping");
      expect(near.received.toString()).toBe("pong");
      expect(await far.lost()).toBeNull();
    }));

  test("has its path as address, also when the connection is gone", () =>
    run(async () => {
      const path = makePath();
      const far = new Recorder();
      const near = new Recorder();
      const server = await createUnixServer(() => far, { path });
      const [transport] = await createUnixConnection(() => near, { path });
      await far.until(() => far.events.length > 0);
      const address = { address: path, port: 0, family: "Unix" };

      expect(server.sockets).toEqual([address]);
      transport.close();
      await near.lost();
      await far.lost();
      server.close();
      await server.waitClosed();

      expect(transport.getExtraInfo("peername")).toEqual(address);
      expect(far.transport.getExtraInfo("sockname")).toEqual(address);
      expect(far.transport.getExtraInfo("peername")).toMatchObject({ address: "", family: "Unix" });
      expect(transport.getExtraInfo("socket")?.family).toBe("Unix");
    }));

  test("carries TLS", () =>
    run(async () => {
      const path = makePath();
      const far = new Recorder();
      const near = new Recorder();
      const server = await createUnixServer(() => far, { path, ssl: localhost });
      const [transport] = await createUnixConnection(() => near, {
        path,
        ssl: { ca: localhost.cert },
        serverHostname: "localhost",
      });

      transport.write("secret");
      await far.until(() => far.received.length === 6);
      transport.close();
      await near.lost();
      await far.lost();
      server.close();
      await server.waitClosed();

      expect(far.received.toString()).toBe("secret");
    }));

  test.runIf(process.platform === "linux")("may have an abstract name", () =>
    run(async () => {
      const path = `\0aio-test-${process.pid}`;
      const far = new Recorder();
      const near = new Recorder();
      const server = await createUnixServer(() => far, { path });
      const [transport] = await createUnixConnection(() => near, { path });

      transport.write("x");
      await far.until(() => far.received.length === 1);
      expect(server.sockets[0]?.address).toBe(path);
      transport.abort();
      await far.lost();
      server.close();
      await server.waitClosed();
    }),
  );
});

describe("createUnixConnection", () => {
  test("says which path nobody listens on", () =>
    run(async () => {
      const path = makePath();

      await expect(createUnixConnection(() => new Recorder(), { path })).rejects.toMatchObject({
        code: "ENOENT",
        message: expect.stringContaining(path) as string,
      });
    }));

  test("takes over a socket that is connected", () =>
    run(async () => {
      const path = makePath();
      const far = new Recorder();
      const server = await createUnixServer(() => far, { path });
      const socket = net.connect({ path });
      await once(socket, "connect");
      const near = new Recorder();
      const [transport] = await createUnixConnection(() => near, { socket });

      transport.write("x");
      await far.until(() => far.received.length === 1);
      transport.close();
      expect(await far.lost()).toBeNull();
      server.close();
      await server.waitClosed();
    }));

  test("refuses arguments that do not fit", () =>
    run(async () => {
      const path = "/nowhere/socket";

      expect(() => createUnixConnection(make, {})).toThrow(/`path` or `socket`, got neither/);
      expect(() => createUnixConnection(make, { path, socket: new net.Socket() })).toThrow(
        /either `path` or `socket`, got both/,
      );
      expect(() => createUnixConnection(make, { socket: new net.Socket() })).toThrow(RangeError);
      expect(() => createUnixConnection(make, { path: 3 as never })).toThrow(TypeError);
      expect(() => createUnixConnection(make, { path, ssl: true })).toThrow(/`serverHostname`/);
      expect(() => createUnixConnection(make, { path, serverHostname: "a" })).toThrow(RangeError);
      expect(() => createUnixConnection(make, { path, sslHandshakeTimeout: 1 })).toThrow(
        RangeError,
      );
      expect(() => createUnixConnection(make, { path, sslShutdownTimeout: 1 })).toThrow(RangeError);
    }));

  test("closes what it opened when it is cancelled", () =>
    run(async () => {
      const path = makePath();
      const far = new Recorder();
      const server = await createUnixServer(() => far, { path });
      const task = createTask(async () => {
        await createUnixConnection(() => new Recorder(), { path });
      });

      getRunningLoop().callSoon(() => task.cancel());
      await expect(task).rejects.toSatisfy(isCancelled);
      server.close();
      await server.waitClosed();

      expect(far.events.length === 0 || far.isLost).toBe(true);
    }));
});

describe("createUnixServer", () => {
  test("takes the place of the socket of a server that is dead", () =>
    run(async () => {
      const path = makePath();
      const script = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
      await once(spawn(process.execPath, ["-e", script]), "exit");
      expect(lstatSync(path).isSocket()).toBe(true);

      const far = new Recorder();
      const server = await createUnixServer(() => far, { path });
      const [transport] = await createUnixConnection(() => new Recorder(), { path });
      await far.until(() => far.events.length > 0);
      transport.abort();
      await far.lost();
      server.close();
      await server.waitClosed();
    }));

  test("leaves a file that is no socket alone, and names it", () =>
    run(async () => {
      const path = makePath();
      writeFileSync(path, "precious");

      await expect(createUnixServer(() => new Recorder(), { path })).rejects.toMatchObject({
        code: "EADDRINUSE",
        message: `Cannot listen on ${path}: EADDRINUSE: address already in use`,
      });
      expect(statSync(path).size).toBe(8);
    }));

  test("removes its socket when it is closed, also when that is gone already", () =>
    run(async () => {
      const path = makePath();
      const first = await createUnixServer(() => new Recorder(), { path });
      expect(existsSync(path)).toBe(true);
      first.close();
      expect(existsSync(path)).toBe(false);
      const second = await createUnixServer(() => new Recorder(), { path });
      unlinkSync(path);

      second.close();

      await second.waitClosed();
    }));

  test("does not remove the socket of the server that took its place", () =>
    run(async () => {
      const path = makePath();
      const first = await createUnixServer(() => new Recorder(), { path });
      const far = new Recorder();
      const second = await createUnixServer(() => far, { path });

      first.close();
      expect(existsSync(path)).toBe(true);
      const [transport] = await createUnixConnection(() => new Recorder(), { path });
      await far.until(() => far.events.length > 0);
      transport.abort();
      await far.lost();
      second.close();

      expect(existsSync(path)).toBe(false);
      await second.waitClosed();
    }));

  test("leaves its socket with cleanupSocket: false", () =>
    run(async () => {
      const path = makePath();
      const server = await createUnixServer(() => new Recorder(), { path, cleanupSocket: false });

      server.close();
      await server.waitClosed();

      expect(lstatSync(path).isSocket()).toBe(true);
    }));

  test("refuses arguments that do not fit", () =>
    run(async () => {
      const long = `/tmp/${"x".repeat(200)}`;

      expect(() => createUnixServer(make, { path: "" })).toThrow(TypeError);
      expect(() => createUnixServer(make, { path: long })).toThrow(/bytes at most, .* got 205/);
      expect(() => createUnixConnection(make, { path: long })).toThrow(RangeError);
      expect(() => createUnixServer(make, { path: "/a", ssl: true as never })).toThrow(TypeError);
      expect(() => createUnixServer(make, { path: "/a", sslHandshakeTimeout: 1 })).toThrow(
        RangeError,
      );
      expect(() => createUnixServer("x" as never, { path: "/a" })).toThrow(TypeError);
    }));
});
