import { once } from "node:events";
import { AsyncLocalStorage } from "node:async_hooks";
import net from "node:net";
import { getRunningLoop } from "@aio/loop";
import { allTasks, currentTask, gather, run, type Task } from "@aio/task";
import { describe, expect, test } from "vitest";
import { openConnection, startServer, type StreamReader, type StreamWriter } from "../src/index.ts";
import { portOf, quiet } from "./streams.ts";

const LOCAL = { host: "127.0.0.1", port: 0 };

describe("startServer", () => {
  test("serves two hundred clients at once", () =>
    run(async () => {
      const server = await startServer(echo, LOCAL);
      const talk = async (index: number): Promise<string> => {
        const [reader, writer] = await openConnection({ host: "127.0.0.1", port: portOf(server) });
        writer.write(`line ${index}\n`);
        const line = await reader.readline();
        writer.close();
        await writer.waitClosed();
        return line.toString();
      };

      const lines = await gather(Array.from({ length: 200 }, (_, index) => () => talk(index)));
      server.close();
      await server.waitClosed();

      expect(lines).toEqual(Array.from({ length: 200 }, (_, index) => `line ${index}\n`));
    }));

  test("runs the callback in a task named after the client, in the server's async context", () =>
    run(async () => {
      const storage = new AsyncLocalStorage<string>();
      const seen = getRunningLoop().createFuture<[Task<unknown> | null, string | undefined]>();
      const server = await storage.run("server", () =>
        startServer((_reader, writer) => {
          seen.setResult([currentTask(), storage.getStore()]);
          writer.close();
        }, LOCAL),
      );

      const [, writer] = await openConnection({ host: "127.0.0.1", port: portOf(server) });
      const [task, stored] = await seen;
      writer.close();
      server.close();
      await server.waitClosed();

      expect(task?.name).toBe(`client 127.0.0.1:${writer.getExtraInfo("sockname")?.port}`);
      expect(stored).toBe("server");
    }));

  test("takes a plain function, and leaves the connection open when it returns", () =>
    run(async () => {
      const server = await startServer((_reader, writer) => {
        writer.write("hello\n");
      }, LOCAL);

      const [reader, writer] = await openConnection({ host: "127.0.0.1", port: portOf(server) });
      expect(String(await reader.readline())).toBe("hello\n");
      await quiet();
      expect(reader.atEof()).toBe(false);

      writer.close();
      server.closeClients();
      server.close();
      await server.waitClosed();
    }));

  test.each([
    ["throws", async () => Promise.reject(new Error("in callback"))],
    [
      "throws at once",
      () => {
        throw new Error("in callback");
      },
    ],
  ])("reports a callback that %s, and closes its connection", (_what, callback) =>
    run(async () => {
      const reports: object[] = [];
      getRunningLoop().exceptionHandler = (_loop, context) => void reports.push(context);
      const server = await startServer(callback, LOCAL);

      const [reader, writer] = await openConnection({ host: "127.0.0.1", port: portOf(server) });
      expect(await reader.read()).toHaveLength(0);
      writer.close();
      server.close();
      await server.waitClosed();

      expect(reports).toMatchObject([
        {
          message: "Unhandled exception in client_connected_cb",
          exception: new Error("in callback"),
        },
      ]);
    }),
  );

  test("closes the connection of a callback that is cancelled, without a report", () =>
    run(async () => {
      const reports: object[] = [];
      getRunningLoop().exceptionHandler = (_loop, context) => void reports.push(context);
      const server = await startServer(echo, LOCAL);
      const [reader, writer] = await openConnection({ host: "127.0.0.1", port: portOf(server) });
      writer.write("up\n");
      await reader.readline();

      for (const task of allTasks()) if (task.name.startsWith("client ")) task.cancel();

      expect(await reader.read()).toHaveLength(0);
      expect(reports).toEqual([]);
      writer.close();
      server.close();
      await server.waitClosed();
    }));

  test("goes on after a client that resets its connection", () =>
    run(async () => {
      const reports: { exception?: unknown }[] = [];
      getRunningLoop().exceptionHandler = (_loop, context) => void reports.push(context);
      const server = await startServer(echo, LOCAL);
      const peer = net.connect({ host: "127.0.0.1", port: portOf(server) });
      peer.write("up\n");
      await once(peer, "data");

      peer.resetAndDestroy();
      const [reader, writer] = await openConnection({ host: "127.0.0.1", port: portOf(server) });
      writer.write("next\n");

      expect(String(await reader.readline())).toBe("next\n");
      writer.close();
      server.close();
      await server.waitClosed();
      expect(reports).toMatchObject([{ exception: { code: "ECONNRESET" } }]);
    }));

  test("refuses what is no function, and wrong limits", () =>
    run(async () => {
      expect(() => startServer(undefined as never, LOCAL)).toThrow(TypeError);
      expect(() => startServer({ port: 80 } as never, undefined as never)).toThrow(
        new TypeError("Expected `callback` to be a function, got { port: 80 }"),
      );
      expect(() => startServer(echo, "127.0.0.1" as never)).toThrow(
        new TypeError("Expected options, such as `{ host, port }`, got '127.0.0.1'"),
      );
      expect(() => startServer(echo, { ...LOCAL, limit: 0 })).toThrow(RangeError);
    }));

  test("frees the port and the clients when the run ends before its clients do", async () => {
    let port = 0;
    await run(async () => {
      const server = await startServer(echo, LOCAL);
      port = portOf(server);
      const [reader, writer] = await openConnection({ host: "127.0.0.1", port });
      writer.write("up\n");
      await reader.readline();
    });

    const peer = net.connect({ host: "127.0.0.1", port });

    await expect(once(peer, "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });
});

async function echo(reader: StreamReader, writer: StreamWriter): Promise<void> {
  for await (const line of reader) {
    writer.write(line);
    await writer.drain();
  }
  writer.close();
}
