import { expect, test } from "vitest";
import * as transports from "../src/index.ts";

test("@aio/transports exports exactly these names", () => {
  expect(Object.keys(transports).toSorted()).toEqual([
    "DatagramTransport",
    "NotSupportedError",
    "SSLCertVerificationError",
    "SSLError",
    "SendfileNotAvailableError",
    "Server",
    "TransportSocket",
    "attachReadPipe",
    "attachWritePipe",
    "connectAcceptedSocket",
    "connectReadPipe",
    "connectWritePipe",
    "createConnection",
    "createDatagramEndpoint",
    "createServer",
    "createUnixConnection",
    "createUnixServer",
    "formatAddress",
    "getaddrinfo",
    "getnameinfo",
    "isConnectionError",
    "sendfile",
    "startTls",
  ]);
});
