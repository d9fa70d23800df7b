// A task group: nothing in it outlives it, and when one part fails, the others are stopped.

import { ExceptionGroup, run, sleep, taskGroup } from "@aio/task";

async function load(part: string, delay: number) {
  try {
    await sleep(delay);
    if (part === "images") throw new Error("no images");
    console.log(`loaded ${part}`);
    return part;
  } finally {
    console.log(`${part}: over`);
  }
}

await run(async () => {
  const page = await taskGroup(async (group) => {
    const text = group.createTask(() => load("text", 200));
    const style = group.createTask(() => load("style", 100));
    return `${await text} with ${await style}`;
  });
  console.log(page);

  try {
    await taskGroup((group) => {
      void group.createTask(() => load("text", 3_600_000));
      void group.createTask(() => load("images", 100));
    });
  } catch (error) {
    // `except* Error` becomes a look at `errors`, or `error.split(…)`.
    if (!(error instanceof ExceptionGroup)) throw error;
    console.log(`failed: ${error.errors.join(", ")}`);
  }
});

// Output:
// loaded style
// style: over
// loaded text
// text: over
// text with style
// images: over
// text: over
// failed: Error: no images
