import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ring } from "../src/ring.ts";

describe("Ring", () => {
  test("gives back what was pushed, first in, first out, whatever its length", () => {
    const pushesAndShifts = fc.array(fc.integer({ min: -100, max: 150 }), { maxLength: 30 });
    fc.assert(
      fc.property(pushesAndShifts, (amounts) => {
        const ring = new Ring<number>();
        const model: number[] = [];
        let next = 0;
        for (const amount of amounts) {
          for (let count = 0; count < amount; count += 1) {
            ring.push(next);
            model.push(next);
            next += 1;
          }
          for (let count = amount; count < 0 && model.length > 0; count += 1)
            expect(ring.shift()).toBe(model.shift());
          expect(ring.length).toBe(model.length);
        }
      }),
    );
  });

  test("is empty after clear, and can be filled again", () => {
    const ring = new Ring<number>();
    for (let item = 0; item < 200; item += 1) ring.push(item);

    ring.clear();
    ring.push(7);

    expect([ring.length, ring.shift(), ring.length]).toEqual([1, 7, 0]);
  });
});
