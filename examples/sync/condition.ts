// A Condition: waits until something that others change is as it should be.

import { Condition } from "@aio/sync";
import { run, sleep, taskGroup } from "@aio/task";

let cakes = 0;
const changed = new Condition();

async function guest(name: string, wanted: number) {
  await changed.with(async () => {
    await changed.waitFor(() => cakes >= wanted);
    cakes -= wanted;
    console.log(`${name} takes ${wanted}, ${cakes} left`);
  });
}

async function baker() {
  for (let batch = 0; batch < 3; batch += 1) {
    await sleep(100);
    await changed.with(() => {
      cakes += 2;
      console.log("2 cakes more");
      changed.notifyAll();
    });
  }
}

await run(() =>
  taskGroup((group) => {
    void group.createTask(() => guest("Ada", 4));
    void group.createTask(() => guest("Bob", 1));
    void group.createTask(baker);
  }),
);

// Output:
// 2 cakes more
// Bob takes 1, 1 left
// 2 cakes more
// 2 cakes more
// Ada takes 4, 1 left
