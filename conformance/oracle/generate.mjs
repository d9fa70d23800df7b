// Seeded random generator of conformance scenarios (language.md describes their
// language).
//
//   generate(seed, profile) -> scenario        pure: same arguments, same value
//
// Awaiting is kept acyclic: every body has a level and only awaits tasks that
// run a body of a higher level (cancelling is unrestricted).

import { generateWild } from "./generate-wild.mjs";

export const PROFILES = [
  "core",
  "combinators",
  "groups",
  "sync",
  "queues",
  "callbacks",
  "context",
  "eager",
  "mixed",
  "wild",
];

function mulberry32(a) {
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function hash(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) {
    h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  }
  return h >>> 0;
}

function randomOf(seed, profile) {
  return mulberry32((Math.imul(seed, 2654435761) ^ hash(profile)) >>> 0);
}

const W = {
  base: {
    sleep: 14,
    log: 4,
    await_: 7,
    cancel: 7,
    state: 2,
    try_: 9,
    raise: 2,
    return_: 1,
    spin: 2,
    storm: 3,
  },
  task: {
    spawn: 4,
    result: 1.2,
    exception: 1.2,
    cancelling: 1.5,
    uncancel: 1.5,
    ifdone: 1.5,
    loop: 1.5,
    call: 1.5,
    current: 0.6,
    now: 1,
    await_: 4,
    cancel: 4,
    break_: 3,
  },
  fut: { future: 1, set_result: 3, set_exception: 1.5, add_cb: 1.5, remove_cb: 0.7 },
  comb: {
    gather: 5,
    wait: 4,
    as_completed: 4,
    wait_for: 6,
    timeout: 6,
    reschedule: 3,
    expired: 2.2,
    when: 2,
    shield: 4,
  },
  group: { tg: 7, tg_spawn: 6, raise: 4 },
  sync: { lockish: 11, event: 8, cond: 13, barrier: 10, bareRelease: 1.5, locked: 2, handoff: 11 },
  queue: {
    put: 8,
    get: 9,
    put_nowait: 3,
    get_nowait: 3,
    task_done: 3,
    join: 2,
    q_info: 2,
    shutdown: 1.6,
    worker: 2,
    qhandoff: 9,
  },
  loop: {
    call_soon: 6,
    call_later: 6,
    call_at: 3,
    handle_cancel: 4,
    handle_info: 3,
    add_cb: 4,
    remove_cb: 1.5,
  },
  context: { ctx_set: 10, ctx_get: 14 },
};

const MIX = {
  core: { base: 1, task: 1.3, fut: 0.8 },
  combinators: { base: 0.7, task: 0.4, fut: 0.4, comb: 1.6 },
  groups: { base: 0.8, task: 0.4, fut: 0.2, comb: 0.3, group: 2.2 },
  sync: { base: 0.6, task: 0.25, comb: 0.2, sync: 1.5 },
  queues: { base: 0.6, task: 0.25, comb: 0.2, queue: 1.6 },
  callbacks: { base: 0.7, task: 0.4, fut: 1, loop: 1.6, comb: 0.2 },
  context: { base: 0.7, task: 0.6, fut: 0.4, loop: 0.5, comb: 0.3, group: 0.3, context: 1 },
  eager: { base: 0.8, task: 1, fut: 0.8, comb: 0.6, group: 0.6, sync: 0.25, queue: 0.2 },
  mixed: {
    base: 0.6,
    task: 0.5,
    fut: 0.5,
    comb: 0.6,
    group: 0.7,
    sync: 0.6,
    queue: 0.6,
    loop: 0.4,
    context: 0.1,
  },
};

class Gen {
  constructor(seed, profile) {
    this.rnd = randomOf(seed, profile);
    this.profile = profile;
    this.weights = {};
    for (const [part, k] of Object.entries(MIX[profile])) {
      for (const [op, w] of Object.entries(W[part])) {
        this.weights[op] = (this.weights[op] ?? 0) + w * k;
      }
    }
    this.parts = MIX[profile];
    this.seq = {};
    this.msgs = this.chance(0.3);
    this.eagerRate =
      profile === "eager" ? 0.65 : profile === "mixed" && this.chance(0.3) ? 0.25 : 0;
  }

  chance(p) {
    return this.rnd() < p;
  }
  int(lo, hi) {
    return lo + Math.floor(this.rnd() * (hi - lo + 1));
  }
  pick(list) {
    return list[Math.floor(this.rnd() * list.length)];
  }
  weighted(table) {
    let total = 0;
    for (const k in table) total += table[k];
    let x = this.rnd() * total;
    for (const k in table) if ((x -= table[k]) < 0) return k;
    return Object.keys(table)[0];
  }
  fresh(p) {
    this.seq[p] = (this.seq[p] ?? 0) + 1;
    return p + this.seq[p];
  }
  delay() {
    return this.pick([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 0.5]);
  }
  span() {
    return this.pick([0, 1, 1, 2, 2, 2, 3, 3, 4, 5]);
  }
  user() {
    return this.pick(["E1", "E1", "E2", "E3", "ValueError"]);
  }
  value() {
    return this.pick([1, 2, 3, "v", null, 7]);
  }

  // ---- whole scenario

