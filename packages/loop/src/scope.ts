import { inspect } from "node:util";
import { CancelRequest } from "./cancel-request.ts";
import { scopes } from "./context.ts";
import { type Dependencies, noDependencies } from "./dependencies.ts";
import type { CancelReason } from "./errors.ts";
import { log } from "./log.ts";
import {
  askedFrom,
  forgive,
  forgiveInside,
  handOn,
  lastOwedIn,
  owe,
  owedIn,
} from "./owed-requests.ts";
import { runningLoop } from "./running.ts";
import { abortSignals, signalOf } from "./scope-signals.ts";

// The scopes whose waits are being told of a request right now.
const asking = new Set<Scope>();

const OPEN = 0;
const SHIELDED = 1;
const CLOSED = 2;

// The list of a scope's nodes is read and written by its nodes too.
let newestOf: (scope: Scope) => ScopeNode | null;
let setNewest: (scope: Scope, node: ScopeNode | null) => void;

/** What `then` of a wait was given. */
export interface Reactions {
  readonly onFulfilled: (value: never) => unknown;
  readonly onRejected: (reason: unknown) => unknown;
}

/** A place in the tree of scopes: a wait, or a scope with all that waits inside it. */
export abstract class ScopeNode {
  declare private _parent: Scope | null;
  declare private _older: ScopeNode | null;
  declare private _newer: ScopeNode | null;

  constructor() {
    this._parent = null;
    this._older = null;
    this._newer = null;
  }

  /** The scope around this one, or null. */
  get parent(): Scope | null {
    return this._parent;
  }

  /** The node that entered the same scope just before this one. */
  get older(): ScopeNode | null {
    return this._older;
  }

  /** Enters `scope`. The node must be in no scope. */
  enter(scope: Scope): void {
    const newest = newestOf(scope);
    this._parent = scope;
    this._older = newest;
    if (newest !== null) newest._newer = this;
    setNewest(scope, this);
  }

  /** Leaves the scope that it is in, if any. */
  leave(): void {
    const scope = this._parent;
    if (scope === null) return;
    const older = this._older;
    const newer = this._newer;
    if (older !== null) older._newer = newer;
    if (newer === null) setNewest(scope, older);
    else newer._older = older;
    this._parent = this._older = this._newer = null;
  }

  /**
   * Passes a request on to what waits here.
   * @returns whether anything accepted it.
   */
  abstract deliver(request: CancelRequest): boolean;

  /** Whether this is a wait that has been woken, and has not gone on yet. */
  get isWoken(): boolean {
    return false;
  }

  /** Has a wait that has been woken throw in its step. */
  overtake(_request: CancelRequest): void {}

  /** What is waited for here, for reports. */
  abstract describe(): string;

  /** What this cannot end without, for call graphs: nothing that is known. */
  get dependencies(): Dependencies {
    return noDependencies;
  }

  /** The primitive in whose queue this stands, for reports, or null. */
  get resource(): object | null {
    return null;
  }

  /**
   * Has `exchange` replace the functions that an `await` gave to this wait, for a look at where that is.
   * Does nothing when no `await` has given any.
   */
  exchange(_exchange: (reactions: Reactions) => Reactions): void {}
}

/**
 * A node of the tree that cancellations travel along: every `await` of ours that runs inside it, at any
 * depth of plain async functions, is interrupted by {@link Scope.cancel}. Each task is one, and so is
 * each operation, deadline and task group. For those who write primitives; programs use `CancelScope`.
 *
 * A scope that is not waiting when the request comes remembers it, and delivers it at its next wait.
 */
export class Scope extends ScopeNode {
  static {
    newestOf = (scope) => scope._newest;
    setNewest = (scope, node) => {
      scope._newest = node;
    };
  }

  /** The scope that the running code is in, or undefined. */
  static get current(): Scope | undefined {
    return scopes.getStore();
  }

  /** The task that the scope belongs to, or null. Its type is known to `@aio/task`. */
  declare readonly task: object | null;
  declare private _newest: ScopeNode | null;
  declare private _asked: Asked | null;
  declare private _state: typeof OPEN | typeof SHIELDED | typeof CLOSED;

  /**
   * @param parent the scope around it: by default the current one; null for none.
   * @param task the task that it is the scope of: by default that of `parent`.
   */
  constructor(
    parent: Scope | null = scopes.getStore() ?? null,
    task: object | null = parent?.task ?? null,
  ) {
    super();
    this.task = task;
    this._newest = null;
    this._asked = null;
    this._state = OPEN;
    if (parent !== null && !parent.closed) this.enter(parent);
  }

