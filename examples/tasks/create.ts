// Tasks have names, results and states, and the loop knows them all.

import { allTasks, createTask, currentTask, run, sleep } from "@aio/task";

async function measure(place: string) {
  console.log(`${currentTask()?.name} looks at ${place}`);
  await sleep(100);
  return place.length;
}

await run(async () => {
  // The loop keeps a task alive. In asyncio you have to, or it may be collected while it runs.
  const first = createTask(() => measure("the north"), { name: "first" });
  const second = createTask(() => measure("the south pole"), { name: "second" });
  console.log(`${allTasks().size} tasks, first.done: ${first.done}`);

  console.log((await first) + (await second));
  console.log(`${allTasks().size} task, first.done: ${first.done}`);
  console.log(first);
});

// Output:
// 3 tasks, first.done: false
// first looks at the north
// second looks at the south pole
// 23
// 1 task, first.done: true
// <Task finished result=9 name='first'>
