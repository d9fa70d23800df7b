import type { Figures } from "@aio/loop";
import { providers } from "./providers.ts";

/** What the loops of this process did since the last call. They count from the first call on, until 30 seconds after the last. */
export function measure(): Figures {
  const parts = providers().map((provider) => provider.measure());
  return {
    period: Math.max(0, ...parts.map(({ period }) => period)),
    lag: parts[0]?.lag ?? null,
    loops: parts.flatMap(({ loops }) => loops),
  };
}

/** Ends that. */
export function stopMeasuring(): null {
  for (const provider of providers()) provider.stopMeasuring();
  return null;
}
