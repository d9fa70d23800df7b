import { Queue } from "@aio/sync";

/** How many messages may wait for a member: one who reads slower than others talk has to leave. */
const PATIENCE = 100;

interface Member {
  /** What is still to be sent. */
  readonly outbox: Queue<string>;
  /** Breaks the connection off. */
  readonly drop: () => void;
}

/** Who is there, and what is still to be sent to each. */
export class Room {
  readonly #members = new Map<string, Member>();

  /** Lets somebody in, and gives what is to be sent; null when the name is taken. */
  enter(name: string, drop: () => void) {
    if (this.#members.has(name)) return null;
    const outbox = new Queue<string>(PATIENCE);
    outbox.putNowait(`* here: ${[...this.#members.keys(), "you"].join(", ")}\n`);
    this.say(`* ${name} is here`);
    this.#members.set(name, { outbox, drop });
    return outbox;
  }

  leave(name: string) {
    if (this.#members.delete(name)) this.say(`* ${name} has left`);
  }

  /** Says something to all, but for its author. It waits for nobody. */
  say(text: string, author?: string) {
    for (const [name, { outbox, drop }] of this.#members) {
      if (name === author) continue;
      if (outbox.full) drop();
      else outbox.putNowait(`${text}\n`);
    }
  }

  /** Says goodbye: the outboxes end when they have been sent. */
  close() {
    this.say("* the server stops");
    for (const { outbox } of this.#members.values()) outbox.shutdown();
    this.#members.clear();
  }
}
