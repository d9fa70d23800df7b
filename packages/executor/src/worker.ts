import { AsyncResource } from "node:async_hooks";
import { constants, Script } from "node:vm";
import {
  isMainThread,
  type MessagePort,
  receiveMessageOnPort,
  type Transferable,
  workerData,
} from "node:worker_threads";
import {
  ABORT,
  ABORTED,
  ANSWER,
  BROKEN,
  CLOSE,
  DEFINE,
  DONE,
  FAILED,
  type FunctionDefinition,
  type Message,
  PROGRESS,
  READY,
  RUN,
  SENT,
  SKIPPED,
  STARTED,
  type WorkerSettings,
} from "./messages.ts";
import { packError } from "./pack-error.ts";
import { transferables } from "./transfer.ts";
import { type CurrentJob, type Link, workerState } from "./worker-state.ts";

// What a thread or a process of a pool runs.

type Callable = (...args: unknown[]) => unknown;
type Post = (message: Message, moved?: Transferable[]) => void;

/** Runs the jobs that are sent, one after the other. */
class WorkerLoop {
  readonly #post: Post;
  readonly #flags: Int32Array | null;
  readonly #definitions = new Map<number, FunctionDefinition>();
  readonly #functions = new Map<number, Callable>();
  readonly #answers = new Map<number, (isError: boolean, value: unknown) => void>();
  /** As in the message. */
  #inbox: unknown[] = [];
  #next = 0;
  #isBusy = true; // until it has started
  #slot = -1;

  constructor(post: Post, flags: Int32Array | null, wait: Link["wait"]) {
    this.#post = post;
    this.#flags = flags;
    workerState.report = (value) => post([PROGRESS, this.#slot, value]);
    workerState.link = {
      post: (message) => post(message),
      expect: (call, answer) => this.#answers.set(call, answer),
      wait,
    };
  }

  async start({ initializer }: WorkerSettings): Promise<void> {
    if (initializer !== null) {
      try {
        const fn = await load(initializer.definition);
        await fn(...initializer.args);
      } catch (error) {
        this.#post([BROKEN, packError(error)]);
        process.exit(1);
      }
    }
    this.#post([READY]);
    this.#isBusy = false;
    this.#work();
  }

  receive(message: Message): void {
    const [kind] = message;
    if (kind === RUN) {
      for (let i = 1; i < message.length; i += 1) this.#inbox.push(message[i]);
      this.#work();
    } else if (kind === DEFINE) {
      const definition = message[1] as FunctionDefinition;
      this.#definitions.set(definition.key, definition);
    } else if (kind === ABORT) {
      this.#abort(message);
    } else if (kind === ANSWER) {
      const [, call, isError, value] = message as [number, number, boolean, unknown];
      const answer = this.#answers.get(call);
      this.#answers.delete(call);
      answer?.(isError, value);
    } else if (kind === CLOSE) {
      process.exit(0);
    }
  }

  /** Does what is in the inbox, until a job has to be waited for. */
  #work(): void {
    while (!this.#isBusy && this.#next < this.#inbox.length) {
      const inbox = this.#inbox;
      const at = this.#next;
      this.#next += WIDTH;
      const slot = inbox[at] as number;
      const key = inbox[at + 1] as number;
      const args = inbox[at + 2] as unknown[];
      const context = inbox[at + 3] as CurrentJob["context"];
      if (this.#next === inbox.length) {
        this.#inbox = [];
        this.#next = 0;
      }
      if (
        this.#flags !== null &&
        Atomics.compareExchange(this.#flags, slot, SENT, STARTED) !== SENT
      ) {
        this.#post([SKIPPED, slot]);
        continue;
      }
      const fn = this.#functions.get(key);
      if (fn === undefined) void this.#loadAndRun(slot, key, args, context);
      else this.#run(slot, fn, args, context);
    }
  }

  async #loadAndRun(
    slot: number,
    key: number,
    args: unknown[],
    context: CurrentJob["context"],
  ): Promise<void> {
    const definition = this.#definitions.get(key);
    if (definition === undefined)
      throw new Error("unreachable: functions are defined before they are used");
    this.#isBusy = true;
    let fn: Callable;
    try {
      this.#begin(slot, context); // a module may look at the context while it is loaded
      fn = await load(definition);
      this.#functions.set(key, fn);
    } catch (error) {
      this.#fail(slot, definition.label, error, -1);
      this.#work();
      return;
    }
    this.#isBusy = false;
    if (workerState.job?.isAborted() === true) this.#skip(slot);
    else this.#run(slot, fn, args, context);
    this.#work();
  }

  #run(slot: number, fn: Callable, args: unknown[], context: CurrentJob["context"]): void {
    const start = performance.now();
    this.#isBusy = true;
    if (workerState.job === null || this.#slot !== slot) this.#begin(slot, context);
    let result: unknown;
    try {
      result = context === undefined ? fn(...args) : inContext(context, fn, args);
      // Not by a `then` of its own, which may throw, or call back twice: the slot is another job's by then.
      if (isThenable(result)) result = Promise.resolve(result);
    } catch (error) {
      this.#fail(slot, fn.name, error, performance.now() - start);
      return;
    }
    if (result instanceof Promise) {
      result.then(
        (value: unknown) => {
          this.#succeed(slot, fn, value, start);
          this.#work();
        },
        (error: unknown) => {
          this.#fail(slot, fn.name, error, performance.now() - start);
          this.#work();
        },
      );
      return;
    }
    this.#succeed(slot, fn, result, start);
  }

  #succeed(slot: number, fn: Callable, value: unknown, start: number): void {
    this.#end();
    const message: Message = [DONE, slot, value, performance.now() - start];
    try {
      if (typeof value === "object" && value !== null) this.#post(message, transferables([value]));
      else this.#post(message);
    } catch (error) {
      const reason = new TypeError(
        `The result of \`${fn.name || "anonymous"}\` cannot be sent from a worker: ${(error as Error).message}; return plain data`,
        { cause: error },
      );
      this.#post([FAILED, slot, packError(reason), -1]);
    }
  }

