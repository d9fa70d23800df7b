import type { Record, Step } from "./script.ts";

/** Calls the methods of `player` that the steps name, one after the other. What they give, or `failure` makes of their errors, is the record. */
export async function play(
  player: object,
  steps: readonly Step[],
  failure: (error: unknown) => object,
): Promise<Record> {
  const record: [string, unknown][] = [];
  for (const [name, ...rest] of steps) {
    const step = player[name as keyof typeof player] as (...rest: unknown[]) => unknown;
    let outcome: unknown;
    try {
      outcome = await step.apply(player, rest);
    } catch (error) {
      outcome = failure(error);
    }
    if (outcome !== undefined) record.push([name, outcome]);
  }
  return record;
}
