import { spawn } from "node:child_process";
import type { LookupAddress } from "node:dns";
import { once } from "node:events";
import net, { type LookupFunction } from "node:net";
import { isCancelled } from "@aio/loop";
import { createTask, run } from "@aio/task";
import { describe, expect, onTestFinished, test } from "vitest";
import { createConnection, createServer } from "../src/index.ts";
import { portOf, quiet, Recorder, RecordingServer } from "./recorder.ts";

describe("a connection attempt", () => {
  test("gives the error of the only address as it is", () =>
    run(async () => {
      const port = await refusedPort();

      const failed = createConnection(() => new Recorder(), { host: "127.0.0.1", port });

      await expect(failed).rejects.toMatchObject({
        code: "ECONNREFUSED",
        syscall: "connect",
        address: "127.0.0.1",
        port,
      });
    }));

  test("goes on to the next address when one refuses", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      const lookup = resolveTo("127.0.0.9", "127.0.0.1");

      const [transport, near] = await createConnection(() => new Recorder(), {
        host: "example.org",
        port: recording.port,
        lookup,
      });

      expect(transport.getExtraInfo("peername")?.address).toBe("127.0.0.1");
      transport.close();
      await near.lost();
    }));

  test("does not wait for an address that does not answer with happyEyeballsDelay", () =>
    run(async () => {
      await using recording = await RecordingServer.open();

      // The first is of a network for documentation: it is silent, or cannot be reached.
      const [transport, near] = await createConnection(() => new Recorder(), {
        host: "example.org",
        port: recording.port,
        lookup: resolveTo("192.0.2.1", "127.0.0.1"),
        happyEyeballsDelay: 10,
      });

      expect(transport.getExtraInfo("peername")?.address).toBe("127.0.0.1");
      transport.close();
      await near.lost();
    }));

  test("lists all errors with happyEyeballsDelay, too, and refuses a delay that is none", () =>
    run(async () => {
      const address = { host: "example.org", port: await refusedPort() };
      const lookup = resolveTo("127.0.0.1", "127.0.0.2");
      const options = { ...address, lookup, happyEyeballsDelay: 1_000 };

      await expect(createConnection(() => new Recorder(), options)).rejects.toMatchObject({
        code: "ECONNREFUSED",
        errors: [{}, {}],
      });
      for (const happyEyeballsDelay of [-1, Number.NaN])
        expect(() =>
          createConnection(() => new Recorder(), { ...options, happyEyeballsDelay }),
        ).toThrow(RangeError);
      for (const interleave of [-1, 1.5])
        expect(() => createConnection(() => new Recorder(), { ...options, interleave })).toThrow(
          RangeError,
        );
    }));

  test("fails with one error that lists those of all addresses", () =>
    run(async () => {
      const port = await refusedPort();
      const lookup = resolveTo("127.0.0.1", "127.0.0.2");

      const failed = createConnection(() => new Recorder(), { host: "example.org", port, lookup });

      const texts = [1, 2].map((n) => `connect ECONNREFUSED 127.0.0.${n}:${port}`);
      await expect(failed).rejects.toMatchObject({
        message: `Multiple exceptions: ${texts.join(", ")}`,
        code: "ECONNREFUSED",
        errors: texts.map((message) => ({ message })),
      });
    }));

  test("fails with the first error when all say the same", () =>
    run(async () => {
      const port = await refusedPort();
      const lookup = resolveTo("127.0.0.1", "127.0.0.1");

      const failed = createConnection(() => new Recorder(), { host: "example.org", port, lookup });

      await expect(failed).rejects.toMatchObject({
        message: `connect ECONNREFUSED 127.0.0.1:${port}`,
        syscall: "connect",
      });
    }));

  test("fails with a group when all errors are asked for, even of one address", () =>
    run(async () => {
      const port = await refusedPort();

      const failed = createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port,
        allErrors: true,
      });

      await expect(failed).rejects.toMatchObject({
        message: "createConnection failed",
        errors: [{ code: "ECONNREFUSED" }],
      });
    }));

  test("comes from the local address that was asked for", () =>
    run(async () => {
      await using recording = await RecordingServer.open();

      const [transport, near] = await createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port: recording.port,
        localAddress: "127.0.0.5",
      });

      expect(transport.getExtraInfo("sockname")?.address).toBe("127.0.0.5");
      transport.close();
      await near.lost();
    }));

  test("says so when no local address has the right family", () =>
    run(async () => {
      await using recording = await RecordingServer.open();

      const failed = createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port: recording.port,
        localAddress: "::1",
      });

      await expect(failed).rejects.toThrow("No matching local address with family IPv4 found");
    }));

  test("names the local address when that cannot be used", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      await using busy = await createServer(() => new Recorder(), { host: "127.0.0.1", port: 0 });
      const localPort = portOf(busy);

      const failed = createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port: recording.port,
        localAddress: "127.0.0.1",
        localPort,
      });

      await expect(failed).rejects.toMatchObject({
        code: "EADDRINUSE",
        message: expect.stringMatching(`^Cannot connect from 127.0.0.1:${localPort}: `) as string,
      });
    }));

  test("fails as it is when the local address is fine and the other side refuses", () =>
    run(async () => {
      const port = await refusedPort();

      const failed = createConnection(() => new Recorder(), {
        host: "127.0.0.1",
        port,
        localAddress: "127.0.0.1",
      });

      await expect(failed).rejects.toMatchObject({ code: "ECONNREFUSED" });
    }));
});