  scenario() {
    const nb = this.int(2, 4);
    this.levels = nb;
    this.vars = []; // { name, level, kind }
    this.cbs = [];
    this.handles = [];
    this.objects = {};
    this.kinds = {};
    this.makeObjects();
    if (this.parts.loop || this.parts.fut) {
      for (let i = this.int(1, this.parts.loop ? 4 : 2); i > 0; i--) this.cbs.push(this.fresh("c"));
    }
    const tasks = [];
    for (let i = this.int(2, this.profile === "core" ? 6 : 5); i > 0; i--) {
      const level = this.chance(0.45) ? 1 : this.int(1, nb);
      const name = this.fresh("t");
      tasks.push({ name, level, kind: "task" });
    }
    const futs = [];
    if (this.parts.fut) {
      for (let i = this.int(0, 2); i > 0; i--)
        futs.push({ name: this.fresh("f"), level: 99, kind: "future" });
    }
    this.vars.push(...futs, ...tasks);

    const bodies = { main: null };
    this.extra = {};
    const mainCtx = {
      level: 0,
      main: true,
      depth: 0,
      tgs: [],
      tos: [],
      room: this.int(6, 16),
      loop: false,
    };
    const pre = futs.map((f) => ["future", f.name]);
    const inGroup = this.parts.group && this.chance(this.profile === "groups" ? 0.6 : 0.25);
    if (this.parts.context) pre.push(["ctx_set", "root"]);
    for (const f of futs)
      if (this.cbs.length && this.chance(0.3)) pre.push(["add_cb", f.name, this.pick(this.cbs)]);
    let main;
    if (inGroup) {
      const id = this.fresh("g");
      const inner = tasks.map((t) => ["tg_spawn", id, t.name, "b" + t.level, ...this.eagerOpt()]);
      mainCtx.tgs.push(id);
      inner.push(...this.block(mainCtx, this.int(1, 5)));
      mainCtx.tgs.pop();
      let st = ["tg", id, inner];
      if (this.chance(0.7))
        st = ["try", [st], [[this.pick(["Exception", "all", "ExceptionGroup"]), []]]];
      main = [...pre, st, ...this.block(mainCtx, this.int(0, 3))];
    } else {
      main = [...pre];
      for (const t of tasks) {
        main.push(["spawn", t.name, "b" + t.level, ...this.eagerOpt()]);
        if (this.chance(0.12)) main.push(["sleep", 0]);
        if (this.chance(0.06)) main.push(["cancel", t.name]);
      }
      if (this.chance(0.6)) main.push(["sleep", this.pick([0, 0, 1, 1, 2])]);
      main.push(...this.block(mainCtx, this.int(3, 8)));
      if (this.chance(0.7)) main.push(...this.ending(mainCtx));
    }
    // A late cancellation of main keeps most scenarios from ending blocked.
    const stuck = { sync: 0.5, queues: 0.65, eager: 0.35, mixed: 0.5 }[this.profile] ?? 0.15;
    if (this.chance(stuck)) {
      if (this.parts.loop || this.chance(0.5)) {
        this.cbs.push("cw");
        main.unshift(["call_later", this.int(8, 14), "cw"]);
      } else {
        bodies.bw = [
          ["sleep", this.int(8, 14)],
          ["cancel", "main"],
        ];
        main.unshift(["spawn", "w", "bw"]);
      }
    }
    bodies.main = main;
    for (let i = 1; i <= nb; i++) {
      const ctx = {
        level: i,
        main: false,
        depth: 0,
        tgs: [],
        tos: [],
        room: this.int(4, 12),
        loop: false,
      };
      bodies["b" + i] = this.block(ctx, this.int(2, 5));
      if (this.chance(0.35)) bodies["b" + i].push(["return", this.value()]);
    }
    Object.assign(bodies, this.extra);
    const scenario = {};
    if (Object.keys(this.objects).length) scenario.objects = this.objects;
    scenario.bodies = bodies;
    if (this.cbs.length) {
      scenario.callbacks = {};
      this.cbs.forEach((c, i) => {
        scenario.callbacks[c] = this.callback(i);
      });
    }
    return prune(scenario);
  }

  eagerOpt() {
    return this.eagerRate && this.chance(this.eagerRate) ? [{ eager: true }] : [];
  }

  makeObjects() {
    const add = (kind, ...args) => {
      const name = this.fresh(
        {
          Lock: "L",
          Event: "V",
          Condition: "C",
          Semaphore: "S",
          BoundedSemaphore: "Z",
          Barrier: "B",
          Queue: "Q",
          LifoQueue: "K",
          PriorityQueue: "P",
        }[kind],
      );
      this.objects[name] = [kind, ...args];
      (this.kinds[kind] ??= []).push(name);
    };
    if (this.parts.sync) {
      const n = this.profile === "sync" ? this.int(1, 3) : 1;
      for (let i = 0; i < n; i++) {
        const k = this.weighted({
          Lock: 3.5,
          Event: 3.5,
          Condition: 5,
          Semaphore: 4,
          BoundedSemaphore: 1.5,
          Barrier: 4.5,
        });
        if (k === "Semaphore") add(k, this.pick([0, 1, 1, 2, 2]));
        else if (k === "BoundedSemaphore") add(k, this.int(1, 2));
        else if (k === "Barrier") add(k, this.pick([1, 2, 2, 3, 3]));
        else add(k);
      }
    }
    if (this.parts.queue) {
      const n = this.profile === "queues" ? this.int(1, 2) : 1;
      for (let i = 0; i < n; i++)
        add(
          this.weighted({ Queue: 6, LifoQueue: 1.6, PriorityQueue: 2 }),
          this.pick([0, 0, 1, 1, 1, 2, 3]),
        );
    }
  }

  objs(...kinds) {
    return kinds.flatMap((k) => this.kinds[k] ?? []);
  }
  queues() {
    return this.objs("Queue", "LifoQueue", "PriorityQueue");
  }

