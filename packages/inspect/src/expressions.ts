import type { LookOptions } from "@aio/loop";

// What is evaluated in the program, by the debug protocol.

// Those who come by the inspector that one of them has opened: it is closed behind the last one. One that was killed
// counts until it has not asked for so long, in milliseconds.
const VISITORS = `globalThis[Symbol.for("@aio/inspect/visitors")]`;
const PATIENCE = 30_000;

// How long the session of the last one may take to go, in milliseconds.
const CLOSING_DELAY = 50;

const PROVIDERS = `[...globalThis[Symbol.for("@aio/inspect")].providers]`;
// What every answer has besides the loops.
const HEADER = `version: 1, pid: process.pid, node: process.version, command: process.argv, time: Date.now()`;

/** Notes a visitor. Gives whether the inspector was opened by one, rather than by somebody else. */
export function enter(visitor: string, wasOpen: boolean): string {
  return `(() => {
    if (${wasOpen} && ${VISITORS} === undefined) return false;
    ${VISITORS} ??= new Map();
    ${visit(visitor)};
    return true;
  })()`;
}

/**
 * Takes a visitor off. Behind the last one nothing is counted any more, and the inspector is closed: by a timer of the program, when the session
 * has gone: Node has crashed, now and then, where an inspector was closed under an open session.
 * `require` is one that the debug protocol gives: Node 22.0 has no other way to a module from there.
 */
export function leave(visitor: string): string {
  return `(() => {
    const visitors = ${VISITORS} ?? new Map();
    const isLeft = () => ![...visitors.values()].some((time) => Date.now() - time < ${PATIENCE});
    visitors.delete("${visitor}");
    if (!isLeft()) return false;
    for (const provider of globalThis[Symbol.for("@aio/inspect")]?.providers ?? []) provider.stopMeasuring();
    if (visitors !== ${VISITORS}) return false; // somebody else has opened it
    const inspector = require("node:inspector");
    setTimeout(() => {
      if (visitors !== ${VISITORS} || !isLeft()) return; // somebody else has come, or has closed it
      delete ${VISITORS};
      inspector.close();
    }, ${CLOSING_DELAY});
    return true;
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

function visit(visitor: string): string {
  return `${VISITORS}?.set("${visitor}", Date.now())`;
}
