// race: the first result, and the losers are stopped, unlike those of Promise.race.

import { race, run, sleep, staggeredRace } from "@aio/task";

async function mirror(name: string, delay: number) {
  try {
    await sleep(delay);
    return `the page, from ${name}`;
  } finally {
    console.log(`${name} ends`);
  }
}

await run(async () => {
  console.log(
    await race(
      () => mirror("near", 10),
      () => mirror("far", 3_600_000),
    ),
  );

  // The next one begins when the one before has failed, or takes longer than 100 ms: Happy Eyeballs.
  const { winner, errors } = await staggeredRace(
    [
      () => Promise.reject(new Error("no route")),
      () => mirror("v6", 3_600_000),
      () => mirror("v4", 10),
    ],
    100,
  );
  console.log(winner?.value);
  console.log(String(errors[0]));
});

// Output:
// near ends
// far ends
// the page, from near
// v4 ends
// v6 ends
// the page, from v4
// Error: no route
