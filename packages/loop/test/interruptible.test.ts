import { describe, expect, test } from "vitest";
import { CancelledError, Scope, interruptible } from "../src/index.ts";
import { inLoop, nextTurn } from "./in-loop.ts";

describe("interruptible", () => {
  test("gives what the promise gives", async () => {
    await inLoop(async () => {
      const boom = new Error("boom");

      expect(await interruptible(Promise.resolve("value"))).toBe("value");
      await expect(interruptible(Promise.reject(boom))).rejects.toBe(boom);
    });
  });

  test("ends the wait at once when it is cancelled, and drops what comes later", async () => {
    await inLoop(async (loop) => {
      const foreign = Promise.withResolvers<string>();
      const scope = new Scope();
      const work = scope.run(async () => await interruptible(foreign.promise));
      await nextTurn(loop);

      scope.cancel("left behind");
      await expect(work).rejects.toThrow(new CancelledError("left behind"));

      foreign.reject(new Error("too late"));
      await nextTurn(loop);
      expect(loop.unretrieved.size).toBe(0);
    });
  });

  test("has a cancel of its own", async () => {
    await inLoop(async () => {
      const wait = interruptible(Promise.withResolvers<string>().promise);

      expect([wait.cancel("own"), wait.cancel()]).toEqual([true, false]);
      await expect(wait).rejects.toThrow(new CancelledError("own"));
    });
  });
});
