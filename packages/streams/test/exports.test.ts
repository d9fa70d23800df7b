import { expect, test } from "vitest";
import * as streams from "../src/index.ts";

test("@aio/streams exports exactly these names", () => {
  expect(Object.keys(streams).toSorted()).toEqual([
    "ConnectionResetError",
    "DEFAULT_LIMIT",
    "IncompleteReadError",
    "LimitOverrunError",
    "LineTooLongError",
    "StreamReader",
    "StreamReaderProtocol",
    "StreamWriter",
    "openConnection",
    "startServer",
  ]);
});
