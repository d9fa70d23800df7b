import { isConnectionError, type StreamReader, type StreamWriter } from "@aio/streams";
import { Event, Semaphore } from "@aio/sync";
import { race, sleep } from "@aio/task";

/** How many requests are worked on at a time; others wait. */
const AT_ONCE = 50;

/** Answers requests: each is a line with a number of milliseconds that it takes. */
export class Requests {
  answered = 0;
  running = 0;
  readonly #stop: Event;
  readonly #slots = new Semaphore(AT_ONCE);

  /** @param stop set when no more requests are to be taken. */
  constructor(stop: Event) {
    this.#stop = stop;
  }

  /** Serves one connection: one request after the other, until the client or the server wants no more. */
  async serve(reader: StreamReader, writer: StreamWriter) {
    try {
      for (;;) {
        const request = await this.#next(reader);
        if (request === null) break;
        writer.write(`${await this.#answer(Number(request))}\n`);
        await writer.drain();
        this.answered += 1;
      }
    } catch (error) {
      if (!isConnectionError(error)) throw error;
    } finally {
      writer.close(); // sends all of it before
    }
  }

  /** Waits for a request; null at the end. An idle connection ends at once when the server stops. */
  async #next(reader: StreamReader) {
    if (this.#stop.isSet) return null;
    const line = await race(
      () => reader.readline(),
      () => this.#stop.wait(),
    );
    return line === true || line.length === 0 ? null : String(line);
  }

  async #answer(duration: number) {
    if (!(duration >= 0 && duration < Infinity)) return "expected a number of milliseconds";
    this.running += 1;
    try {
      await this.#slots.with(() => sleep(duration)); // the work
      return `done in ${duration} ms`;
    } finally {
      this.running -= 1;
    }
  }
}
