import { expect, test } from "vitest";
import * as task from "../src/index.ts";

test("The package exports these names, and no others", () => {
  expect(Object.keys(task).toSorted()).toEqual([
    "ALL_COMPLETED",
    "ExceptionGroup",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "Runner",
    "Task",
    "TaskGroup",
    "allTasks",
    "asCompleted",
    "createEagerTaskFactory",
    "createTask",
    "currentTask",
    "eagerTaskFactory",
    "ensureFuture",
    "gather",
    "getTaskFactory",
    "mapConcurrent",
    "moveOnAfter",
    "race",
    "run",
    "setTaskFactory",
    "shield",
    "sleep",
    "staggeredRace",
    "sweepCancellations",
    "taskGroup",
    "timeout",
    "timeoutAt",
    "wait",
    "waitFor",
    "yieldNow",
  ]);
});
