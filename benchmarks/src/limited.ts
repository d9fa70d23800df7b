/** How many jobs may run at a time. */
export const LIMIT = 10;

/** Counts jobs, of which so many may run at a time. */
export class Limited {
  count = 0;
  #running = 0;

  enter(): void {
    this.#running += 1;
    if (this.#running > LIMIT) throw new Error(`${this.#running} jobs run at a time`);
  }

  leave(): void {
    this.#running -= 1;
    this.count += 1;
  }

  /** A job of native promises. */
  async work(): Promise<void> {
    this.enter();
    await Promise.resolve();
    this.leave();
  }
}

/** The least that keeps the limit: as many loops as jobs may run at a time. */
export async function nativeLoops(n: number): Promise<number> {
  const limited = new Limited();
  let left = n;
  const loop = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await limited.work();
    }
  };
  await Promise.all(Array.from({ length: LIMIT }, loop));
  return limited.count;
}