  /** How many requests count on this very scope. */
  get requests(): number {
    return this._asked?.count ?? 0;
  }

  /** The newest request that was not accepted at once, here or inside; it stays after its delivery. */
  get lastOwed(): CancelRequest | null {
    return lastOwedIn(this);
  }

  /** The newest request that counts on this scope or inside, or null. */
  get lastRequest(): CancelRequest | null {
    let newest = this.requests > 0 ? (this._asked?.newest ?? null) : null;
    for (const { lastRequest } of this.scopesInside())
      if (lastRequest?.isNewerThan(newest)) newest = lastRequest;
    return newest;
  }

  /** What it is called where it counts as a wait: see {@link ScopeNode.dependencies}. */
  get title(): string {
    return "";
  }

  /** When it is cancelled by a deadline, in milliseconds of the loop's clock; null for never. */
  get deadline(): number | null {
    return null;
  }

  /** Whether a request that is still owed at the end passes to the scope around, if anybody there still asks. */
  protected get handsOn(): boolean {
    return false;
  }

  /** Whether the scope has ended: then nothing enters it any more. */
  get closed(): boolean {
    return this._state === CLOSED;
  }

  /** Whether requests from around do not reach inside; they are owed to the next wait behind it. */
  get shielded(): boolean {
    return this._state === SHIELDED;
  }

  set shielded(shielded: boolean) {
    if (this.closed) return;
    this._state = shielded ? SHIELDED : OPEN;
    const { owed } = this;
    // A request that the shield has kept out strikes now, unless the code inside runs: then at its next wait.
    if (owed !== null && !this.isRunning && pass(this, owed)) this.takeOwed();
  }

  /**
   * A signal that is aborted when the scope is cancelled, by the error that its waits throw. A request
   * that is owed is delivered by it.
   */
  get signal(): AbortSignal {
    const owed = this.takeOwed();
    if (owed !== null) return AbortSignal.abort(owed.error);
    return signalOf(this);
  }

  /** Calls `body` inside this scope. */
  run<R>(body: () => R): R {
    return scopes.run(this, body);
  }

  /**
   * Asks for cancellation: every wait inside is interrupted by a `CancelledError`, those included that
   * have been woken and have not gone on yet. When nothing waits, or the caller itself runs inside, the
   * next wait is.
   * @param message the message of the error.
   * @param reason who asks, as the error tells.
   * @returns false when the scope has ended, or is told of a request right now.
   */
  cancel(message?: string, reason: CancelReason = "caller"): boolean {
    return this.request(new CancelRequest(message, reason));
  }

  /** {@link Scope.cancel}, by a request that was made elsewhere. */
  request(request: CancelRequest): boolean {
    if (this.closed || this.isAsking) return false; // the latter in a circle: see FutureWait.deliver
    this._asked = { count: this.requests + 1, newest: request };
    if (isDebugging()) void request.error; // made here, its stack shows who asked
    const { isRunning } = this;
    if (isRunning) {
      abortSignals(this, request);
      owe(this, request);
    } else if (!pass(this, request)) {
      owe(this, request);
    }
    return true;
  }

  /** Whether its waits are being told of a request right now. */
  get isAsking(): boolean {
    return asking.has(this);
  }

  /** Sum of the requests on this scope and those around it, up to a shield: others do not reach it. */
  requestsAround(): number {
    let sum = 0;
    for (let scope: Scope | null = this; scope !== null; scope = askedFrom(scope))
      sum += scope.requests;
    return sum;
  }

  /** Sum of the requests on this scope and those inside it. */
  requestsInside(): number {
    let sum = this.requests;
    for (const scope of this.scopesInside()) sum += scope.requestsInside();
    return sum;
  }

  /**
   * Takes one request back, on this scope or the nearest around it that counts one, up to a shield; with
   * the last one around, what is still owed lapses.
   * @returns the sum of the requests that are left on it and around it.
   */
  takeBack(): number {
    let holder: Scope | null = this;
    while (holder !== null && holder.requests === 0) holder = askedFrom(holder);
    if (holder !== null) takeOne(holder._asked);
    const left = this.requestsAround();
    if (left === 0) forgive(this);
    return left;
  }

  /**
   * Takes one request inside back, outermost first; with the last one, what is still owed lapses.
   * Counterpart of `Task.uncancel`.
   * @returns the sum of the requests that are left.
   */
  uncancel(): number {
    const scope = outermostRequested(this);
    if (scope !== undefined) takeOne(scope._asked);
    const left = this.requestsInside();
    if (left === 0) forgiveInside(this);
    return left;
  }

