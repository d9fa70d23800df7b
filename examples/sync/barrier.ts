// A Barrier: nobody goes on before all are there.

import { Barrier } from "@aio/sync";
import { gather, run, sleep } from "@aio/task";

const summit = new Barrier(3);

async function climb(name: string, duration: number) {
  await sleep(duration);
  console.log(`${name} arrives`);
  const place = await summit.wait(); // 0, 1 or 2, each once
  if (place === 0) console.log("a photo of all three");
}

await run(() =>
  gather(
    () => climb("Ada", 300),
    () => climb("Bob", 100),
    () => climb("Cyd", 200),
  ),
);

// Output:
// Bob arrives
// Cyd arrives
// Ada arrives
// a photo of all three
