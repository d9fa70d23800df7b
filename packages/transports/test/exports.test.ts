import { expect, test } from "vitest";
import * as transports from "../src/index.ts";

test("@aio/transports exports exactly these names", () => {
  expect(Object.keys(transports).toSorted()).toEqual([
    "Server",
    "TransportSocket",
    "createConnection",
    "createServer",
    "formatAddress",
  ]);
});
