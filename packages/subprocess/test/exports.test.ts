import { expect, test } from "vitest";
import * as subprocess from "../src/index.ts";

test("@aio/subprocess exports exactly these names", () => {
  expect(Object.keys(subprocess).toSorted()).toEqual([
    "BrokenPipeError",
    "CalledProcessError",
    "CommunicateCancelledError",
    "DEVNULL",
    "FileNotFoundError",
    "NotADirectoryError",
    "PIPE",
    "PermissionError",
    "Process",
    "ProcessLookupError",
    "STDOUT",
    "SpawnError",
    "SubprocessTransport",
    "TimeoutExpired",
    "createSubprocessExec",
    "createSubprocessShell",
    "runProcess",
    "subprocessExec",
    "subprocessShell",
  ]);
});
