import { Parser } from "acorn";
import { analyze, type Scope, type ScopeManager } from "eslint-scope";
import globals from "globals";

const LANGUAGE = 2026;

/**
 * Returns the source of a self-contained function as an expression.
 * @throws TypeError when it uses names from outside, or is nothing that can be sent.
 */
export function inlineSource(fn: Function): string {
  const text = Function.prototype.toString.call(fn);
  const label = `\`${fn.name || "anonymous"}\``;
  if (/\{\s*\[native code\]\s*\}$/.test(text))
    refuse(`${label} has no source: it is bound, or a part of Node`);
  if (text.startsWith("class")) refuse(`${label} is a class`);
  const parsed = parseAny(text);
  if (parsed instanceof SyntaxError)
    refuse(`${label} cannot be read by itself: ${parsed.message.replace(/ \(\d+:\d+\)$/, "")}`);
  const [source, scopes] = parsed;
  const names = freeNames(scopes);
  if (names.length === 0) return source;
  const list = names.map((name) => `\`${name}\``).join(", ");
  const hint = names.includes("require") ? "; there, `await import(…)` takes its place" : "";
  refuse(
    `${label} uses ${list} from outside, which ${names.length === 1 ? "does" : "do"} not exist in a worker${hint}`,
  );
}

function refuse(fact: string): never {
  throw new TypeError(
    `${fact}; pass values as arguments, and take functions of modules by inThread(new URL("./module.ts", import.meta.url))`,
  );
}

type Parsed = [source: string, scopes: ScopeManager];

/** Returns what comes of the parser; of its two errors, that of the attempt that got further. */
function parseAny(text: string): Parsed | Refusal {
  const asFunction = parse(text);
  if (!(asFunction instanceof SyntaxError)) return asFunction;
  const asMethod = parseMethod(text);
  if (!(asMethod instanceof SyntaxError)) return asMethod;
  return asMethod.pos > asFunction.pos ? asMethod : asFunction;
}

/** What the parser throws. */
type Refusal = SyntaxError & { readonly pos: number };

/** Function expressions of every kind. */
function parse(text: string): Parsed | Refusal {
  const source = `(${text}\n)`;
  try {
    const tree = Parser.parse(source, { ecmaVersion: LANGUAGE, ranges: true });
    return [source, analyze(tree as Parameters<typeof analyze>[0], { ecmaVersion: LANGUAGE })];
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return error as Refusal; // a method, or no JavaScript that stands alone
  }
}

/** `name() {…}`, as methods of objects and classes are written. */
function parseMethod(text: string): Parsed | Refusal {
  const parsed = parse(`{ ${text.replace(/^static\s+/, "")} }`);
  return parsed instanceof SyntaxError ? parsed : [`Object.values(${parsed[0]})[0]`, parsed[1]];
}

/** What a function uses from outside, and a worker does not have. */
function freeNames(scopes: ScopeManager): string[] {
  const free = scopes.globalScope?.through.map(({ identifier }) => identifier.name) ?? [];
  const names = new Set(free.filter((name) => !isGlobal(name)));
  if (scopes.scopes.some(takesThisFromOutside)) names.add("this");
  return [...names];
}

// Both: the list is of the newest Node; and what the program or a test runner has added is not in a worker.
function isGlobal(name: string): boolean {
  return (
    (name in globals.nodeBuiltin || name in globals.builtin || name === "undefined") &&
    name in globalThis
  );
}

/** Whether `this` is used in an arrow function that is in nothing but arrow functions. */
function takesThisFromOutside(scope: Scope): boolean {
  const { block } = scope;
  if (block.type !== "ArrowFunctionExpression" || !usesThis(scope)) return false;
  for (let outer = scope.upper; outer !== null; outer = outer.upper)
    if (
      outer.type === "class" ||
      (outer.type === "function" && outer.block.type !== "ArrowFunctionExpression")
    )
      return false;
  return true;
}

function usesThis(scope: Scope): boolean {
  return "thisFound" in scope && scope.thisFound;
}
