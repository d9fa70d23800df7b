// Scenarios that are less tidy than those of generate.mjs: any statement with any of a few names, so
// that results are set of shields, groups are entered twice, locks released by strangers, and so on.
//
// Only awaiting is kept acyclic, by levels: main has 0, body b2 has 2, and so has its task t2a; x2, a gather
// or shield, comes just before it. CPython runs out of stack in a circle. Two things are left out, which come
// out differently on purpose or by chance: `for await` with a timeout, and eager tasks of groups.

const BODIES = 4;
const FUTURES = ["f1", "f2"];
const CALLBACKS = ["c1", "c2", "c3", "c4"];
const ERRORS = ["E1", "E2", "ValueError", "TimeoutError", "CancelledError", "RuntimeError"];
const OBJECTS = {
  L: ["Lock"],
  V: ["Event"],
  C: ["Condition"],
  S: ["Semaphore", 1],
  Z: ["BoundedSemaphore", 2],
  B: ["Barrier", 2],
  Q: ["Queue", 1],
  K: ["LifoQueue", 2],
  P: ["PriorityQueue", 1],
};

/** @param random gives numbers from 0 up to, and without, 1. */
export function generateWild(random) {
  return new Wild(random).scenario();
}

class Wild {
  constructor(random) {
    this.random = random;
    this.level = 0; // of the body that is being made
    this.callbacks = CALLBACKS; // those that may be scheduled
    this.bodies = Array.from({ length: this.int(2, BODIES) }, (_, i) => `b${i + 1}`);
    this.eagerRate = this.pick([0, 0.15, 0.45]);
    this.objects = Object.keys(OBJECTS).filter(() => this.chance(0.3));
    this.variables = ["main", ...FUTURES];
    for (const [, level] of this.bodies) {
      this.variables.push(`t${level}a`, `t${level}b`, `x${level}`);
    }
  }

