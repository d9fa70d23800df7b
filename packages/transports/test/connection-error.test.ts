import { once } from "node:events";
import net from "node:net";
import { CancelledError, TimeoutError } from "@aio/loop";
import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { createConnection, createServer, isConnectionError } from "../src/index.ts";
import { portOf, Recorder } from "./recorder.ts";

describe("isConnectionError", () => {
  test("knows the error of a peer that resets its connection", () =>
    run(async () => {
      const far = new Recorder();
      const server = await createServer(() => far, { host: "127.0.0.1", port: 0 });
      const peer = net.connect({ host: "127.0.0.1", port: portOf(server) });
      peer.write("up");
      await far.until(() => far.received.length === 2);

      peer.resetAndDestroy();

      expect(isConnectionError(await far.lost())).toBe(true);
      server.close();
      await server.waitClosed();
    }));

  test("knows the error of a port where nobody listens", () =>
    run(async () => {
      const listener = net.createServer().listen(0, "127.0.0.1");
      await once(listener, "listening");
      const { port } = listener.address() as net.AddressInfo;
      listener.close();
      await once(listener, "close");

      const error = await createConnection(() => new Recorder(), { host: "127.0.0.1", port }).then(
        () => null,
        (reason: unknown) => reason,
      );

      expect(isConnectionError(error)).toBe(true);
    }));

  test.each(["EPIPE", "ECONNABORTED", "ETIMEDOUT", "EHOSTUNREACH"])("knows %s", (code) => {
    expect(isConnectionError(Object.assign(new Error("write"), { code }))).toBe(true);
  });

  test.each([
    ["another error of the system", Object.assign(new Error("open"), { code: "ENOENT" })],
    ["a port in use", Object.assign(new Error("listen"), { code: "EADDRINUSE" })],
    ["a cancellation", new CancelledError()],
    ["a timeout", new TimeoutError()],
    ["an error without a code", new Error("ECONNRESET")],
    ["a code that is no text", Object.assign(new Error("read"), { code: 104 })],
    ["what is no error", { code: "ECONNRESET" }],
    ["null", null],
  ])("does not take %s for one", (_what, error) => {
    expect(isConnectionError(error)).toBe(false);
  });
});
