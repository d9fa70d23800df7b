import { Event } from "@aio/sync";
import { type ObjectKind, type Scenario, stringsIn } from "./scenario.ts";

/** What can be made so far. A new primitive is a row here and a file in `statements/`. */
const constructors = {
  Event: () => new Event(),
} satisfies Partial<Record<ObjectKind, (...constructorArguments: number[]) => unknown>>;

type SupportedKind = keyof typeof constructors;

/** An object that scenarios synchronise with. */
export type ScenarioObject = ReturnType<(typeof constructors)[SupportedKind]>;

/** The kinds of objects that the statements of a scenario name and the library does not have. */
export function missingKinds(scenario: Scenario): ObjectKind[] {
  const named = new Set(stringsIn([scenario.bodies, scenario.callbacks]));
  const needed = Object.entries(scenario.objects ?? {}).filter(([name]) => named.has(name));
  const kinds = new Set(needed.map(([, [kind]]) => kind));
  return [...kinds].filter((kind) => !isSupported(kind));
}

/** Makes the objects of a scenario, as far as the library has them. */
export function createObjects(scenario: Scenario): Map<string, ScenarioObject> {
  const objects = new Map<string, ScenarioObject>();
  for (const [name, [kind]] of Object.entries(scenario.objects ?? {})) {
    if (isSupported(kind)) objects.set(name, constructors[kind]());
  }
  return objects;
}

function isSupported(kind: ObjectKind): kind is SupportedKind {
  return kind in constructors;
}
