// A task fails: who awaits it gets the error; when nobody does, the loop reports it.

import { getRunningLoop } from "@aio/loop";
import { createTask, run, sleep } from "@aio/task";

async function divide(a: number, b: number) {
  await sleep(10);
  if (b === 0) throw new RangeError(`${a} cannot be divided by zero`);
  return a / b;
}

await run(async () => {
  const task = createTask(() => divide(1, 0));
  try {
    await task;
  } catch (error) {
    console.log(`caught ${String(error)}`);
  }

  // It can be looked at without a try, once the task is done.
  console.log(`its exception is a ${task.exception()?.name}`);

  // The log, by default. JavaScript would end the process for a promise like that.
  getRunningLoop().exceptionHandler = (_loop, { message, exception }) =>
    console.log(`${message}: ${String(exception)}`);
  void createTask(() => divide(2, 0), { name: "lost" });
  await sleep(20);
});

// Output:
// caught RangeError: 1 cannot be divided by zero
// its exception is a RangeError
// Task 'lost' exception was never retrieved: RangeError: 2 cannot be divided by zero
