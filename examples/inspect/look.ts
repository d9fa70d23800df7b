// A look at the own program: what each task waits for, who holds it, and who waits for each other.

import { takeLook } from "@aio/inspect";
import { Lock } from "@aio/sync";
import { createTask, run, sleep, wait } from "@aio/task";

async function both(first: Lock, second: Lock) {
  await first.acquire();
  await sleep(1);
  await second.acquire();
}

await run(async () => {
  const [accounts, journal] = [new Lock(), new Lock()];
  const tasks = [
    createTask(() => both(accounts, journal), { name: "transfer" }),
    createTask(() => both(journal, accounts), { name: "audit" }),
  ];
  await sleep(10);

  const { loops } = await takeLook();
  for (const { tasks: seen, cycles } of loops) {
    const nameOf = (id: number) => seen.find((task) => task.id === id)?.name;
    for (const { name, waits } of seen) {
      for (const { what, on, frames } of waits) {
        console.log(`${name} waits for ${what.split(" of ")[0]}, held by ${on.map(nameOf).join()}`);
        console.log(`  in ${frames[0]?.functionName}, line ${frames[0]?.line}`);
      }
    }
    for (const cycle of cycles)
      console.log(`a deadlock of ${cycle.tasks.map(nameOf).join(" and ")}`);
  }

  for (const task of tasks) task.cancel();
  await wait(tasks);
});

// Output:
// transfer waits for acquire(), held by audit
//   in both, line 10
// audit waits for acquire(), held by transfer
//   in both, line 10
// a deadlock of transfer and audit