  ending(ctx) {
    const out = [];
    const n = this.int(1, 3);
    for (let i = 0; i < n; i++) {
      const k = this.int(0, 4);
      if (k === 0) out.push(["sleep", this.int(1, 4)]);
      else if (k === 1) out.push(...(this.op("cancel", ctx) ?? []));
      else if (k === 2) {
        const vs = this.some(this.awaitable(ctx), 4);
        if (vs.length)
          out.push(this.guard(ctx, ["gather", vs, this.chance(0.6) ? { ret: true } : {}]));
      } else if (k === 3) {
        const vs = this.some(this.awaitable(ctx), 4);
        if (vs.length) out.push(["wait", vs, { timeout: this.int(1, 6) }]);
      } else {
        const v = this.awaitable(ctx);
        if (v.length) out.push(this.guard(ctx, ["await", this.pick(v).name]));
      }
    }
    return out;
  }

  // Randomly protects a statement that may block or raise.
  guard(ctx, st) {
    if (ctx.depth < 3 && this.chance(ctx.main ? 0.85 : 0.35)) {
      const blocking = ["sync", "queues", "eager", "mixed"].includes(this.profile);
      if (this.chance(blocking && ctx.main ? 0.75 : 0.25)) {
        const id = this.fresh("o");
        return [
          "try",
          [["timeout", id, { in: this.span() }, [st]]],
          [[this.pick(["TimeoutError", "all", "Exception"]), []]],
        ];
      }
      return [
        "try",
        [st],
        [[this.pick(["all", "all", "Exception", "CancelledError"]), this.handler(ctx)]],
      ];
    }
    return st;
  }

  handler(ctx) {
    const r = this.rnd();
    if (r < 0.45) return [];
    if (r < 0.55) return [["uncancel"]];
    if (r < 0.7) return [["sleep", this.delay()]];
    if (r < 0.8) return [["reraise"]];
    if (r < 0.87) return [["sleep", this.pick([0, 1])], ["reraise"]];
    if (r < 0.92) return [["raise", this.user()]];
    return this.block({ ...ctx, depth: ctx.depth + 1 }, 1);
  }

  block(ctx, n) {
    const out = [];
    for (let i = 0; i < n && ctx.room > 0; i++) {
      let st = null;
      for (let k = 0; k < 8 && !st; k++) st = this.op(this.weighted(this.weights), ctx);
      if (st) {
        out.push(...st);
        ctx.room--;
      }
    }
    return out;
  }

  sub(ctx, n, extra = {}) {
    return this.block({ ...ctx, depth: ctx.depth + 1, ...extra }, n);
  }
  awaitable(ctx) {
    return this.vars.filter((v) => v.level > ctx.level && v.name !== ctx.self);
  }
  some(list, max) {
    const c = [...list];
    const out = [];
    for (let i = this.int(1, max); i > 0 && c.length; i--)
      out.push(c.splice(Math.floor(this.rnd() * c.length), 1)[0].name);
    return out;
  }
  childBody(ctx) {
    return ctx.level < this.levels ? this.int(ctx.level + 1, this.levels) : 0;
  }
  mixedItems(ctx, max) {
    const vs = this.some(this.awaitable(ctx), max);
    if (ctx.level < this.levels && this.chance(0.45)) {
      for (let i = this.int(1, 2); i > 0; i--)
        vs.splice(this.int(0, vs.length), 0, { body: "b" + this.childBody(ctx) });
    }
    return vs;
  }

