import { describe, expect, test } from "vitest";
import { DebugSession, SessionLostError } from "../src/debug-session.ts";
import { InspectError } from "../src/errors.ts";

/** An inspector that refuses everything, with the same message. */
class Refusing extends EventTarget {
  readonly readyState = WebSocket.OPEN;
  readonly #message: string;

  constructor(message: string) {
    super();
    this.#message = message;
  }

  send(text: string): void {
    const { id } = JSON.parse(text) as { id: number };
    const data = JSON.stringify({ id, error: { message: this.#message } });
    queueMicrotask(() => this.dispatchEvent(new MessageEvent("message", { data })));
  }
}

function sessionOf(message: string): DebugSession {
  return new DebugSession(new Refusing(message) as EventTarget as WebSocket);
}

describe("A session with an inspector", () => {
  test.each(["Cannot find context with specified id", "Execution context was destroyed."])(
    "is lost when the program has begun to end: %s",
    async (message) => {
      await expect(sessionOf(message).evaluate("1", 60_000)).rejects.toThrow(SessionLostError);
    },
  );

  test("tells of what it is refused", async () => {
    await expect(sessionOf("Too much").evaluate("1", 60_000)).rejects.toThrow(
      new InspectError("The inspector refuses: Too much"),
    );
  });
});
