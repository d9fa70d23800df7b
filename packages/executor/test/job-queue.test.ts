import { describe, expect, test } from "vitest";
import type { Job } from "../src/job.ts";
import { JobQueue } from "../src/job-queue.ts";

describe("The jobs that wait", () => {
  test("come in their order, those that were put back first", () => {
    const queue = new JobQueue();
    const [a, b, c, d] = jobs("a", "b", "c", "d");
    for (const job of [a, b]) queue.add(job);

    expect(queue.first).toBe(a);
    expect(queue.first).toBe(a); // it stays
    queue.delete(a);
    queue.add(c);
    queue.putBack([d, a]);

    expect(queue.all).toEqual([d, a, b, c]);
    expect(taken(queue)).toEqual([d, a, b, c]);
    expect([queue.first, queue.size]).toEqual([null, 0]);
  });

  test("may leave from anywhere, and come when there were none", () => {
    const queue = new JobQueue();
    const [a, b, c, d] = jobs("a", "b", "c", "d");
    expect(queue.first).toBe(null);
    for (const job of [a, b, c]) queue.add(job);
    expect(queue.first).toBe(a);

    expect([queue.delete(a), queue.delete(b), queue.delete(b)]).toEqual([true, true, false]);
    expect(taken(queue)).toEqual([c]);
    queue.add(d);
    expect(taken(queue)).toEqual([d]);
    for (const job of [a, b]) queue.add(job);
    queue.delete(a);
    expect(taken(queue)).toEqual([b]);
  });
});

/** Takes all, one after the other. */
function taken(queue: JobQueue): Job<unknown>[] {
  const all: Job<unknown>[] = [];
  for (let job = queue.first; job !== null; job = queue.first) {
    queue.delete(job);
    all.push(job);
  }
  return all;
}

/** Of a job, the queue looks at nothing. */
function jobs<const N extends string[]>(...names: N): { [I in keyof N]: Job<unknown> } {
  return names.map((name) => ({ name })) as never;
}