  op(kind, ctx) {
    const deep = ctx.depth >= 3;
    switch (kind) {
      case "sleep":
        return [["sleep", this.delay()]];
      case "spin":
        return [["loop", this.int(1, 4), [["sleep", 0]]]];
      case "storm": {
        if (!ctx.main || ctx.depth) return null;
        const out = [];
        for (let i = this.int(2, 3); i > 0; i--) {
          const st = this.op("cancel", ctx);
          if (st) out.push(["sleep", this.pick([0, 0, 1, 1, 2])], ...st);
        }
        return out;
      }
      case "log":
        return [["log", this.int(1, 99)]];
      case "now":
        return [["now"]];
      case "current":
        return [["current"]];
      case "raise": {
        if (ctx.main && this.chance(0.8)) return null;
        const e = this.chance(0.08)
          ? this.pick(["CancelledError", "TimeoutError", "RuntimeError"])
          : this.user();
        return [
          e[0] === "E" && this.chance(0.3) ? ["raise", e, this.pick(["x", "y"])] : ["raise", e],
        ];
      }
      case "return_":
        return ctx.main && this.chance(0.8) ? null : [["return", this.value()]];
      case "break_":
        return ctx.loop && ctx.depth
          ? [
              this.chance(0.5) || !this.vars.length
                ? ["break"]
                : ["ifdone", this.pick(this.vars).name, [["break"]]],
            ]
          : null;
      case "await_": {
        const v = this.awaitable(ctx);
        return v.length ? [this.guard(ctx, ["await", this.pick(v).name])] : null;
      }
      case "cancel": {
        if (this.chance(0.04)) return [["cancel", "main"]];
        if (!this.vars.length) return null;
        const st = ["cancel", this.pick(this.vars).name];
        if (this.msgs && this.chance(0.35)) st.push(this.pick(["m1", "m2", "m3"]));
        if (this.chance(0.15))
          return [st, ...(this.chance(0.5) ? [["sleep", 0]] : []), ["cancel", st[1]]];
        return [st];
      }
      case "state":
      case "result":
      case "exception":
        return this.vars.length ? [[kind, this.pick(this.vars).name]] : null;
      case "cancelling":
      case "uncancel": {
        if (this.chance(0.6)) return [[kind]];
        const ts = this.vars.filter((v) => v.kind === "task");
        return ts.length ? [[kind, this.pick(ts).name]] : null;
      }
      case "ifdone": {
        if (deep || !this.vars.length) return null;
        const st = ["ifdone", this.pick(this.vars).name, this.sub(ctx, this.int(1, 2))];
        if (this.chance(0.5)) st.push(this.sub(ctx, 1));
        return [st];
      }
      case "loop": {
        if (deep) return null;
        const inner = this.sub(ctx, this.int(1, 3), { loop: true });
        if (this.vars.length && this.chance(0.2))
          inner.push(["ifdone", this.pick(this.vars).name, [["break"]]]);
        return [["loop", this.int(2, 3), inner]];
      }
      case "call": {
        const b = this.childBody(ctx);
        return b ? [this.guard(ctx, ["call", "b" + b])] : null;
      }
      case "spawn": {
        const b = this.childBody(ctx);
        if (!b) return null;
        const v = { name: this.fresh("u"), level: b, kind: "task" };
        const st = ["spawn", v.name, "b" + b, ...this.eagerOpt()];
        this.vars.push(v);
        return [st];
      }
      case "try_":
        return deep ? null : [this.tryStatement(ctx)];

      case "future": {
        const v = { name: this.fresh("f"), level: 99, kind: "future" };
        this.vars.push(v);
        return [
          ["future", v.name],
          ...(this.cbs.length && this.chance(0.4) ? [["add_cb", v.name, this.pick(this.cbs)]] : []),
        ];
      }
      case "set_result":
      case "set_exception": {
        const fs = this.vars.filter(
          (v) => v.kind === "future" || (v.kind === "task" && this.chance(0.05)),
        );
        if (!fs.length) return null;
        return [
          kind === "set_result"
            ? [kind, this.pick(fs).name, this.value()]
            : [kind, this.pick(fs).name, this.user()],
        ];
      }
      case "add_cb":
      case "remove_cb":
        return this.vars.length && this.cbs.length
          ? [[kind, this.pick(this.vars).name, this.pick(this.cbs)]]
          : null;

      case "gather": {
        const items = this.mixedItems(ctx, 4);
        if (!items.length) return null;
        if (this.chance(0.06)) items.push(items[0]);
        const opts = this.chance(0.4) ? { ret: true } : {};
        if (this.chance(0.35)) {
          opts.as = this.fresh("y");
          this.vars.push({ name: opts.as, level: this.minLevel(items), kind: "gather" });
          return [["gather", items, opts]];
        }
        return [this.guard(ctx, ["gather", items, opts])];
      }
      case "wait": {
        const vs = this.some(this.awaitable(ctx), 4);
        if (!vs.length) return null;
        const opts = {};
        if (this.chance(ctx.main ? 0.75 : 0.5)) opts.timeout = this.span();
        if (this.chance(0.65)) opts.when = this.pick(["FIRST", "EXC", "ALL"]);
        return [["wait", vs, opts]];
      }
      case "as_completed": {
        const items = this.mixedItems(ctx, 4);
        if (!items.length) return null;
        const opts = {};
        if (this.chance(0.45)) opts.timeout = this.span();
        if (this.chance(0.5)) opts.aiter = true;
        if (this.chance(0.2)) opts.limit = this.int(1, 2);
        return [this.guard(ctx, ["as_completed", items, opts])];
      }
      case "wait_for": {
        const b = this.childBody(ctx);
        const vs = this.awaitable(ctx);
        const t = this.chance(0.1) ? null : this.span();
        let item = null;
        if (b && (this.chance(0.55) || !vs.length)) item = { body: "b" + b };
        else if (vs.length) item = this.pick(vs).name;
        return item && [this.guard(ctx, ["wait_for", item, t])];
      }
      case "timeout": {
        if (deep) return null;
        const id = this.fresh("o");
        const spec = this.chance(0.1)
          ? null
          : this.chance(0.25)
            ? { at: this.int(0, 6) }
            : { in: this.span() };
        const inner = this.sub(ctx, this.int(1, 3), { tos: [...ctx.tos, id] });
        if (!inner.length) inner.push(["sleep", this.delay()]);
        const st = ["timeout", id, spec, inner];
        return [
          this.chance(0.65)
            ? [
                "try",
                [st],
                [
                  [
                    this.pick(["TimeoutError", "TimeoutError", "Exception", "all"]),
                    this.chance(0.6) ? [] : this.handler(ctx),
                  ],
                ],
              ]
            : st,
        ];
      }
      case "reschedule":
      case "expired":
      case "when": {
        if (!ctx.tos.length) return null;
        const id = this.pick(ctx.tos);
        if (kind !== "reschedule") return [[kind, id]];
        return [
          [
            kind,
            id,
            this.chance(0.15)
              ? null
              : this.chance(0.3)
                ? { at: this.int(0, 7) }
                : { in: this.span() },
          ],
        ];
      }
      case "shield": {
        const b = this.childBody(ctx);
        const vs = this.awaitable(ctx);
        let item = null;
        let level = 0;
        if (b && (this.chance(0.4) || !vs.length)) {
          item = { body: "b" + b };
          level = b;
        } else if (vs.length) {
          const v = this.pick(vs);
          item = v.name;
          level = v.level;
        }
        if (!item) return null;
        if (this.chance(0.3)) {
          const name = this.fresh("s");
          this.vars.push({ name, level, kind: "shield" });
          return [["shield", item, { as: name }]];
        }
        const st = ["shield", item];
        if (!deep && this.chance(0.35))
          return [this.guard(ctx, ["timeout", this.fresh("o"), { in: this.span() }, [st]])];
        return [this.guard(ctx, st)];
      }
      case "tg": {
        if (deep || ctx.level >= this.levels) return null;
        const id = this.fresh("g");
        const inner = [];
        for (let i = this.int(1, 3); i > 0; i--)
          inner.push(...(this.op("tg_spawn", { ...ctx, tgs: [id] }) ?? []));
        inner.push(...this.sub(ctx, this.int(0, 3), { tgs: [...ctx.tgs, id] }));
        const st = ["tg", id, inner];
        return [
          this.chance(0.5)
            ? [
                "try",
                [st],
                [[this.pick(["Exception", "ExceptionGroup", "all"]), this.handler(ctx)]],
              ]
            : st,
        ];
      }
      case "tg_spawn": {
        const b = this.childBody(ctx);
        if (!ctx.tgs.length || !b) return null;
        const v = { name: this.fresh("k"), level: b, kind: "task" };
        this.vars.push(v);
        return [["tg_spawn", this.pick(ctx.tgs), v.name, "b" + b, ...this.eagerOpt()]];
      }

      case "lockish": {
        const os = this.objs("Lock", "Lock", "Semaphore", "BoundedSemaphore", "Semaphore");
        if (!os.length) return null;
        const o = this.pick(os);
        const work = () => {
          const w = deep ? [] : this.sub(ctx, this.int(0, 2));
          if (!w.length || this.chance(0.5)) w.unshift(["sleep", this.pick([0, 1, 1, 2, 3])]);
          return w;
        };
        const r = this.rnd();
        if (r < 0.5) return [this.guard(ctx, ["with", o, work()])];
        if (r < 0.75 && !deep)
          return [
            ["acquire", o],
            ["try", work(), [], { finally: [["release", o]] }],
          ];
        if (r < 0.9)
          return [this.guard(ctx, ["acquire", o]), ["sleep", this.pick([0, 1, 2])], ["release", o]];
        return [
          [
            "try",
            [["timeout", this.fresh("o"), { in: this.span() }, [["acquire", o]]]],
            [["TimeoutError", []]],
            {
              else: [
                ["sleep", this.pick([0, 1])],
                ["release", o],
              ],
            },
          ],
        ];
      }
      case "bareRelease": {
        const os = this.objs("Lock", "Semaphore", "BoundedSemaphore", "Condition");
        return os.length ? [["release", this.pick(os)]] : null;
      }
      case "locked": {
        const os = this.objs("Lock", "Semaphore", "BoundedSemaphore", "Condition");
        return os.length ? [["locked", this.pick(os)]] : null;
      }
      case "event": {
        const os = this.objs("Event");
        if (!os.length) return null;
        const o = this.pick(os);
        const k = this.weighted({ ev_wait: 5, ev_set: 4, ev_clear: 2, ev_is_set: 2, pulse: 1 });
        if (k === "pulse")
          return [
            ["ev_set", o],
            ["ev_clear", o],
          ];
        return [k === "ev_wait" ? this.guard(ctx, [k, o]) : [k, o]];
      }
      case "cond": {
        const os = this.objs("Condition");
        if (!os.length) return null;
        const o = this.pick(os);
        const k = this.weighted({ wait: 5, wait_for: 3, notify: 5, all: 3, bad: 0.5, hold: 1 });
        if (k === "bad")
          return [
            this.pick([["notify", o, 1], ["notify_all", o], this.guard(ctx, ["cond_wait", o])]),
          ];
        if (k === "wait")
          return [
            this.guard(ctx, [
              "with",
              o,
              [["cond_wait", o], ...(this.chance(0.4) ? [["sleep", this.pick([0, 1])]] : [])],
            ]),
          ];
        if (k === "wait_for")
          return [this.guard(ctx, ["with", o, [["cond_wait_for", o, "n", this.int(1, 3)]]])];
        if (k === "hold")
          return [
            [
              "with",
              o,
              [["sleep", this.int(1, 2)], ...(this.chance(0.5) ? [["notify", o, 1]] : [])],
            ],
          ];
        const inner = [["inc", "n", this.int(1, 2)]];
        if (this.chance(0.35)) inner.push(["counter", "n"]);
        inner.push(k === "all" ? ["notify_all", o] : ["notify", o, this.int(1, 2)]);
        if (this.chance(0.3)) inner.push(["sleep", this.pick([0, 1])]);
        return [["with", o, inner]];
      }
      case "barrier": {
        const os = this.objs("Barrier");
        if (!os.length) return null;
        const o = this.pick(os);
        const k = this.weighted({
          bar_wait: 8,
          with: 1.5,
          bar_reset: 2,
          bar_abort: 1.6,
          bar_info: 2,
        });
        if (k === "bar_info") return [[k, o]];
        if (k === "with") return [this.guard(ctx, ["with", o, [["sleep", this.pick([0, 1])]]])];
        return [this.guard(ctx, [k, o])];
      }

      case "handoff":
        return ctx.main && !ctx.depth ? this.handoff(ctx) : null;
      case "qhandoff":
        return ctx.main && !ctx.depth ? this.queueHandoff(ctx) : null;

      case "put":
        return this.queues().length
          ? [this.guard(ctx, ["put", this.pick(this.queues()), this.int(1, 9)])]
          : null;
      case "put_nowait":
        return this.queues().length
          ? [["put_nowait", this.pick(this.queues()), this.int(1, 9)]]
          : null;
      case "get": {
        if (!this.queues().length) return null;
        const q = this.pick(this.queues());
        const st = this.guard(ctx, ["get", q]);
        return this.chance(0.35) ? [st, ["task_done", q]] : [st];
      }
      case "get_nowait":
      case "task_done":
      case "q_info":
        return this.queues().length ? [[kind, this.pick(this.queues())]] : null;
      case "join":
        return this.queues().length ? [this.guard(ctx, ["join", this.pick(this.queues())])] : null;
      case "shutdown":
        return this.queues().length && this.chance(0.6)
          ? [["shutdown", this.pick(this.queues()), this.chance(0.4)]]
          : null;
      case "worker": {
        if (!this.queues().length || deep) return null;
        const q = this.pick(this.queues());
        if (ctx.main && this.chance(0.7)) return null;
        const inner = [
          ["get", q],
          ...(this.chance(0.6) ? [["sleep", this.pick([0, 1])]] : []),
          ["task_done", q],
        ];
        return [
          this.chance(0.5)
            ? [
                "try",
                [["loop", this.int(2, 3), inner]],
                [[this.pick(["QueueShutDown", "all", "Exception"]), []]],
              ]
            : ["loop", this.int(2, 3), inner],
        ];
      }

      case "call_soon":
      case "call_later":
      case "call_at": {
        if (!this.cbs.length) return null;
        const st = [kind];
        if (kind === "call_later") st.push(this.delay());
        if (kind === "call_at") st.push(this.int(0, 5));
        st.push(this.pick(this.cbs));
        if (this.chance(0.5)) {
          const h = this.fresh("h");
          this.handles.push(h);
          st.push(h);
        }
        return [st];
      }
      case "handle_cancel":
      case "handle_info":
        return this.handles.length ? [[kind, this.pick(this.handles)]] : null;

      case "ctx_set":
        return [["ctx_set", this.pick(["a", "b", "c", 1, 2])]];
      case "ctx_get":
        return [["ctx_get"]];
      default:
        throw new Error("unknown kind " + kind);
    }
  }

