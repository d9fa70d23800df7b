import dns, { type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { getRunningLoop, isCancelled } from "@aio/loop";
import { createTask, run, yieldNow } from "@aio/task";
import { describe, expect, test, vi } from "vitest";
import { resolve } from "../src/resolve.ts";
import { recordLog } from "./recorder.ts";

describe("resolve", () => {
  test.each([
    ["127.0.0.1", 4],
    ["::1", 6],
  ])("does not look %s up", (address, family) =>
    run(async () => {
      const lookup = vi.fn<LookupFunction>();

      expect(await resolve(getRunningLoop(), address, { lookup })).toEqual([{ address, family }]);

      expect(lookup).not.toHaveBeenCalled();
    }),
  );

  test("asks for all addresses in the order of the resolver", () =>
    run(async () => {
      const found: LookupAddress[] = [
        { address: "::1", family: 6 },
        { address: "127.0.0.1", family: 4 },
      ];
      const lookup = vi.fn<LookupFunction>((_host, _options, callback) => callback(null, found));

      expect(await resolve(getRunningLoop(), "example.org", { lookup, family: 4 })).toEqual(found);

      expect(lookup.mock.calls[0]?.slice(0, 2)).toEqual([
        "example.org",
        { all: true, family: 4, order: "verbatim" },
      ]);
    }));

  test("uses the host's resolver by default", () =>
    run(async () => {
      const addresses = await resolve(getRunningLoop(), "localhost", { family: 4 });

      expect(addresses).toEqual([{ address: "127.0.0.1", family: 4 }]);
    }));

  test("throws the error of the resolver", () =>
    run(async () => {
      const failure = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: dns.NOTFOUND });
      const lookup: LookupFunction = (_host, _options, callback) => callback(failure, []);

      await expect(resolve(getRunningLoop(), "example.org", { lookup })).rejects.toBe(failure);
    }));

  test.each([[[]], ["an address alone"]])("throws when the resolver gives %o", (answer) =>
    run(async () => {
      const found = resolve(getRunningLoop(), "example.org", {
        lookup: (_host, _options, callback) => callback(null, answer),
      });

      await expect(found).rejects.toMatchObject({
        code: "ENOTFOUND",
        message: "No address found for example.org",
      });
    }),
  );

  test("drops the answer when it was cancelled", () =>
    run(async () => {
      let answer: (() => void) | undefined;
      const lookup: LookupFunction = (_host, _options, callback) => {
        answer = () => callback(null, [{ address: "127.0.0.1", family: 4 }]);
      };
      const task = createTask(() => resolve(getRunningLoop(), "example.org", { lookup }));
      await yieldNow();

      task.cancel();
      await expect(task).rejects.toSatisfy(isCancelled);

      expect(answer).not.toThrow();
    }));
});

describe("resolve, in debug mode", () => {
  test("logs what was looked up, and for how long", () =>
    run(
      async () => {
        const lines = recordLog();

        await resolve(getRunningLoop(), "example.org", { lookup: lookupLocal });

        expect(lines).toEqual([
          "debug Looking up example.org took * ms: [ { address: '127.0.0.1', family: 4 } ]",
        ]);
      },
      { debug: true },
    ));

  test("warns of a look-up that takes long, also of one that fails", () =>
    run(
      async () => {
        const lines = recordLog();
        getRunningLoop().slowCallbackDuration = 0;

        await expect(
          resolve(getRunningLoop(), "example.org", { lookup: lookupFails }),
        ).rejects.toThrow("no such host");

        expect(lines[0]).toBe("warn Looking up example.org took * ms: Error: no such host");
      },
      { debug: true },
    ));

  test("logs nothing of an address", () =>
    run(
      async () => {
        const lines = recordLog();

        await resolve(getRunningLoop(), "127.0.0.1", {});

        expect(lines).toEqual([]);
      },
      { debug: true },
    ));
});

const lookupLocal: LookupFunction = (_host, _options, callback) =>
  callback(null, [{ address: "127.0.0.1", family: 4 }]);

const lookupFails: LookupFunction = (_host, _options, callback) =>
  callback(new Error("no such host"), []);
