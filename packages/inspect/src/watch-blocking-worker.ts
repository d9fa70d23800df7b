import { once } from "node:events";
import { writeSync } from "node:fs";
import type { Debugger } from "node:inspector";
import { Session } from "node:inspector/promises";
import { parentPort, workerData } from "node:worker_threads";
import { framesOf, programFrames } from "@aio/loop";
import type { Blocking, WatchSettings } from "./watch-blocking.ts";

// The thread that watches another: see watchBlocking().

type Moment = Omit<Blocking, "duration">;

const { limit, beat, writes } = workerData as WatchSettings;
const interval = limit / 4;
const session = new Session();
let isAsking = false;
// What the loop was found doing in the block that lasts.
let moment: Moment | null = null;
let beats = 0;
let changed = performance.now();
let checked = changed;
// How much later than agreed this thread has looked since then: what stops both is no block.
let late = 0;

session.connectToMainThread();
setInterval(check, interval);

function check(): void {
  const now = performance.now();
  late += Math.max(0, now - checked - 2 * interval);
  checked = now;
  const count = Atomics.load(beat, 0);
  if (count !== beats) {
    if (moment !== null) tell(moment, now - changed);
    moment = null;
    beats = count;
    changed = now;
    late = 0;
  } else if (beats > 0 && now - changed - late >= limit && !isAsking && moment === null) {
    void ask(count);
  }
}

async function ask(count: number): Promise<void> {
  isAsking = true;
  const start = changed;
  try {
    const found = await stop(() => Atomics.load(beat, 0) === count);
    if (found === null) return;
    if (writes)
      write(
        `The loop is blocked for ${(performance.now() - start).toFixed(0)} ms by ${found.task === null ? "a callback" : `task ${found.task}`}, which runs\n${found.stack}`,
      );
    if (beats === count) moment = found;
    else tell(found, performance.now() - start); // it was over in the meantime
  } catch (error) {
    write(`The line that blocks the loop could not be found: ${String(error)}`);
  } finally {
    isAsking = false;
  }
}

/** Stops the program for a moment, and finds out what it does; null when it was too late, or somebody else has stopped it. */
async function stop(isInTime: () => boolean): Promise<Moment | null> {
  const urls = new Map<string, string>();
  const note = ({ params }: { params: Debugger.ScriptParsedEventDataType }): void => {
    urls.set(params.scriptId, params.url);
  };
  let isStopped = false;
  const stopped = once(session, "Debugger.paused").then(([event]) => {
    isStopped = true;
    return event as { params: Debugger.PausedEventDataType };
  });
  session.on("Debugger.scriptParsed", note);
  try {
    await session.post("Debugger.enable");
    if (isStopped || !isInTime()) return null; // at a breakpoint of somebody, or over
    await session.post("Debugger.pause");
    const { params } = await stopped;
    if (!isInTime()) return null;
    return await momentOf(params.callFrames, urls);
  } finally {
    session.off("Debugger.scriptParsed", note);
    // Takes back what it asked for, and lets the program go on; one that somebody else has stopped stays so.
    await session.post("Debugger.disable");
  }
}

async function momentOf(
  callFrames: readonly Debugger.CallFrame[],
  urls: ReadonlyMap<string, string>,
): Promise<Moment> {
  const lines = callFrames.map(({ functionName, location }) => {
    const url = urls.get(location.scriptId) ?? "";
    const place = `${url === "" ? "<anonymous>" : url}:${location.lineNumber + 1}:${(location.columnNumber ?? 0) + 1}`;
    return functionName === "" ? `    at ${place}` : `    at ${functionName} (${place})`;
  });
  const ofProgram = programFrames(Object.assign(new Error(), { stack: `\n${lines.join("\n")}` }));
  // Below the outermost frame of the program are only those of the loop.
  const outermost = lines.lastIndexOf(ofProgram.at(-1) ?? "");
  return {
    task: await runningTask(callFrames),
    frames: framesOf(ofProgram.join("\n")),
    stack: lines.slice(0, outermost === -1 ? undefined : outermost + 1).join("\n"),
  };
}

/** The first frames may be of code that the optimizer has left nothing of to ask. */
async function runningTask(callFrames: readonly Debugger.CallFrame[]): Promise<string | null> {
  for (const { callFrameId } of callFrames.slice(0, 5)) {
    const { result } = await session.post("Debugger.evaluateOnCallFrame", {
      callFrameId,
      expression: `[...(globalThis[Symbol.for("@aio/inspect")]?.providers ?? [])].map((provider) => provider.running()).find((task) => task !== null) ?? null`,
      returnByValue: true,
      silent: true,
    });
    if (typeof result.value === "string") return result.value;
  }
  return null;
}

function tell(found: Moment, duration: number): void {
  if (writes) write(`The loop goes on, after ${duration.toFixed(0)} ms`);
  parentPort?.postMessage({ ...found, duration } satisfies Blocking);
}

/** At once: the streams of a worker pass through the thread that is blocked. */
function write(text: string): void {
  writeSync(2, `aio: ${text}\n`);
}
