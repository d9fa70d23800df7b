// An Event: all who wait for it go on when it is set.

import { Event } from "@aio/sync";
import { run, sleep, taskGroup } from "@aio/task";

const started = new Event();

async function runner(name: string) {
  console.log(`${name} is ready`);
  await started.wait();
  console.log(`${name} runs`);
}

await run(() =>
  taskGroup(async (group) => {
    void group.createTask(() => runner("Ada"));
    void group.createTask(() => runner("Bob"));
    await sleep(10);
    console.log("go!");
    started.set();
  }),
);

// Output:
// Ada is ready
// Bob is ready
// go!
// Ada runs
// Bob runs
