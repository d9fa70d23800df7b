import { openConnection, startServer, type StreamReader, type StreamWriter } from "@aio/streams";
import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { Program, readLine } from "./program.ts";

describe("The TCP proxy", { timeout: 120_000 }, () => {
  test("passes bytes both ways, and the end of one side, too", () =>
    run(async () => {
      await using proxy = await startProxy(countBytes);
      const [reader, writer] = await openConnection(proxy.address);

      for (let count = 0; count < 64; count += 1) {
        writer.write(Buffer.alloc(65_536));
        await writer.drain();
      }
      writer.writeEof();

      expect(await readLine(reader)).toBe(`${64 * 65_536} bytes`);
      expect(await readLine(reader)).toBe(null);
      writer.close();
    }));

  test("refuses a client too many, until another one leaves", () =>
    run(async () => {
      await using proxy = await startProxy(echo, "--clients", "1");
      const [reader, writer] = await openConnection(proxy.address);
      writer.write("first\n");
      expect(await readLine(reader)).toBe("first");

      const [refused, other] = await openConnection(proxy.address);
      // A reset, or the end, whichever the system tells first.
      expect(await readLine(refused).catch(({ code }) => code)).toBeOneOf([null, "ECONNRESET"]);
      other.close();
      await proxy.program.line(/^refused a client/);

      writer.close();
      expect(await readLine(reader)).toBe(null);
    }));

  test("drops a client that is idle for too long", () =>
    run(async () => {
      await using proxy = await startProxy(echo, "--idle", "2000");
      const [reader, writer] = await openConnection(proxy.address);
      writer.write("hello\n");
      expect(await readLine(reader)).toBe("hello");
      await proxy.program.line(/^dropped an idle client/);
      expect(await readLine(reader).catch(({ code }) => code)).toBeOneOf([null, "ECONNRESET"]);
      writer.close();
    }));

  test("keeps to the rate", () =>
    run(async () => {
      await using proxy = await startProxy(countBytes, "--rate", "100000");
      const [reader, writer] = await openConnection(proxy.address);
      const begin = performance.now();

      writer.write(Buffer.alloc(50_000));
      writer.writeEof();

      expect(await readLine(reader)).toBe("50000 bytes");
      expect(performance.now() - begin).toBeGreaterThan(490);
      writer.close();
    }));

  test("says that the target is not there, and goes on", () =>
    run(async () => {
      const closed = await startServer(echo, { host: "127.0.0.1", port: 0 });
      const port = String(closed.sockets[0]?.port);
      closed.close();
      await closed.waitClosed();
      await using program = await Program.start(
        "tcp-proxy/main.ts",
        "--port",
        "0",
        "--to-port",
        port,
      );
      const address = { host: "127.0.0.1", port: await program.port() };

      for (let count = 0; count < 2; count += 1) {
        const [, writer] = await openConnection(address);
        expect(await program.line(/./)).toMatch(/ECONNREFUSED/);
        writer.close();
      }
    }));

  test("lets its clients finish at SIGTERM, and takes no others", () =>
    run(async () => {
      await using proxy = await startProxy(echo);
      const [reader, writer] = await openConnection(proxy.address);
      writer.write("one\n");
      expect(await readLine(reader)).toBe("one");

      proxy.program.signal("SIGTERM");
      await proxy.program.line(/^stopping, 1 clients left/);
      await expect(openConnection(proxy.address)).rejects.toMatchObject({ code: "ECONNREFUSED" });
      writer.write("two\n");
      expect(await readLine(reader)).toBe("two");
      writer.close();

      expect(await proxy.program.exit()).toMatchObject({ code: 0, errors: "" });
    }));

  test("drops at the end of its grace who does not finish", () =>
    run(async () => {
      await using proxy = await startProxy(echo, "--grace", "100");
      const [reader, writer] = await openConnection(proxy.address);
      writer.write("one\n");
      expect(await readLine(reader)).toBe("one");

      proxy.program.signal("SIGINT");

      expect(await proxy.program.exit()).toMatchObject({ code: 0, errors: "" });
      writer.close();
    }));
});

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}

async function countBytes(reader: StreamReader, writer: StreamWriter): Promise<void> {
  let size = 0;
  for (;;) {
    const chunk = await reader.read(65_536);
    if (chunk.length === 0) break;
    size += chunk.length;
  }
  writer.write(`${size} bytes\n`);
  writer.close();
}

/** A proxy in front of a server, both on free ports. */
async function startProxy(
  serve: (reader: StreamReader, writer: StreamWriter) => Promise<void>,
  ...args: readonly string[]
) {
  const server = await startServer(serve, { host: "127.0.0.1", port: 0 });
  const target = ["--to-port", String(server.sockets[0]?.port)];
  const program = await Program.start("tcp-proxy/main.ts", "--port", "0", ...target, ...args);
  return {
    program,
    address: { host: "127.0.0.1", port: await program.port() },
    async [Symbol.asyncDispose]() {
      await program[Symbol.asyncDispose]();
      server.close();
      server.abortClients();
      await server.waitClosed();
    },
  };
}
