import type { Writable } from "node:stream";
import { inspect } from "node:util";
import type { StreamWriter } from "@aio/streams";
import type { Bytes } from "@aio/transports";
import { Milestone } from "./milestone.ts";

/** All that a process is to read: it is sent, and stdin is closed then, whoever waits for it. */
export class Input {
  /** How many bytes it is; of a string: how many characters. */
  readonly size: number;
  readonly #sent: Milestone;

  constructor(stdin: StreamWriter, bytes: Bytes) {
    if (typeof bytes !== "string" && !(bytes instanceof Uint8Array))
      throw new TypeError(`Expected \`input\` to be bytes or a string, got ${inspect(bytes)}`);
    this.size = bytes.length;
    this.#sent = new Milestone(stdin.loop);
    const done = (): void => {
      stdin.close();
      this.#sent.reach();
    };
    const pipe = stdin.getExtraInfo("pipe") as Writable | null;
    // Straight to the pipe: a transport would keep a copy. That the process does not read all of it is no error.
    if (pipe === null || stdin.isClosing() || bytes.length === 0) done();
    else pipe.write(bytes, done);
  }

  /** Waits until all of it is sent, or the process reads no more. Cancellation: nothing changes. */
  sent(): Promise<void> {
    return this.#sent.reached();
  }
}
