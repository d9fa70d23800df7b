import { describe, expect, test } from "vitest";
import { formatAddress, toSocketAddress } from "../src/address.ts";

describe("addresses", () => {
  test("are written as in a URL", () => {
    expect(formatAddress("127.0.0.1", 80)).toBe("127.0.0.1:80");
    expect(formatAddress("::1", 80)).toBe("[::1]:80");
  });

  test("are taken over from the host, frozen", () => {
    const address = toSocketAddress({ address: "::1", port: 1, family: "IPv6" });

    expect(address).toEqual({ address: "::1", port: 1, family: "IPv6" });
    expect(Object.isFrozen(address)).toBe(true);
    expect(toSocketAddress({})).toBeNull();
  });
});