  #fail(slot: number, name: string, error: unknown, elapsed: number): void {
    this.#end();
    try {
      this.#post([FAILED, slot, packError(error), elapsed]);
    } catch (problem) {
      const reason = new TypeError(
        `What \`${name || "anonymous"}\` has thrown cannot be sent from a worker: ${(problem as Error).message}; throw an Error with plain data`,
        { cause: problem },
      );
      this.#post([FAILED, slot, packError(reason), elapsed]);
    }
  }

  #begin(slot: number, context: CurrentJob["context"]): void {
    const flags = this.#flags;
    this.#slot = slot;
    const job: CurrentJob = {
      isAborted: () =>
        job.abort !== null ||
        (job === workerState.job && flags !== null && Atomics.load(flags, slot) === ABORTED),
      abort: null,
      controller: null,
      progress: null,
      context,
    };
    workerState.job = job;
  }

  #end(): void {
    workerState.job?.progress?.flush();
    workerState.job = null;
    this.#slot = -1;
    this.#isBusy = false;
  }

  /** The job in `slot` was cancelled before it was called. */
  #skip(slot: number): void {
    this.#end();
    this.#post([SKIPPED, slot]);
  }

  /** Takes a job out that waits for this worker to start; unless it was over before the message came. */
  #forget(slot: number): void {
    for (let at = this.#next; at < this.#inbox.length; at += WIDTH) {
      if (this.#inbox[at] !== slot) continue;
      this.#inbox.splice(at, WIDTH);
      this.#post([SKIPPED, slot]);
      return;
    }
  }

  #abort([, slot, message, reason]: Message): void {
    const { job } = workerState;
    if (slot !== this.#slot) this.#forget(slot as number);
    if (job === null || slot !== this.#slot) return;
    job.abort = { message: message as string, reason: reason as string };
    job.controller?.abort();
  }
}

/** How many elements a job has in a message. */
const WIDTH = 4;

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}

/** Calls `fn` with the contexts that have travelled along; what it changes of them ends with it. */
function inContext(
  context: Readonly<Record<string, unknown>>,
  fn: Callable,
  args: unknown[],
): unknown {
  return new AsyncResource("aio job").runInAsyncScope(() => {
    for (const [name, value] of Object.entries(context))
      workerState.contexts.get(name)?.enterWith(value);
    return fn(...args);
  });
}

async function load({ label, place }: FunctionDefinition): Promise<Callable> {
  if ("source" in place) {
    const script = new Script(place.source, {
      filename: place.file,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    return script.runInThisContext() as Callable;
  }
  const { module, name } = place;
  const exported = (await importModule(module)) as Record<string, unknown>;
  const fn = exported[name];
  if (typeof fn === "function") return fn as Callable;
  const names = Object.keys(exported).filter((key) => typeof exported[key] === "function");
  const known = names.length === 0 ? "no functions" : names.map((key) => `\`${key}\``).join(", ");
  throw new TypeError(`${module} exports no function \`${label}\`; it exports ${known}`);
}

async function importModule(module: string): Promise<object> {
  try {
    return (await import(module)) as object;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ERR_UNKNOWN_FILE_EXTENSION") throw error;
    throw new TypeError(
      `This Node (${process.version}) cannot run ${module}; TypeScript needs Node 22.18 or later, or execArgv: ["--experimental-strip-types"] for the executor, or a compiled module`,
      { cause: error },
    );
  }
}

function startInThread(port: MessagePort, settings: WorkerSettings): void {
  const wait = (bell: Int32Array, timeout: number): boolean => {
    if (Atomics.wait(bell, 0, 0, timeout) === "timed-out") return false;
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port))
      loop.receive(got.message as Message);
    return true;
  };
  const loop = new WorkerLoop(
    (message, moved) => port.postMessage(message, moved ?? []),
    settings.flags,
    wait,
  );
  port.on("message", (message: Message) => loop.receive(message));
  void loop.start(settings);
}

function startInProcess(): void {
  const loop = new WorkerLoop((message) => void process.send?.(message), null, null);
  process.once("message", ([, settings]: [number, WorkerSettings]) => {
    process.on("message", (message: Message) => loop.receive(message));
    void loop.start(settings);
  });
  process.once("disconnect", () => process.exit(0)); // whoever has started us is gone
  process.on("SIGINT", () => undefined); // Ctrl-C reaches the whole group: it is for the program to decide
}

if (isMainThread) startInProcess();
else startInThread(workerData.port as MessagePort, workerData.settings as WorkerSettings);
