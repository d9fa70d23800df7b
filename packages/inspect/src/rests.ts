import { setTimeout as pause } from "node:timers/promises";

/** Waits so many milliseconds; returns false when the signal came first. */
export async function rests(interval: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(interval, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}