  waiters(kinds) {
    const out = [];
    for (const stmts of kinds) {
      const body = this.fresh("w");
      this.extra[body] = stmts;
      out.push(body);
    }
    return out;
  }

  // Several tasks blocked on one object; then, mostly within one step, the
  // object is handed on while some of the tasks are cancelled.
  handoff(ctx) {
    const os = this.objs("Lock", "Event", "Condition", "Semaphore", "BoundedSemaphore", "Barrier");
    if (!os.length) return null;
    const o = this.pick(os);
    const kind = this.objects[o][0];
    const owned = kind === "Lock" || kind === "Semaphore" || kind === "BoundedSemaphore";
    const rest = () => (this.chance(0.6) ? [["sleep", this.pick([0, 1, 1, 2])]] : []);
    const wrap = (b) =>
      this.chance(0.25) ? [["try", b, [[this.pick(["all", "CancelledError"]), []]]], ...rest()] : b;
    const make = () => {
      if (owned) return wrap([["with", o, rest()]]);
      if (kind === "Event") return wrap([["ev_wait", o], ...rest()]);
      if (kind === "Barrier")
        return wrap([["bar_wait", o], ...(this.chance(0.3) ? [["bar_wait", o]] : [])]);
      return wrap([
        [
          "with",
          o,
          [
            this.chance(0.7) ? ["cond_wait", o] : ["cond_wait_for", o, "n", this.int(1, 2)],
            ...rest(),
          ],
        ],
      ]);
    };
    const bodies = this.waiters(this.chance(0.6) ? [make()] : [make(), make()]);
    const out = [];
    let held = 0;
    if (owned) {
      held = kind === "Lock" ? 1 : this.int(1, Math.max(1, this.objects[o][1]));
      const take = Array.from({ length: held }, () => ["acquire", o]);
      if (this.chance(0.8))
        out.push(["try", [["timeout", this.fresh("o"), { in: 3 }, take]], [["TimeoutError", []]]]);
      else held = 0;
    }
    const names = [];
    for (let i = this.int(2, kind === "Barrier" ? 5 : 4); i > 0; i--) {
      const v = { name: this.fresh("j"), level: 98, kind: "task" };
      this.vars.push(v);
      names.push(v.name);
      out.push(["spawn", v.name, this.pick(bodies), ...this.eagerOpt()]);
    }
    out.push(["sleep", this.pick([0, 1, 1])]);
    const burst = () => {
      const k = this.weighted({ cancel: 5, pass: 5, zero: 1.5, info: 1.2, late: 0.8 });
      if (k === "cancel") return ["cancel", this.pick(names)];
      if (k === "zero") return ["sleep", 0];
      if (k === "late") {
        const v = { name: this.fresh("j"), level: 98, kind: "task" };
        this.vars.push(v);
        return ["spawn", v.name, this.pick(bodies), ...this.eagerOpt()];
      }
      if (k === "info")
        return kind === "Event"
          ? ["ev_is_set", o]
          : kind === "Barrier"
            ? ["bar_info", o]
            : ["locked", o];
      if (owned) return ["release", o];
      if (kind === "Event") return this.chance(0.75) ? ["ev_set", o] : ["ev_clear", o];
      if (kind === "Barrier")
        return this.chance(0.4)
          ? ["bar_abort", o]
          : this.chance(0.6)
            ? ["bar_reset", o]
            : ["bar_info", o];
      const inner = [
        ["inc", "n", 1],
        this.chance(0.7) ? ["notify", o, this.int(1, 2)] : ["notify_all", o],
      ];
      if (this.chance(0.5)) inner.push(["cancel", this.pick(names)]);
      if (this.chance(0.25)) inner.push(["sleep", this.pick([0, 1])], ["cancel", this.pick(names)]);
      return ["with", o, inner];
    };
    // The classic race: the object is handed to the first waiter, which is
    // cancelled before (or just after) it can run.
    if (this.chance(0.4) && kind !== "Barrier") {
      const pass =
        kind === "Event"
          ? ["ev_set", o]
          : owned
            ? ["release", o]
            : [
                "with",
                o,
                [
                  ["inc", "n", 1],
                  ["notify", o, 1],
                  ...(this.chance(0.6) ? [["cancel", names[0]]] : []),
                ],
              ];
      const pair = [pass, ...(this.chance(0.15) ? [["sleep", 0]] : []), ["cancel", names[0]]];
      out.push(...(this.chance(0.75) ? pair : pair.toReversed()));
      if (owned && this.chance(0.3)) out.push(this.guard(ctx, ["acquire", o]));
    }
    for (let i = this.int(1, 4); i > 0; i--) out.push(burst());
    for (let i = 0; i < held; i++) if (this.chance(0.4)) out.push(["release", o]);
    if (this.chance(0.7)) out.push(["sleep", this.int(1, 3)]);
    return out;
  }

