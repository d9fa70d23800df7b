import type { Scenario } from "./scenario.ts";
import { boundedMap } from "./scenarios/bounded-map.ts";
import { boundedQueue } from "./scenarios/bounded-queue.ts";
import { contendedLock, heldLock } from "./scenarios/contended-lock.ts";
import { echoBulk, echoFifty, echoOne } from "./scenarios/echo.ts";
import { freeLock } from "./scenarios/free-lock.ts";
import { limitedJobs } from "./scenarios/limited-jobs.ts";
import { idleConnections } from "./scenarios/idle-connections.ts";
import { parked } from "./scenarios/parked.ts";
import { pipedBytes } from "./scenarios/piped-bytes.ts";
import { pingPong } from "./scenarios/ping-pong.ts";
import { processes } from "./scenarios/processes.ts";
import { queuePingPong } from "./scenarios/queue-ping-pong.ts";
import { sleepers } from "./scenarios/sleepers.ts";
import { sleeps } from "./scenarios/sleeps.ts";
import { spawnAndAwait } from "./scenarios/spawn-and-await.ts";
import { spawnAndJoin } from "./scenarios/spawn-and-join.ts";
import { inFlight, roundTrips, shortJobs, transfers } from "./scenarios/threads.ts";
import { timeouts } from "./scenarios/timeouts.ts";
import { timers } from "./scenarios/timers.ts";
import { waiters } from "./scenarios/waiters.ts";
import { yields } from "./scenarios/yields.ts";
import { yieldsOfMany } from "./scenarios/yields-of-many.ts";

/** All scenarios, in the order of the list of targets. */
export const scenarios: readonly Scenario[] = [
  spawnAndJoin,
  spawnAndAwait,
  yields,
  yieldsOfMany,
  pingPong,
  queuePingPong,
  contendedLock,
  heldLock,
  freeLock,
  waiters,
  limitedJobs,
  boundedMap,
  boundedQueue,
  timers,
  timeouts,
  sleeps,
  echoFifty,
  echoOne,
  echoBulk,
  idleConnections,
  processes,
  pipedBytes,
  roundTrips,
  inFlight,
  transfers,
  shortJobs,
  sleepers,
  parked,
];

/** Returns the scenario with the number `id`. */
export function findScenario(id: string): Scenario {
  const scenario = scenarios.find((candidate) => candidate.id === id);
  if (scenario !== undefined) return scenario;
  const ids = scenarios.map((candidate) => candidate.id).join(", ");
  throw new RangeError(`Expected a scenario out of ${ids}, got "${id}"`);
}
