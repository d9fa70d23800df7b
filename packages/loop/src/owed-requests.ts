import type { CancelRequest } from "./cancel-request.ts";
import type { Scope } from "./scope.ts";

// What scopes owe to their next wait. Almost always none does, and no wait needs to look then.
const owedBy = new WeakMap<Scope, CancelRequest>();
let owing = 0;
// The newest request that each scope has owed, kept behind its delivery. Few ever owe one.
const lastOwed = new WeakMap<Scope, CancelRequest>();
let owedEver = false;

/** Has a scope remember a request that nothing has accepted, for the next wait inside. */
export function owe(debtor: Scope, request: CancelRequest): void {
  if (!owedBy.has(debtor)) owing += 1;
  owedBy.set(debtor, request);
  owedEver = true;
  for (let scope: Scope | null = debtor; scope !== null; scope = scope.parent)
    lastOwed.set(scope, request);
}

/** The newest request that is owed to a wait in `inner`, from there or around, or null. */
export function owedIn(inner: Scope): CancelRequest | null {
  if (owing === 0) return null;
  let owed: CancelRequest | null = null;
  for (let scope: Scope | null = inner; scope !== null; scope = askedFrom(scope)) {
    const request = owedBy.get(scope);
    if (request?.isNewerThan(owed)) owed = request;
  }
  return owed;
}

/** The newest request that `scope`, or one inside, has owed; also when it is delivered. */
export function lastOwedIn(scope: Scope): CancelRequest | null {
  return owedEver ? (lastOwed.get(scope) ?? null) : null;
}

/** Drops what is owed to a wait in `inner`, by it or around it. */
export function forgive(inner: Scope): void {
  for (let scope: Scope | null = inner; scope !== null; scope = askedFrom(scope)) forget(scope);
}

/** Drops what is owed by `outer` and by those inside it. */
export function forgiveInside(outer: Scope): void {
  forget(outer);
  for (const scope of outer.scopesInside()) forgiveInside(scope);
}

/** At the end of `scope`: what it owes lapses, or passes to the scope around, if anybody there still asks. */
export function handOn(scope: Scope, handsOn: boolean): void {
  if (owing === 0) return;
  const { parent } = scope;
  const request = owedBy.get(scope);
  if (request === undefined) return;
  if (handsOn && parent !== null && parent.requestsAround() > 0) owe(parent, request);
  forget(scope);
}

/** The scope around, whose requests reach `scope` too; null when it is shielded, or there is none. */
export function askedFrom(scope: Scope): Scope | null {
  return scope.shielded ? null : scope.parent;
}

function forget(debtor: Scope): void {
  if (owedBy.delete(debtor)) owing -= 1;
}