describe.runIf(process.platform === "linux")("an address that does not answer", () => {
  test("loses to the next one after happyEyeballsDelay, and nothing of it stays", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      await hearNothing("127.0.0.2", recording.port);
      const before = openSockets();

      const [transport, near] = await createConnection(() => new Recorder(), {
        host: "example.org",
        port: recording.port,
        lookup: resolveTo("127.0.0.2", "127.0.0.1"),
        happyEyeballsDelay: 10,
      });

      expect(transport.getExtraInfo("peername")?.address).toBe("127.0.0.1");
      transport.close();
      await near.lost();
      await (await recording.client()).lost();
      await quiet();
      expect(openSockets()).toEqual(before);
    }));

  test("is given up by a cancellation", () =>
    run(async () => {
      await using recording = await RecordingServer.open();
      await hearNothing("127.0.0.2", recording.port);
      const before = openSockets();
      const task = createTask(async () => {
        await createConnection(() => new Recorder(), { host: "127.0.0.2", port: recording.port });
      });
      await quiet();
      expect(task.done).toBe(false);
      expect(openSockets()).not.toEqual(before);

      task.cancel();

      await expect(task).rejects.toSatisfy(isCancelled);
      await quiet();
      expect(openSockets()).toEqual(before);
    }));
});

/** Has the system drop all that comes to an address: a process listens there that accepts nothing, and its queue is full. */
async function hearNothing(host: string, port: number): Promise<void> {
  const program = `
    require("node:net").createServer().listen({ host: "${host}", port: ${port}, backlog: 1 }, () => {
      require("node:fs").writeSync(1, "listens");
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const deaf = spawn(process.execPath, ["--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void deaf.kill("SIGKILL"));
  await once(deaf.stdout, "data");
  const waiting = Array.from({ length: 8 }, () =>
    net.connect({ host, port }).on("error", () => undefined),
  );
  onTestFinished(() => {
    for (const socket of waiting) socket.destroy();
  });
  const [first] = waiting;
  if (first !== undefined) await once(first, "connect");
  await quiet();
}

function openSockets(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name.startsWith("TCP"))
    .toSorted();
}

/** A port that nobody listens on any more. */
async function refusedPort(): Promise<number> {
  const server = await createServer(() => new Recorder(), { host: "127.0.0.1", port: 0 });
  const port = portOf(server);
  server.close();
  await server.waitClosed();
  return port;
}

function resolveTo(...addresses: string[]): LookupFunction {
  const found: LookupAddress[] = addresses.map((address) => ({ address, family: 4 }));
  return (_host, _options, callback) => process.nextTick(callback, null, found);
}