  /** Makes a request that counts on this scope or around it, up to a shield, anew, to be delivered at the next wait there. */
  renew(): void {
    for (let scope: Scope | null = this; scope !== null; scope = askedFrom(scope)) {
      if (scope.requests > 0) {
        owe(scope, new CancelRequest(undefined, scope.lastOwed?.reason ?? "caller"));
        return;
      }
    }
  }

  /** The newest request that is owed to a wait in this scope, from here or around. */
  get owed(): CancelRequest | null {
    return owedIn(this);
  }

  /** Takes what is owed to a wait in this scope: all of it counts as delivered then. */
  takeOwed(): CancelRequest | null {
    const { owed } = this;
    if (owed !== null) forgive(this);
    return owed;
  }

  /** The nodes inside, oldest first. */
  nodes(): ScopeNode[] {
    const nodes: ScopeNode[] = [];
    for (let node = this._newest; node !== null; node = node.older) nodes.push(node);
    return nodes.toReversed();
  }

  /** The scopes right inside, oldest first. */
  scopesInside(): Scope[] {
    return this.nodes().filter((node) => node instanceof Scope);
  }

  override deliver(request: CancelRequest): boolean {
    return !this.shielded && deliverInside(this, request);
  }

  /** The waits inside, at any depth, oldest first. */
  waits(): ScopeNode[] {
    return this.nodes().flatMap((node) => (node instanceof Scope ? node.waits() : [node]));
  }

  override describe(): string {
    const inside = this.nodes().map((node) => node.describe());
    return inside.filter((text) => text !== "").join(", ");
  }

  /** Moves the scope, with all that waits inside, into another. */
  moveTo(scope: Scope | null): void {
    if (this.closed || scope === this.parent || scope?.closed) return;
    this.leave();
    if (scope !== null) this.enter(scope);
  }

  /**
   * Ends the scope. What still waits inside goes on by itself, tied to it no longer. A request that is
   * still owed lapses, or passes to the scope around: see {@link Scope.handsOn}.
   */
  close(): void {
    if (this.closed) return;
    this._state = CLOSED;
    handOn(this, this.handsOn);
    this.leave();
    if (this._newest !== null && isDebugging()) reportBranches(this);
    for (let node = this._newest; node !== null; node = this._newest) node.leave();
  }

  /** Whether the code that is running now runs inside this scope. */
  get isRunning(): boolean {
    let scope: Scope | null = scopes.getStore() ?? null;
    while (scope !== null && scope !== this) scope = scope.parent;
    return scope !== null;
  }
}

/** The requests that count on a scope. */
interface Asked {
  count: number;
  readonly newest: CancelRequest;
}

// Functions and not private methods: those would cost every scope of the program a field.

function takeOne(asked: Asked | null): void {
  if (asked !== null) asked.count -= 1;
}

function reportBranches(scope: Scope): void {
  const waits = scope.describe();
  if (waits === "") return; // they have been cancelled together with it
  const owner = scope.task === null ? "A scope" : inspect(scope.task);
  log.warn(
    `${owner} ends while a branch of it still waits for ${waits}; await all branches, for example by gather() or race()`,
  );
}

/** Passes a request on to the waits and the signals of a scope. Returns whether it is delivered by that. */
function pass(scope: Scope, request: CancelRequest): boolean {
  const isAccepted = deliverInside(scope, request);
  const woken = wokenInside(scope);
  // What is owed goes to one wait only: where code has several branches, all get it here, lest some go on alone.
  const isForAll = isAccepted || woken.length > 1;
  if (isForAll) for (const wait of woken) wait.overtake(request);
  const isHeard = abortSignals(scope, request);
  return isForAll || isHeard;
}

function wokenInside(scope: Scope): ScopeNode[] {
  return scope.nodes().flatMap((node) => {
    if (node instanceof Scope) return node.shielded ? [] : wokenInside(node);
    return node.isWoken ? [node] : [];
  });
}

function deliverInside(scope: Scope, request: CancelRequest): boolean {
  let accepted = false;
  asking.add(scope);
  try {
    for (const node of scope.nodes()) accepted = node.deliver(request) || accepted;
  } finally {
    asking.delete(scope);
  }
  return accepted;
}

/** The outermost scope in here that counts a request. */
function outermostRequested(scope: Scope): Scope | undefined {
  if (scope.requests > 0) return scope;
  for (const inside of scope.scopesInside()) {
    const requested = outermostRequested(inside);
    if (requested !== undefined) return requested;
  }
  return undefined;
}

function isDebugging(): boolean {
  return runningLoop()?.debug ?? false;
}
