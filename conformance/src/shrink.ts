import { type Block, type Scenario, type Statement, stringsIn } from "./scenario.ts";

/**
 * Makes a failing scenario small: leaves out statements, or puts a block in the place of the
 * statement that holds it, as long as it goes on failing.
 *
 * @param fails - Whether a candidate still shows the failure.
 * @param tries - How many candidates to ask about at most.
 */
export async function shrink(
  scenario: Scenario,
  fails: (candidate: Scenario) => Promise<boolean>,
  tries = 2000,
): Promise<Scenario> {
  let smallest = scenario;
  let left = tries;
  let candidates = simplerScenarios(smallest);
  for (let next = candidates.next(); next.done !== true && left > 0; next = candidates.next()) {
    left -= 1;
    if (!(await fails(next.value))) continue;
    smallest = next.value;
    candidates = simplerScenarios(smallest);
  }
  return smallest;
}

// Scenarios that are one step simpler, those with the biggest steps first.
function* simplerScenarios(scenario: Scenario): Generator<Scenario, undefined> {
  for (const [name, block] of Object.entries(scenario.bodies)) {
    for (const simpler of simplerBlocks(block)) {
      yield withoutUnused({ ...scenario, bodies: { ...scenario.bodies, [name]: simpler } });
    }
  }
  for (const [name, block] of Object.entries(scenario.callbacks ?? {})) {
    for (const simpler of simplerBlocks(block)) {
      yield withoutUnused({ ...scenario, callbacks: { ...scenario.callbacks, [name]: simpler } });
    }
  }
}

function* simplerBlocks(block: Block): Generator<Block, undefined> {
  if (block.length > 3) {
    const middle = block.length >> 1;
    yield block.slice(middle);
    yield block.slice(0, middle);
  }
  for (const [index, statement] of block.entries()) {
    yield block.toSpliced(index, 1);
    for (const slot of slotsOf(statement)) {
      if (slot.standsAlone) yield block.toSpliced(index, 1, ...slot.block);
    }
    for (const simpler of simplerStatements(statement)) yield block.with(index, simpler);
  }
}

function* simplerStatements(statement: Statement): Generator<Statement, undefined> {
  for (const slot of slotsOf(statement)) {
    for (const simpler of simplerBlocks(slot.block)) yield slot.fill(simpler);
  }
  if (statement[0] === "try") yield* simplerTries(statement);
  if (statement[0] === "loop" && statement[1] > 1) {
    yield ["loop", statement[1] - 1, statement[2]];
  }
  if (statement[0] === "gather") {
    const [op, items, options = {}] = statement;
    for (const fewer of withoutOne(items)) yield [op, fewer, options];
  }
  if (statement[0] === "as_completed") {
    const [op, items, options = {}] = statement;
    for (const fewer of withoutOne(items)) yield [op, fewer, options];
  }
  if (statement[0] === "wait") {
    const [op, variables, options = {}] = statement;
    for (const fewer of withoutOne(variables)) yield [op, fewer, options];
  }
}

function withoutOne<T>(items: readonly T[]): T[][] {
  return items.map((_, index) => items.toSpliced(index, 1));
}

// Leaves out a handler, `else` or `finally`.
function* simplerTries([, body, handlers = [], options = {}]: Try): Generator<
  Statement,
  undefined
> {
  for (const index of handlers.keys()) {
    yield ["try", body, handlers.toSpliced(index, 1), options];
  }
  for (const part of ["else", "finally"] as const) {
    if (options[part] === undefined) continue;
    const { [part]: _dropped, ...others } = options;
    yield ["try", body, handlers, others];
  }
}

/** A block inside of a statement. */
interface Slot {
  readonly block: Block;
  /** The statement with another block in this place. */
  fill(block: Block): Statement;
  /** Whether the block can stand in the place of the whole statement. */
  readonly standsAlone: boolean;
}

type Try = Extract<Statement, readonly ["try", ...unknown[]]>;

function slotsOf(statement: Statement): Slot[] {
  if (statement[0] === "try") return slotsOfTry(statement);
  if (statement[0] === "ifdone") {
    const [op, variable, then, otherwise = []] = statement;
    return [
      { block: then, fill: (block) => [op, variable, block, otherwise], standsAlone: true },
      { block: otherwise, fill: (block) => [op, variable, then, block], standsAlone: true },
    ];
  }
  if (statement[0] === "loop") {
    const [op, times, body] = statement;
    return [{ block: body, fill: (block) => [op, times, block], standsAlone: true }];
  }
  if (statement[0] === "with" || statement[0] === "tg") {
    const [op, name, body] = statement;
    return [{ block: body, fill: (block) => [op, name, block], standsAlone: true }];
  }
  if (statement[0] === "timeout") {
    const [op, id, deadline, body] = statement;
    return [{ block: body, fill: (block) => [op, id, deadline, block], standsAlone: true }];
  }
  return [];
}

/** Handlers do not stand alone: they may raise again what they have caught. */
function slotsOfTry([op, body, handlers = [], options = {}]: Try): Slot[] {
  const slots: Slot[] = [
    { block: body, fill: (block) => [op, block, handlers, options], standsAlone: true },
  ];
  for (const [index, [on, handler]] of handlers.entries()) {
    slots.push({
      block: handler,
      fill: (block) => [op, body, handlers.with(index, [on, block]), options],
      standsAlone: false,
    });
  }
  for (const part of ["else", "finally"] as const) {
    const held = options[part];
    if (held === undefined) continue;
    slots.push({
      block: held,
      fill: (block) => [op, body, handlers, { ...options, [part]: block }],
      standsAlone: true,
    });
  }
  return slots;
}

/** Leaves out the bodies, callbacks and objects that the program does not come to. */
function withoutUnused(scenario: Scenario): Scenario {
  const used = new Set<string>();
  const visit = (name: string): void => {
    if (used.has(name)) return;
    used.add(name);
    for (const block of [scenario.bodies[name], scenario.callbacks?.[name]]) {
      if (block !== undefined) stringsIn(block).forEach(visit);
    }
  };
  visit("main");
  const callbacks = pick(scenario.callbacks, used);
  const objects = pick(scenario.objects, used);
  return {
    ...(Object.keys(objects).length > 0 ? { objects } : {}),
    bodies: pick(scenario.bodies, used),
    ...(Object.keys(callbacks).length > 0 ? { callbacks } : {}),
  };
}

function pick<T>(
  table: Readonly<Record<string, T>> | undefined,
  names: ReadonlySet<string>,
): Record<string, T> {
  return Object.fromEntries(Object.entries(table ?? {}).filter(([name]) => names.has(name)));
}
