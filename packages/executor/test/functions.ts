import { inThread } from "../src/index.ts";

/** The functions of the fixture, to be called in workers. */
export const functions = inThread<typeof import("./fixtures/functions.ts")>(
  new URL("fixtures/functions.ts", import.meta.url),
);

/** Memory that a test and a thread share: it tells that it runs, and it is told to go on. */
export class Gate {
  readonly flags = new Int32Array(new SharedArrayBuffer(12));

  /** Waits until the thread runs; it holds the loop no longer than one look. */
  async entered(): Promise<void> {
    await Atomics.waitAsync(this.flags, 0, 0).value;
  }

  /** Waits until the thread has seen that it was cancelled. */
  async cancelled(): Promise<void> {
    await Atomics.waitAsync(this.flags, 2, 0).value;
  }

  open(): void {
    Atomics.store(this.flags, 1, 1);
    Atomics.notify(this.flags, 1);
  }
}

/** What `action` throws. */
export async function thrownBy(action: () => unknown): Promise<Error & Record<string, unknown>> {
  try {
    await action();
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error("Nothing was thrown");
}
