// A Future of one's own: one part of a program waits for what another part brings.

import { type Future, getRunningLoop } from "@aio/loop";
import { createTask, run, sleep } from "@aio/task";

async function cook(dinner: Future<string>) {
  console.log("cooking");
  await sleep(10);
  dinner.setResult("soup");
}

await run(async () => {
  const dinner = getRunningLoop().createFuture<string>();
  dinner.addDoneCallback(() => console.log("the bell rings"));
  void createTask(() => cook(dinner));

  console.log(`waiting, done: ${dinner.done}`);
  console.log(`eating ${await dinner}`);
  console.log(`done: ${dinner.done}, and again: ${dinner.result()}`);
});

// Output:
// waiting, done: false
// cooking
// the bell rings
// eating soup
// done: true, and again: soup