  queueHandoff() {
    const qs = this.queues();
    if (!qs.length) return null;
    const q = this.pick(qs);
    const get = this.chance(0.5);
    const wrap = (b) =>
      this.chance(0.25)
        ? [
            ["try", b, [[this.pick(["all", "CancelledError", "QueueShutDown"]), []]]],
            ["sleep", this.pick([0, 1])],
          ]
        : b;
    const bodies = this.waiters([
      wrap(
        get
          ? [["get", q], ...(this.chance(0.5) ? [["task_done", q]] : [])]
          : [["put", q, this.int(1, 9)]],
      ),
      ...(this.chance(0.3) ? [[["join", q]]] : []),
      ...(this.chance(0.2) ? [get ? [["put", q, this.int(1, 9)]] : [["get", q]]] : []),
    ]);
    const out = [];
    if (!get)
      for (let i = Math.max(1, this.objects[q][1] ?? 1); i > 0; i--)
        out.push(["put_nowait", q, this.int(1, 9)]);
    const names = [];
    for (let i = this.int(2, 4); i > 0; i--) {
      const v = { name: this.fresh("j"), level: 98, kind: "task" };
      this.vars.push(v);
      names.push(v.name);
      out.push([
        "spawn",
        v.name,
        this.chance(0.65) ? bodies[0] : this.pick(bodies),
        ...this.eagerOpt(),
      ]);
    }
    const joined = this.chance(0.3);
    if (joined) {
      const v = { name: this.fresh("j"), level: 98, kind: "task" };
      this.vars.push(v);
      out.push(["spawn", v.name, this.waiters([[["join", q]]])[0]]);
    }
    out.push(["sleep", this.pick([0, 1, 1])]);
    if (joined && this.chance(0.5)) out.push(["shutdown", q, this.chance(0.8)]);
    else if (this.chance(0.45)) {
      const pair = [
        get ? ["put_nowait", q, this.int(1, 9)] : ["get_nowait", q],
        ...(this.chance(0.15) ? [["sleep", 0]] : []),
        ["cancel", names[0]],
      ];
      out.push(...(this.chance(0.75) ? pair : pair.toReversed()));
      if (this.chance(0.5)) out.push(["sleep", 0], ["sleep", 0], ["state", names[1]]);
    }
    for (let i = this.int(1, 4); i > 0; i--) {
      const k = this.weighted({
        cancel: 5,
        put: get ? 5 : 1.5,
        get: get ? 1.5 : 5,
        zero: 1.5,
        info: 1,
        done: 1.2,
        shut: 0.8,
      });
      if (k === "cancel") out.push(["cancel", this.pick(names)]);
      else if (k === "put") out.push(["put_nowait", q, this.int(1, 9)]);
      else if (k === "get") out.push(["get_nowait", q]);
      else if (k === "zero") out.push(["sleep", 0]);
      else if (k === "info") out.push(["q_info", q]);
      else if (k === "done") out.push(["task_done", q]);
      else out.push(["shutdown", q, this.chance(0.6)]);
    }
    if (this.chance(0.7)) out.push(["sleep", this.int(1, 3)]);
    return out;
  }

