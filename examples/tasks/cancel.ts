// A task is cancelled: what it waits for throws, however deep, and every finally runs.

import { CancelledError } from "@aio/loop";
import { createTask, run, sleep } from "@aio/task";

async function download(file: string) {
  try {
    await receive();
    console.log("complete"); // not reached
  } finally {
    console.log(`removed what there was of ${file}`);
  }
}

// Nothing is passed on: no token, no signal.
async function receive() {
  await sleep(3_600_000);
}

await run(async () => {
  const task = createTask(() => download("movie.mkv"));
  await sleep(100);
  task.cancel("the user left");
  try {
    await task;
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    console.log(`cancelled by the ${error.reason}: ${error.message}`);
  }
  console.log(task.cancelled);
});

// Output:
// removed what there was of movie.mkv
// cancelled by the caller: the user left
// true
