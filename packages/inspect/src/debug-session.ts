import { InspectError } from "./errors.ts";

// How long the other side may take to say good-bye, in milliseconds.
const PARTING = 1_000;

/** The inspector was closed under us, or is gone with its program. */
export class SessionLostError extends InspectError {}

/** A connection to the inspector of a Node process, by the debug protocol on loopback. */
export class DebugSession {
  readonly #socket: WebSocket;
  readonly #calls = new Map<number, PromiseWithResolvers<unknown>>();
  #lastId = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(String(data)));
    socket.addEventListener("close", () => this.#closed());
  }

  /** The address of the inspector that listens on `port`, or null when none does. */
  static async find(port: number): Promise<string | null> {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/json/list`, {
        signal: AbortSignal.timeout(2_000),
      });
      const targets = (await response.json()) as { readonly webSocketDebuggerUrl?: string }[];
      return targets.find((target) => target.webSocketDebuggerUrl)?.webSocketDebuggerUrl ?? null;
    } catch {
      return null; // nobody there, or somebody who is no inspector
    }
  }

  /** @throws SessionLostError when nobody takes the connection within `patience`, in milliseconds. */
  static async open(address: string, patience: number): Promise<DebugSession> {
    const socket = new WebSocket(address);
    const opened = new Promise<boolean>((resolve) => {
      socket.addEventListener("open", () => resolve(true), { once: true });
      socket.addEventListener("error", () => resolve(false), { once: true });
    });
    if ((await within(opened, patience)) === true) return new DebugSession(socket);
    socket.close();
    throw new SessionLostError(`The inspector at ${address} does not take connections`);
  }

  /**
   * Evaluates `expression` in the program, also while a callback holds its loop.
   * @param patience how long, in milliseconds.
   * @returns the value, which JSON can tell; undefined when it took longer.
   */
  async evaluate<T>(expression: string, patience: number): Promise<T | undefined> {
    return this.#evaluate<T>(expression, patience, false);
  }

  /** {@link DebugSession.evaluate}, and waits for the promise that it gives: for that, the loop must go round. */
  async evaluateAsync<T>(expression: string, patience: number): Promise<T | undefined> {
    return this.#evaluate<T>(expression, patience, true);
  }

  async #evaluate<T>(
    expression: string,
    patience: number,
    awaitPromise: boolean,
  ): Promise<T | undefined> {
    const call = this.#call("Runtime.evaluate", {
      expression,
      includeCommandLineAPI: true, // `require`
      awaitPromise,
      returnByValue: true,
      silent: true,
    });
    const answer = (await within(call, patience)) as Evaluated<T> | undefined;
    if (answer?.exceptionDetails !== undefined) {
      const { exception, text } = answer.exceptionDetails;
      throw new InspectError(
        `The program could not be looked at: ${exception?.description ?? text}`,
      );
    }
    return answer?.result.value;
  }

  /** Closes the connection, and waits until it is, but not for long. */
  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise((resolve) => {
      this.#socket.addEventListener("close", resolve, { once: true });
    });
    this.#socket.close();
    await within(closed, PARTING);
  }

  #call(method: string, params: object): Promise<unknown> {
    const call = Promise.withResolvers<unknown>();
    const id = ++this.#lastId;
    this.#calls.set(id, call);
    if (this.#socket.readyState !== WebSocket.OPEN) this.#closed();
    else this.#socket.send(JSON.stringify({ id, method, params }));
    return call.promise;
  }

  #receive(data: string): void {
    const { id, result, error } = JSON.parse(data) as Answer;
    const call = id === undefined ? undefined : this.#calls.get(id);
    if (id === undefined || call === undefined) return; // an event
    this.#calls.delete(id);
    if (error === undefined) call.resolve(result);
    else if (/context/.test(error.message)) call.reject(lost());
    else call.reject(new InspectError(`The inspector refuses: ${error.message}`));
  }

  #closed(): void {
    for (const call of this.#calls.values()) call.reject(lost());
    this.#calls.clear();
  }
}

/** A program that ends loses the context that its code runs in first, then the inspector. */
function lost(): SessionLostError {
  return new SessionLostError("The program ended, or closed its inspector, during the look");
}

interface Answer {
  readonly id?: number;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Evaluated<T> {
  readonly result: { readonly value: T };
  readonly exceptionDetails?: {
    readonly text: string;
    readonly exception?: { readonly description?: string };
  };
}

/** What `promise` gives, or undefined when it takes longer than `patience`, in milliseconds. */
async function within<T>(promise: Promise<T>, patience: number): Promise<T | undefined> {
  const timer = AbortSignal.timeout(patience);
  return Promise.race([
    promise,
    new Promise<undefined>((resolve) =>
      timer.addEventListener("abort", () => resolve(undefined), { once: true }),
    ),
  ]);
}
