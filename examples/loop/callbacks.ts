// Callbacks of the loop: soon, later, at a time; one after the other, and never inside another.

import { EventLoop } from "@aio/loop";

const loop = new EventLoop(); // `run()` of @aio/task makes one for you

loop.callSoon(() => {
  loop.callSoon(() => console.log("4: what was added meanwhile comes in the next round"));
  queueMicrotask(() => console.log("2: microtasks, as of promises, run before the next callback"));
  console.log("1: callbacks run in the order in which they were added");
});
loop.callSoon((text: string) => console.log(text), "3: callbacks may have arguments");
loop.callLater(200, () => loop.stop());
loop.callAt(loop.time() + 100, () => console.log("5: at a time of the loop's clock"));

const handle = loop.callLater(100, () => console.log("never"));
handle.cancel();

await loop.runForever();
loop.close();
console.log(`closed: ${loop.isClosed}`);

// Output:
// 1: callbacks run in the order in which they were added
// 2: microtasks, as of promises, run before the next callback
// 3: callbacks may have arguments
// 4: what was added meanwhile comes in the next round
// 5: at a time of the loop's clock
// closed: true