  minLevel(items) {
    let m = 99;
    for (const it of items) {
      const l =
        typeof it === "string"
          ? this.vars.find((v) => v.name === it).level
          : Number(it.body.slice(1));
      if (l < m) m = l;
    }
    return m;
  }

  tryStatement(ctx) {
    let body = this.sub(ctx, this.int(1, 2));
    if (!body.length || this.chance(0.4)) body.push(["sleep", this.pick([1, 2, 3, 4, 5])]);
    const r = this.rnd();
    const tail = (n) => {
      const b = this.sub(ctx, n, { loop: false }).filter(noReturn);
      return b.length ? b : [["sleep", this.pick([0, 1])]];
    };
    if (r < 0.22) return ["try", body, [["CancelledError", this.handler(ctx)]]];
    if (r < 0.42)
      return [
        "try",
        body,
        [],
        {
          finally: this.chance(0.55) ? [["sleep", this.pick([0, 1, 1, 2])]] : tail(this.int(1, 2)),
        },
      ];
    if (r < 0.52)
      return ["try", body, [["CancelledError", [["sleep", this.pick([0, 1, 2])], ["reraise"]]]]];
    if (r < 0.62) return ["try", body, [["all", this.handler(ctx)]], { finally: tail(1) }];
    if (r < 0.72)
      return [
        "try",
        body,
        [["Exception", this.handler(ctx)]],
        this.chance(0.5) ? { else: this.sub(ctx, 1) } : {},
      ];
    if (r < 0.82)
      return [
        "try",
        body,
        [
          ["CancelledError", [["sleep", 0]]],
          ["Exception", []],
        ],
        { else: [["log", "else"]], finally: [["log", "fin"]] },
      ];
    if (r < 0.92) return ["try", body, [["CancelledError", [["cancelling"], ["uncancel"]]]]];
    return [
      "try",
      body,
      [
        [this.pick(["E1", "E2", "TimeoutError", "ExceptionGroup"]), []],
        ["all", [["reraise"]]],
      ],
    ];
  }

