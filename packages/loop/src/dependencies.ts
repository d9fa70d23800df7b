/** What something cannot end without, for call graphs and reports. */
export interface Dependencies {
  /** Futures and tasks. */
  readonly on: readonly object[];
  /** Whether all of them must end, or one is enough. */
  readonly mode: "all" | "any";
  /** Whether they are awaited, or hold what is wanted. */
  readonly relation: "awaits" | "held by";
}

/** Of what depends on nothing that is known. */
export const noDependencies: Dependencies = { on: [], mode: "all", relation: "awaits" };
