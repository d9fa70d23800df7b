import { CancelledError } from "@aio/loop";
import { ConnectionResetError, LineTooLongError } from "@aio/streams";
import { describe, expect, test } from "vitest";
import { fault, show } from "../src/report.ts";

describe("show", () => {
  test("puts the address before the port, in brackets when it has colons of its own", () => {
    expect(show({ address: "127.0.0.1", port: 80 })).toBe("127.0.0.1:80");
    expect(show({ address: "::1", port: 80 })).toBe("[::1]:80");
  });

  test("knows nothing of a socket that was gone before we asked", () => {
    expect(show(null)).toBe("(gone)");
  });
});

describe("fault", () => {
  test("tells what the other side did", () => {
    expect(fault(new LineTooLongError("65536 bytes"))).toBe("its line is too long");
    expect(fault(new ConnectionResetError("Connection lost"))).toBe("Connection lost");
  });

  test("tells what the system says", () => {
    const error = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });

    expect(fault(error)).toBe("write EPIPE");
  });

  test.each([
    new CancelledError(),
    new TypeError("x is not a function"),
    Object.assign(new TypeError("Expected a string"), { code: "ERR_INVALID_ARG_TYPE" }),
    "no error at all",
  ])("throws what is of another kind: %o", (error) => {
    expect(() => fault(error)).toThrow(error);
  });
});