  callback(i) {
    const out = [];
    if (this.cbs[i] === "cw") return [["cancel", "main"]];
    const n = this.int(0, 2);
    const q = this.queues();
    for (let k = 0; k < n; k++) {
      const futs = this.vars.filter((v) => v.kind === "future");
      const c = { log: 2, state: 1, cancel: 3, raise: 0.7, spawn: 0.5, now: 0.4 };
      if (futs.length) {
        c.set_result = 3;
        c.set_exception = 0.8;
      }
      if (this.vars.length) {
        c.add_cb = this.cbs[i + 1] ? 1 : 0;
        c.result = 0.5;
        c.ifdone = 0.6;
      }
      if (this.cbs[i + 1]) {
        c.call_soon = 1.5;
        c.call_later = 1;
      }
      if (this.handles.length) c.handle_cancel = 1;
      if (this.objs("Event").length) {
        c.ev_set = 2;
        c.ev_clear = 0.5;
      }
      if (this.objs("Lock", "Semaphore").length) c.release = 1;
      if (q.length) {
        c.put_nowait = 2;
        c.get_nowait = 1;
        c.shutdown = 0.4;
      }
      if (this.parts.context) {
        c.ctx_get = 5;
        c.ctx_set = 2;
      }
      out.push(this.callbackStatement(this.weighted(c), i, futs, q));
    }
    return out;
  }

  callbackStatement(kind, i, futs, q) {
    const any = () => this.pick(this.vars).name;
    switch (kind) {
      case "log":
        return ["log", this.int(1, 99)];
      case "now":
        return ["now"];
      case "cancel":
      case "state":
      case "result":
        return [kind, any()];
      case "raise":
        return ["raise", this.user()];
      case "spawn": {
        const v = { name: this.fresh("u"), level: this.levels, kind: "task" };
        this.vars.push(v);
        return ["spawn", v.name, "b" + this.levels];
      }
      case "set_result":
        return ["set_result", this.pick(futs).name, this.value()];
      case "set_exception":
        return ["set_exception", this.pick(futs).name, this.user()];
      case "add_cb":
        return ["add_cb", any(), this.cbs[i + 1]];
      case "ifdone":
        return ["ifdone", any(), [["log", "done"]], [["cancel", any()]]];
      case "call_soon":
        return ["call_soon", this.cbs[i + 1]];
      case "call_later":
        return ["call_later", this.pick([0, 1, 2]), this.cbs[i + 1]];
      case "handle_cancel":
        return ["handle_cancel", this.pick(this.handles)];
      case "ev_set":
      case "ev_clear":
        return [kind, this.pick(this.objs("Event"))];
      case "release":
        return ["release", this.pick(this.objs("Lock", "Semaphore"))];
      case "put_nowait":
        return ["put_nowait", this.pick(q), this.int(1, 9)];
      case "get_nowait":
        return ["get_nowait", this.pick(q)];
      case "shutdown":
        return ["shutdown", this.pick(q), this.chance(0.5)];
      case "ctx_get":
        return ["ctx_get"];
      case "ctx_set":
        return ["ctx_set", this.pick(["p", "q"])];
      default:
        throw new Error("unknown callback kind " + kind);
    }
  }
}

// "return", "break" and "reraise" are not allowed inside a finally block.
function noReturn(st) {
  return !JSON.stringify(st).match(/\["(return|break|reraise)"/);
}

// Drops bodies and callbacks that nothing can reach.
function prune(s) {
  const keep = new Set(["main"]);
  const cbs = new Set();
  const visit = (x) => {
    if (!Array.isArray(x)) {
      if (x && typeof x === "object") {
        if (typeof x.body === "string") mark(x.body);
        for (const k of Object.keys(x)) visit(x[k]);
      }
      return;
    }
    for (const y of x) {
      if (typeof y === "string") {
        if (s.bodies[y]) mark(y);
        if (s.callbacks?.[y]) markCb(y);
      } else visit(y);
    }
  };
  const mark = (b) => {
    if (!keep.has(b) && s.bodies[b]) {
      keep.add(b);
      visit(s.bodies[b]);
    }
  };
  const markCb = (c) => {
    if (!cbs.has(c)) {
      cbs.add(c);
      visit(s.callbacks[c]);
    }
  };
  visit(s.bodies.main);
  for (const b of Object.keys(s.bodies)) if (!keep.has(b)) delete s.bodies[b];
  if (s.callbacks) {
    for (const c of Object.keys(s.callbacks)) if (!cbs.has(c)) delete s.callbacks[c];
    if (!Object.keys(s.callbacks).length) delete s.callbacks;
  }
  return s;
}

function countOps(s) {
  const n = {};
  const visit = (list) => {
    for (const st of list) {
      n[st[0]] = (n[st[0]] ?? 0) + 1;
      switch (st[0]) {
        case "try":
          visit(st[1]);
          for (const [, b] of st[2] ?? []) visit(b);
          if (st[3]?.else) visit(st[3].else);
          if (st[3]?.finally) visit(st[3].finally);
          break;
        case "loop":
        case "with":
        case "tg":
          visit(st[2]);
          break;
        case "ifdone":
          visit(st[2]);
          if (st[3]) visit(st[3]);
          break;
        case "timeout":
          visit(st[3]);
          break;
        default:
      }
    }
  };
  for (const b of Object.values(s.bodies)) visit(b);
  for (const b of Object.values(s.callbacks ?? {})) visit(b);
  return n;
}

function size(scenario) {
  return Object.values(countOps(scenario)).reduce((a, b) => a + b, 0);
}

export function generate(seed, profile) {
  for (let k = 0; ; k++) {
    const next = seed + k * 1_000_003;
    const s =
      profile === "wild"
        ? prune(generateWild(randomOf(next, profile)))
        : new Gen(next, profile).scenario();
    const n = size(s);
    if (n >= 5 && n <= 60) return s;
  }
}
