import { load, type Order } from "./load.ts";
import type { Sample } from "./sample.ts";
import type { Body, Probe, Scenario } from "./scenario.ts";
import { median } from "./statistics.ts";

/** For scenarios that only count time. */
export const NO_PROBE: Probe = {
  parked: () => undefined,
  timed: (work) => work(),
  load: () => Promise.reject(new Error("Not a network scenario")),
};

/**
 * Measures `body`, `n` operations at a time, in this process.
 * @param duration how long to warm up, and then to measure, in milliseconds; where it is about time.
 */
export function measure(
  scenario: Scenario,
  body: Body,
  n: number,
  duration: number,
): Promise<Sample> {
  if (scenario.metric === "bytes") return measureBytes(body, n);
  if (scenario.connections !== undefined) {
    const { connections, messageSize = 64 } = scenario;
    return measureNetwork(body, { connections, messageSize, requests: n });
  }
  return measureTime(body, n, duration);
}

/**
 * Runs `body` and checks its result.
 * @internal
 */
export async function check(body: Body, n: number, probe: Probe = NO_PROBE): Promise<void> {
  const seen = await body(n, probe);
  if (seen !== n) throw new Error(`Expected ${n} operations to come out right, got ${seen}`);
}

/**
 * Runs `body` again and again, first until the time is up without counting: until then code is
 * optimised, and what was optimised too early is done again. A garbage collection in between would
 * undo that: optimised code goes with the last object of a shape.
 */
async function measureTime(body: Body, n: number, duration: number): Promise<Sample> {
  await repeat(duration, () => check(body, n));
  const times: Times[] = [];
  await repeat(duration, async () => {
    const stop = stopwatch();
    const parts: Times[] = [];
    const timed = async <T>(work: () => Promise<T>): Promise<T> => {
      const stopPart = stopwatch();
      const result = await work();
      parts.push(stopPart(1));
      return result;
    };
    await check(body, n, { ...NO_PROBE, timed });
    times.push(parts.length === 0 ? stop(n) : typical(parts, n));
  });
  const wall = median(times.map((time) => time.wall));
  const cpu = median(times.map((time) => time.cpu));
  return { wall, cpu, bytes: 0 };
}

/** What one of `n` operations takes, done in equal parts: pauses for the garbage of what is between them are left out. */
function typical(parts: readonly Times[], n: number): Times {
  const each = (key: keyof Times): number =>
    (median(parts.map((part) => part[key])) * parts.length) / n;
  return { wall: each("wall"), cpu: each("cpu") };
}

/** Calls `call` for `duration` milliseconds, at least twice. */
async function repeat(duration: number, call: () => Promise<void>): Promise<void> {
  const end = performance.now() + duration;
  for (let i = 0; i < 2 || performance.now() < end; i += 1) await call();
}

// No warm-up: garbage of it would be counted, or reused without being counted.
async function measureBytes(body: Body, n: number): Promise<Sample> {
  const stop = stopwatch();
  globalThis.gc?.();
  const before = process.memoryUsage.rss();
  let after = Number.NaN;
  const parked = (): void => {
    globalThis.gc?.();
    after = process.memoryUsage.rss();
  };
  await check(body, n, { ...NO_PROBE, parked });
  return { ...stop(n), bytes: (after - before) / n };
}

async function measureNetwork(body: Body, order: Order): Promise<Sample> {
  const n = order.requests;
  let sample: Sample | undefined;
  const probe: Probe = {
    ...NO_PROBE,
    load: async (port) => {
      let stop = stopwatch();
      const client = await load(port, order, () => {
        stop = stopwatch();
      });
      const { wall, cpu } = stop(n);
      sample = { wall, cpu, bytes: 0, client: client.cpu / (wall * n), latency: client.latency };
      return client.echoed;
    },
  };
  await check(body, n, probe);
  if (sample === undefined) throw new Error("The server never asked for load");
  return sample;
}

interface Times {
  wall: number;
  cpu: number;
}

/** Starts measuring. Call the result with the number of operations to stop. */
function stopwatch(): (n: number) => Times {
  const cpuStart = process.cpuUsage();
  const start = process.hrtime.bigint();
  return (n) => {
    const wall = Number(process.hrtime.bigint() - start);
    const { user, system } = process.cpuUsage(cpuStart);
    return { wall: wall / n, cpu: ((user + system) * 1_000) / n };
  };
}
