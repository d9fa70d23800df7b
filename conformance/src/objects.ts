import {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  LifoQueue,
  Lock,
  PriorityQueue,
  Queue,
  Semaphore,
} from "@aio/sync";
import type { Json, ObjectKind, Scenario } from "./scenario.ts";

/** An object that scenarios synchronise with. */
export type ScenarioObject = Lock | Event | Condition | Semaphore | Barrier | Queue<Json>;

// A new primitive is a row here and a file in `statements/`.
const constructors: Readonly<Record<ObjectKind, (...rest: number[]) => ScenarioObject>> = {
  Lock: () => new Lock(),
  Event: () => new Event(),
  Condition: () => new Condition(),
  Semaphore: (value) => new Semaphore(value),
  BoundedSemaphore: (value) => new BoundedSemaphore(value),
  Barrier: (parties = 1) => new Barrier(parties),
  Queue: (maxsize) => new Queue<Json>(maxsize),
  LifoQueue: (maxsize) => new LifoQueue<Json>(maxsize),
  PriorityQueue: (maxsize) => new PriorityQueue<Json>(maxsize),
};

/** Makes the objects of a scenario. */
export function createObjects(scenario: Scenario): Map<string, ScenarioObject> {
  const objects = Object.entries(scenario.objects ?? {});
  return new Map(objects.map(([name, [kind, ...rest]]) => [name, constructors[kind](...rest)]));
}
