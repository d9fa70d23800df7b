// An async function is a coroutine; what is to begin later is a function that calls it.

import { createTask, run, sleep } from "@aio/task";

async function greet(name: string) {
  console.log(`hello ${name}`);
  await sleep(10);
  return `${name} was greeted`;
}

await run(async () => {
  // In Python greet("Ada") does nothing until it is awaited. In JavaScript a call begins at once.
  const promise = greet("Ada");
  console.log("after the call");
  console.log(await promise);

  // A task takes a function, and calls it when it is its turn: createTask(greet("Bob")) is an error.
  const task = createTask(() => greet("Bob"));
  console.log("after createTask");
  console.log(await task);
});

// Output:
// hello Ada
// after the call
// Ada was greeted
// after createTask
// hello Bob
// Bob was greeted
