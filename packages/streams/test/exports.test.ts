import { expect, test } from "vitest";
import * as streams from "../src/index.ts";

test("@aio/streams exports exactly these names", () => {
  expect(Object.keys(streams).toSorted()).toEqual([
    "ConnectionResetError",
    "DEFAULT_LIMIT",
    "FlowControlProtocol",
    "IncompleteReadError",
    "LimitOverrunError",
    "LineTooLongError",
    "StreamReader",
    "StreamReaderProtocol",
    "StreamWriter",
    "fromDuplex",
    "isConnectionError",
    "openConnection",
    "openUnixConnection",
    "startServer",
    "startUnixServer",
    "toDuplex",
  ]);
});