  chance(p) {
    return this.random() < p;
  }
  int(low, high) {
    return low + Math.floor(this.random() * (high - low + 1));
  }
  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }
  list(low, high, make) {
    return Array.from({ length: this.int(low, high) }, make);
  }
  among(kinds) {
    return this.objects.filter((name) => kinds.includes(name));
  }

  scenario() {
    const bodies = { main: this.main(), bz: [["sleep", 1]] };
    for (const body of this.bodies) {
      this.level = Number(body[1]);
      bodies[body] = this.block(0, 1, 5);
    }
    this.level = this.bodies.length - 1;
    const callbacks = { cw: [["cancel", "main"]], cz: [["ctx_get"]] };
    for (const [i, callback] of CALLBACKS.entries()) {
      this.callbacks = CALLBACKS.slice(i + 1).concat(i === CALLBACKS.length - 1 ? "cz" : []);
      callbacks[callback] = this.list(0, 3, () => this.callbackStatement());
    }
    const objects = Object.fromEntries(this.objects.map((name) => [name, OBJECTS[name]]));
    return { objects, bodies, callbacks };
  }

  main() {
    const main = [];
    // A late cancellation of main keeps most scenarios from ending blocked.
    if (this.chance(0.5)) main.push(["call_later", this.int(6, 9), "cw"]);
    if (this.chance(0.6)) main.push(["future", "f1"], ["future", "f2"]);
    main.push(...this.list(1, 5, () => this.spawn()));
    if (this.chance(0.5)) main.push(["sleep", this.delay()]);
    if (this.chance(0.4)) main.push(["try", this.block(1, 2, 6), [["all", this.handler(1)]]]);
    return [...main, ...this.block(0, 0, 5)];
  }

  // ---- names and numbers

  any() {
    return this.pick(this.variables);
  }
  later() {
    return this.pick(this.variables.filter((name) => levelOf(name) > this.level));
  }
  item() {
    return this.chance(0.65) ? this.later() : { body: this.body() };
  }
  items() {
    return this.list(0, 4, () => this.item());
  }
  body() {
    const level = this.int(this.level + 1, this.bodies.length + 1);
    return level > this.bodies.length ? "bz" : `b${level}`;
  }
  composite() {
    return `x${Math.min(this.bodies.length, this.level + 1)}`;
  }
  delay() {
    return this.pick([0, 0, 0, 1, 1, 1, 2, 3, 0.5, -1]);
  }
  span() {
    return this.pick([0, 0, 1, 1, 2, 3, -1, 5]);
  }
  deadline() {
    if (this.chance(0.15)) return null;
    return this.chance(0.7) ? { in: this.span() } : { at: this.int(-1, 5) };
  }
  timeoutId() {
    return this.pick(["o1", "o2"]);
  }
  handle() {
    return this.pick(["h1", "h2"]);
  }
  message() {
    return this.chance(0.25) ? [this.pick(["m1", "m2"])] : [];
  }
  child() {
    const body = this.body();
    return [body === "bz" ? this.pick(FUTURES) : `t${body[1]}${this.pick(["a", "b"])}`, body];
  }

  // ---- statements

  block(depth, low, high) {
    return this.list(low, high, () => this.statement(depth));
  }
  inner(depth) {
    return this.block(depth + 1, 1, 3);
  }
  // "return", "break" and "reraise" are not allowed everywhere.
  plain(depth) {
    return this.inner(depth).filter((one) => !/"(return|reraise)"/.test(JSON.stringify(one)));
  }

  handler(depth) {
    return this.pick([
      () => [],
      () => [["uncancel"]],
      () => [["sleep", this.delay()]],
      () => [["reraise"]],
      () => [["sleep", this.delay()], ["reraise"]],
      () => [["raise", this.pick(ERRORS)]],
      () => this.inner(depth),
    ])();
  }

  statement(depth) {
    if (this.chance(0.33)) return this.syncStatement(0);
    const simple = depth >= 3 || this.chance(0.5);
    return this.pick(simple ? this.simpleStatements() : this.nestingStatements(depth))();
  }

  spawn() {
    return ["spawn", ...this.child(), ...(this.chance(this.eagerRate) ? [{ eager: true }] : [])];
  }

  simpleStatements() {
    const ret = () => ({ ret: this.chance(0.4) });
    const timeout = () => (this.chance(0.6) ? { timeout: this.span() } : {});
    const made = [
      () => ["sleep", this.delay()],
      () => ["sleep", this.delay()],
      () => ["await", this.later()],
      () => ["await", this.later()],
      () => this.spawn(),
      () => this.spawn(),
      () => ["tg_spawn", `g${this.int(0, this.level)}`, ...this.child()],
      () => ["gather", this.items(), ret()],
      () => ["gather", this.items(), { ...ret(), as: this.composite() }],
      () => [
        "wait",
        this.list(1, 3, () => this.later()),
        { ...timeout(), when: this.pick(["ALL", "FIRST", "EXC"]) },
      ],
      () => ["as_completed", this.items(), { ...timeout(), aiter: false }],
      () => ["as_completed", this.items(), { limit: this.int(1, 3), aiter: true }],
      () => ["wait_for", this.item(), this.chance(0.15) ? null : this.span()],
      () => ["shield", this.item(), {}],
      () => ["shield", this.item(), { as: this.composite() }],
      () => ["call", this.body()],
      () => ["raise", this.pick(ERRORS)],
      () => ["return", this.int(1, 9)],
    ];
    for (const o of this.among("LSZC")) made.push(() => ["acquire", o]);
    for (const o of this.among("V")) made.push(() => ["ev_wait", o]);
    for (const o of this.among("C")) {
      made.push(() => [
        "with",
        o,
        [
          this.pick([
            ["cond_wait", o],
            ["cond_wait_for", o, "n", 2],
            ["notify", o, 1],
          ]),
        ],
      ]);
    }
    for (const o of this.among("B")) {
      made.push(() => [this.pick(["bar_wait", "bar_wait", "bar_reset", "bar_abort"]), o]);
    }
    for (const o of this.among("QKP")) {
      made.push(() => ["put", o, this.int(1, 9)]);
      made.push(() => [this.pick(["get", "get", "join"]), o]);
    }
    return made;
  }

  nestingStatements(depth) {
    const group = `g${this.level}`;
    const catching = ["all", "all", "Exception", "CancelledError", "TimeoutError", "E1"];
    const handlers = () => [[this.pick(catching), this.handler(depth)]];
    const made = [
      () => ["timeout", this.timeoutId(), this.deadline(), this.inner(depth)],
      () => ["timeout", this.timeoutId(), this.deadline(), this.inner(depth)],
      () => ["tg", group, [["tg_spawn", group, ...this.child()], ...this.inner(depth)]],
      () => ["try", this.inner(depth), handlers()],
      () => ["try", this.inner(depth), handlers(), { finally: this.plain(depth) }],
      () => ["try", this.inner(depth), handlers(), { else: this.plain(depth) }],
      () => ["try", this.inner(depth), [], { finally: this.plain(depth) }],
      () => ["loop", this.int(1, 3), this.inner(depth)],
    ];
    for (const o of this.among("LSZB")) made.push(() => ["with", o, this.inner(depth)]);
    return made;
  }

  syncStatement(depth) {
    const made = [
      () => ["cancel", this.any(), ...this.message()],
      () => ["cancel", this.any(), ...this.message()],
      () => [this.pick(["state", "result", "exception"]), this.any()],
      () => [this.pick(["cancelling", "uncancel"]), this.any()],
      () => ["future", this.pick(FUTURES)],
      () => ["set_result", this.pick([...FUTURES, this.any()]), this.int(1, 9)],
      () => ["set_exception", this.pick([...FUTURES, this.any()]), this.pick(["E1", "E2"])],
      () => ["add_cb", this.any(), this.pick(this.callbacks)],
      () => ["remove_cb", this.any(), this.pick(this.callbacks)],
      () => ["reschedule", this.timeoutId(), this.deadline()],
      () => [this.pick(["expired", "when"]), this.timeoutId()],
      () => ["call_soon", this.pick(this.callbacks), this.handle()],
      () => ["call_later", this.delay(), this.pick(this.callbacks), this.handle()],
      () => [this.pick(["handle_cancel", "handle_info"]), this.handle()],
      () => ["ctx_set", this.pick(["x", "y"])],
      () => ["ctx_get"],
      () => ["inc", "n", 1],
    ];
    if (depth < 2) {
      const branch = () => [this.syncStatement(depth + 1)];
      made.push(() => ["ifdone", this.any(), branch(), branch()]);
    }
    for (const o of this.among("LSZC")) made.push(() => [this.pick(["release", "locked"]), o]);
    for (const o of this.among("V")) {
      made.push(() => [this.pick(["ev_set", "ev_set", "ev_clear", "ev_is_set"]), o]);
    }
    for (const o of this.among("C")) made.push(() => ["notify", o, this.int(0, 2)]);
    for (const o of this.among("B")) made.push(() => ["bar_info", o]);
    for (const o of this.among("QKP")) {
      made.push(() => ["put_nowait", o, this.int(1, 9)]);
      made.push(() => [this.pick(["get_nowait", "task_done", "q_info"]), o]);
      made.push(() => (this.chance(0.3) ? ["shutdown", o, this.chance(0.5)] : ["q_info", o]));
    }
    return this.pick(made)();
  }

  callbackStatement() {
    if (this.chance(0.12)) return ["raise", this.pick(["E1", "E2"])];
    return this.chance(0.15) ? ["spawn", ...this.child()] : this.syncStatement(0);
  }
}

function levelOf(variable) {
  if (FUTURES.includes(variable)) return BODIES + 1;
  if (variable === "main") return 0;
  return variable[0] === "x" ? Number(variable[1]) - 0.5 : Number(variable[1]);
}
