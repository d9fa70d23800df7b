import type { LookOptions, Snapshot } from "@aio/loop";
import { providers } from "./providers.ts";

/**
 * Takes a look at this process: its loops, their tasks, what these wait for, and where.
 *
 * @example
 * ```ts
 * const { loops } = await takeLook();
 * for (const cycle of loops.flatMap((loop) => loop.cycles)) console.error("deadlock", cycle);
 * ```
 */
export async function takeLook(options?: LookOptions): Promise<Snapshot> {
  const looks = await Promise.all(providers().map((provider) => provider.look(options)));
  return {
    version: 1,
    pid: process.pid,
    node: process.version,
    command: process.argv,
    time: Date.now(),
    blocked: false,
    pause: Math.max(0, ...looks.map(({ pause }) => pause)),
    loops: looks.flatMap(({ loops }) => loops),
  };
}
