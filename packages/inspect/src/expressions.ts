import type { LookOptions } from "@aio/loop";

// What is evaluated in the program, by the debug protocol: it may interrupt any function, those of Node among them.
// So it does nothing that must not come in the middle of itself. A timer that is set or cleared there makes, now and
// then, Node's own lists of timers wrong, and the program dies of it; `setImmediate`, and plain objects, bear it.

// Those who come by the inspector that one of them has opened: it is closed behind the last one. One that was killed
// counts until it has not asked for so long, in milliseconds.
const VISITORS = `globalThis[Symbol.for("@aio/inspect/visitors")]`;
const PATIENCE = 30_000;
const ARE_GONE = `![...visitors.values()].some((time) => Date.now() - time < ${PATIENCE})`;

/** How often, in milliseconds, a visitor has to give a sign of life: see {@link visit}. */
export const SIGN_OF_LIFE: number = PATIENCE / 3;

// How often it is looked whether the session of the last one has gone, in milliseconds, and how many times at most.
const PARTING_TICK = 20;
const PARTING_TICKS = 150;

const PROVIDERS = `[...globalThis[Symbol.for("@aio/inspect")].providers]`;
// What every answer has besides the loops.
const HEADER = `version: 1, pid: process.pid, node: process.version, command: process.argv, time: Date.now()`;

/**
 * Notes a visitor. Gives whether the inspector was opened by one, rather than by somebody else. Then it is also closed
 * when all of them were killed.
 */
export function enter(visitor: string, wasOpen: boolean): string {
  return `(() => {
    if (${wasOpen} && ${VISITORS} === undefined) return false;
    if (${VISITORS} === undefined) {
      const visitors = (${VISITORS} = new Map());
      const load = require;
      setImmediate(() => {
        const inspector = load("node:inspector");
        const timer = setInterval(() => {
          if (visitors === ${VISITORS} && !(${ARE_GONE})) return;
          clearInterval(timer);
          if (visitors !== ${VISITORS}) return; // the last one has left
          delete ${VISITORS};
          inspector.close();
        }, ${SIGN_OF_LIFE});
        timer.unref();
      });
    }
    ${VISITORS}.set("${visitor}", Date.now());
    return true;
  })()`;
}

/**
 * Takes a visitor off. Behind the last one nothing is counted any more, and the inspector is closed: by a timer of the program, when the session
 * has gone, of which the program is not told: Node 22 crashes, now and then, where an inspector is closed under an open session. So there is a file
 * then, `sign`; where that cannot be seen, some seconds of the program's own time must do.
 * `require` is one that the debug protocol gives: Node 22.0 has no other way to a module from there.
 */
export function leave(visitor: string, sign: string): string {
  return `(() => {
    const visitors = ${VISITORS} ?? new Map();
    visitors.delete("${visitor}");
    if (!(${ARE_GONE})) return false;
    const load = require;
    setImmediate(() => {
      if (!(${ARE_GONE})) return; // somebody else has come
      for (const provider of globalThis[Symbol.for("@aio/inspect")]?.providers ?? []) provider.stopMeasuring();
      if (visitors !== ${VISITORS}) return;
      const inspector = load("node:inspector");
      const { existsSync } = load("node:fs");
      let left = ${PARTING_TICKS};
      const timer = setInterval(() => {
        if (visitors === ${VISITORS} && (${ARE_GONE})) {
          left = existsSync(${JSON.stringify(sign)}) ? Math.min(left - 1, 1) : left - 1;
          if (left > 0) return; // once more: the session takes a turn to go
          delete ${VISITORS};
          clearInterval(timer);
          inspector.close();
        } else clearInterval(timer); // somebody else has come, or has closed it
      }, ${PARTING_TICK});
    });
    return visitors === ${VISITORS}; // else somebody else has opened it
  })()`;
}

/** A look, which gives a promise of JSON: that is made a turn later, so that the program does not stand still for both. */
export function look(visitor: string, options: LookOptions): string {
  return `(async () => {
    ${visit(visitor)};
    const looks = await Promise.all(
      ${PROVIDERS}.map((provider) => provider.look(${JSON.stringify(options)})),
    );
    await new Promise((resolve) => setImmediate(resolve));
    return JSON.stringify({
      ${HEADER}, blocked: false,
      pause: Math.max(...looks.map(({ pause }) => pause)),
      loops: looks.flatMap(({ loops }) => loops),
    });
  })()`;
}

/** The same of a program that does not come round its loop: V8 interrupts it. */
export function snapshot(): string {
  return `(() => {
    const start = performance.now();
    const loops = ${PROVIDERS}.flatMap((provider) => provider.snapshot());
    return JSON.stringify({ ${HEADER}, blocked: true, pause: performance.now() - start, loops });
  })()`;
}

/** The figures since the last time, as JSON. */
export function measure(visitor: string): string {
  return `(() => {
    ${visit(visitor)};
    const parts = ${PROVIDERS}.map((provider) => provider.measure());
    return JSON.stringify({ ...parts[0], loops: parts.flatMap(({ loops }) => loops) });
  })()`;
}

/** Gives a sign of life. Of one that has left, a question may still be under way: that brings nobody back. */
export function visit(visitor: string): string {
  return `${VISITORS}?.has("${visitor}") && ${VISITORS}.set("${visitor}", Date.now())`;
}
