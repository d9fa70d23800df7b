// A thread reports to the loop what it finds, until it is told to stop.

import { exposeLoop, inThread } from "@aio/executor";
import { Queue } from "@aio/sync";
import { run, taskGroup } from "@aio/task";

const { search } = inThread<typeof import("./search.ts")>(new URL("./search.ts", import.meta.url));

await run(() =>
  taskGroup(async (group) => {
    const pairs = new Queue<string>();
    // What the thread may call, by call_soon_threadsafe; it runs here, as a callback of the loop.
    const handle = exposeLoop({
      found: (a: number, b: number) => pairs.putNowait(`${a} and ${b}`),
    });
    const searching = group.createTask(() => search(handle));
    for (let count = 0; count < 3; count += 1) console.log(await pairs.get());
    searching.cancel(); // `currentSignal()` tells the thread
  }),
);

// Output:
// 220 and 284
// 1184 and 1210
// 2620 and 2924
