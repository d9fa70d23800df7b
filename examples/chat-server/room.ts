import { Queue } from "@aio/sync";

/** How many messages may wait for a member: one who reads slower than others talk has to leave. */
const PATIENCE = 100;

/** Who is there, and what is still to be sent to each. */
export class Room {
  readonly #outboxes = new Map<string, Queue<string>>();

  /** Lets somebody in; null when the name is taken. */
  enter(name: string) {
    if (this.#outboxes.has(name)) return null;
    const outbox = new Queue<string>(PATIENCE);
    this.#tell(outbox, `* here: ${[...this.#outboxes.keys(), "you"].join(", ")}`);
    this.say(`* ${name} is here`);
    this.#outboxes.set(name, outbox);
    return outbox;
  }

  leave(name: string) {
    if (this.#outboxes.delete(name)) this.say(`* ${name} has left`);
  }

  /** Says something to all, but for its author. It waits for nobody. */
  say(text: string, author?: string) {
    for (const [name, outbox] of this.#outboxes) if (name !== author) this.#tell(outbox, text);
  }

  /** Says goodbye: the outboxes end when they have been sent. */
  close() {
    this.say("* the server stops");
    for (const outbox of this.#outboxes.values()) outbox.shutdown();
    this.#outboxes.clear();
  }

  #tell(outbox: Queue<string>, text: string) {
    if (outbox.full) outbox.shutdown({ immediate: true });
    if (!outbox.isShutDown) outbox.putNowait(`${text}\n`);
  }
}
