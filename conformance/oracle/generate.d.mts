import type { Scenario } from "../src/scenario.ts";

/** The profiles of generated scenarios: what they are mainly about. */
export const PROFILES: readonly string[];

/** Makes a random scenario: the same one every time for the same seed and profile. */
export function generate(seed: number, profile: string): Scenario;
