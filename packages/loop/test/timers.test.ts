import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Timer } from "../src/index.ts";
import { Timers } from "../src/timers.ts";

class TestTimer implements Timer {
  index = -1;
  readonly when: number;

  constructor(when: number) {
    this.when = when;
  }

  run(): boolean {
    return false;
  }
}

/** Adds a timer for `when`. */
function add(timers: Timers, when: number): TestTimer {
  const timer = new TestTimer(when);
  timers.add(timer, when);
  return timer;
}

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
        const model: TestTimer[] = [];
        for (const number of numbers) {
          if (number >= 0) {
            model.push(add(timers, number));
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
    const due = add(timers, 5);

    expect([timers.takeDue(4.999), timers.takeDue(5), timers.takeDue(5)]).toEqual([
      undefined,
      due,
      undefined,
    ]);
  });

  test("let a removed timer go at once, and forget it when it is removed again", () => {
    const timers = new Timers();
    const removed = add(timers, 5);
    add(timers, 6);

    timers.remove(removed);
    timers.remove(removed);

    expect([timers.size, timers.next, removed.index]).toEqual([1, 6, -1]);
  });

  test("have no next time when there are none", () => {
    expect(new Timers().next).toBe(Infinity);
  });

  test("are all let go by clear, and can be added again", () => {
    const timers = new Timers();
    const again = add(timers, 1);
    add(timers, 2);

    timers.clear();
    timers.remove(again);
    timers.add(again, again.when);

    expect(takeAll(timers)).toEqual([again]);
  });
});
