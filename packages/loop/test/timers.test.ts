import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Timer } from "../src/index.ts";
import { Timers } from "../src/timers.ts";

const timer = (when: number): Timer => ({ when, order: 0, index: -1, run: () => false });

/** Takes all timers out, earliest first. */
function takeAll(timers: Timers): Timer[] {
  const taken: Timer[] = [];
  for (let due = timers.takeDue(Infinity); due !== undefined; due = timers.takeDue(Infinity))
    taken.push(due);
  return taken;
}

describe("Timers", () => {
  test("come out ordered by time, then by registration, whatever was added and removed", () => {
    // Few different times, so that there are many ties; a negative number removes one.
    const steps = fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 300 });
    fc.assert(
      fc.property(steps, (numbers) => {
        const timers = new Timers();
        const model: Timer[] = [];
        for (const number of numbers) {
          if (number >= 0) {
            const added = timer(number);
            timers.add(added);
            model.push(added);
          } else if (model.length > 0) {
            const [removed] = model.splice(-number % model.length, 1);
            if (removed !== undefined) timers.remove(removed);
          }
          expect(timers.size).toBe(model.length);
          expect(timers.next).toBe(Math.min(Infinity, ...model.map(({ when }) => when)));
        }

        expect(takeAll(timers)).toEqual(model.toSorted((a, b) => a.when - b.when));
      }),
    );
  });

  test("are taken when they are due, and no earlier", () => {
    const timers = new Timers();
    const due = timer(5);
    timers.add(due);

    expect([timers.takeDue(4.999), timers.takeDue(5), timers.takeDue(5)]).toEqual([
      undefined,
      due,
      undefined,
    ]);
  });

  test("let a removed timer go at once, and forget it when it is removed again", () => {
    const timers = new Timers();
    const removed = timer(5);
    const kept = timer(6);
    timers.add(removed);
    timers.add(kept);

    timers.remove(removed);
    timers.remove(removed);

    expect([timers.size, timers.next, removed.index]).toEqual([1, 6, -1]);
  });

  test("have no next time when there are none", () => {
    expect(new Timers().next).toBe(Infinity);
  });

  test("are all let go by clear, and can be added again", () => {
    const timers = new Timers();
    const again = timer(1);
    timers.add(again);
    timers.add(timer(2));

    timers.clear();
    timers.remove(again);
    timers.add(again);

    expect(takeAll(timers)).toEqual([again]);
  });
});
