// A Future around something with callbacks, which is undone when the wait is cancelled.

import { EventEmitter } from "node:events";
import { getRunningLoop, type Operation, operation } from "@aio/loop";
import { moveOnAfter, run } from "@aio/task";

const door = new EventEmitter();

/** Waits until somebody knocks. An operation begins at the call, and can be cancelled by itself. */
function knock(): Operation<string> {
  return operation(async () => {
    const knocked = getRunningLoop().createFuture<string>();
    const listener = (name: string) => knocked.setResult(name);
    door.once("knock", listener);
    try {
      return await knocked;
    } finally {
      door.off("knock", listener); // also when this is cancelled
    }
  });
}

await run(async () => {
  getRunningLoop().callLater(10, () => door.emit("knock", "Ada"));
  console.log(`${await knock()} is at the door`);

  await moveOnAfter(10, knock);
  console.log(`listeners left: ${door.listenerCount("knock")}`);
});

// Output:
// Ada is at the door
// listeners left: 0
