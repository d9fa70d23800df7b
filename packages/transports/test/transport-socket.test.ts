import { Socket } from "node:net";
import { run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { TransportSocket } from "../src/index.ts";
import { connectPair } from "./recorder.ts";

describe("TransportSocket", () => {
  test("shows what kind of socket it is", () =>
    run(async () => {
      await using pair = await connectPair();
      const { transport } = pair.near;

      const socket = transport.getExtraInfo("socket");

      expect(socket).toBeInstanceOf(TransportSocket);
      expect(transport.getExtraInfo("socket")).toBe(socket);
      expect(socket?.family).toBe("IPv4");
      expect(socket?.type).toBe("stream");
      expect(socket?.getsockname()).toEqual(transport.getExtraInfo("sockname"));
      expect(socket?.getpeername()).toEqual(transport.getExtraInfo("peername"));
    }));

  test("refuses to block", () => {
    const socket = new TransportSocket(new Socket(), { sockname: null, peername: null });

    socket.settimeout(0);
    socket.setblocking(false);

    expect(socket.gettimeout()).toBe(0);
    expect(() => socket.settimeout(1)).toThrow(RangeError);
    expect(() => socket.setblocking(true)).toThrow(RangeError);
    expect(socket.family).toBe("IPv4");
  });

  test("sets what Node can set", () => {
    const calls: unknown[] = [];
    const socket = new Socket();
    Object.assign(socket, {
      setNoDelay: (...args: unknown[]) => calls.push(["setNoDelay", ...args]),
      setKeepAlive: (...args: unknown[]) => calls.push(["setKeepAlive", ...args]),
      ref: () => calls.push(["ref"]),
      unref: () => calls.push(["unref"]),
    });
    const view = new TransportSocket(socket, { sockname: null, peername: null });

    view.setNoDelay();
    view.setNoDelay(false);
    view.setKeepAlive();
    view.setKeepAlive(true, 1_000);
    view.unref();
    view.ref();

    expect(calls).toEqual([
      ["setNoDelay", true],
      ["setNoDelay", false],
      ["setKeepAlive", true, 0],
      ["setKeepAlive", true, 1_000],
      ["unref"],
      ["ref"],
    ]);
  });
});
