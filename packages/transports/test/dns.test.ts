import type { LookupFunction } from "node:net";
import { getRunningLoop, isCancelled } from "@aio/loop";
import { createTask, run } from "@aio/task";
import { describe, expect, test } from "vitest";
import { getaddrinfo, getnameinfo } from "../src/index.ts";

const lookup: LookupFunction = (_host, _options, callback) =>
  callback(null, [
    { address: "::1", family: 6 },
    { address: "127.0.0.1", family: 4 },
  ]);

const never: LookupFunction = () => undefined;

describe("getaddrinfo", () => {
  test("gives the addresses with the port", () =>
    run(async () => {
      expect(await getaddrinfo("example.org", 80, { lookup })).toEqual([
        { address: "::1", port: 80, family: "IPv6" },
        { address: "127.0.0.1", port: 80, family: "IPv4" },
      ]);
      expect(await getaddrinfo("127.0.0.1")).toEqual([
        { address: "127.0.0.1", port: 0, family: "IPv4" },
      ]);
    }));

  test("refuses what is no host or port", () =>
    run(async () => {
      expect(() => getaddrinfo("")).toThrow(TypeError);
      expect(() => getaddrinfo("a", -1)).toThrow(RangeError);
      expect(() => getaddrinfo("a", "http" as never)).toThrow(TypeError);
    }));

  test("can be cancelled", () =>
    run(async () => {
      const keepAlive = getRunningLoop().callLater(1e6, () => undefined); // as a real look-up does
      const task = createTask(async () => getaddrinfo("example.org", 80, { lookup: never }));

      await Promise.resolve();
      task.cancel();

      await expect(task).rejects.toSatisfy(isCancelled);
      keepAlive.cancel();
    }));
});

describe("getnameinfo", () => {
  test("gives a host and a service", () =>
    run(async () => {
      const [host, service] = await getnameinfo({ address: "127.0.0.1", port: 1 });

      expect(host).not.toBe("");
      expect(service).not.toBe("");
    }));

  test("refuses names and ports that are none", () =>
    run(async () => {
      expect(() => getnameinfo({ address: "localhost", port: 80 })).toThrow(RangeError);
      expect(() => getnameinfo({ address: "127.0.0.1", port: 70_000 })).toThrow(RangeError);
    }));
});
