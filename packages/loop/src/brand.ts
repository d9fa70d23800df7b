/**
 * Gives a class of errors its name, on the prototype, where the headline of a stack finds it; and has
 * `instanceof` know the instances of another copy of the class: two versions of a package may meet in
 * one program.
 *
 * @example
 * ```ts
 * class BrokenBarrierError extends RuntimeError {
 *   declare readonly name: "BrokenBarrierError";
 *   static {
 *     brandError(this, "BrokenBarrierError");
 *   }
 * }
 * ```
 */
export function brandError(type: { readonly prototype: Error }, name: string): void {
  const mark = Symbol.for(`@aio/${name}`);
  Object.defineProperties(type.prototype, {
    name: { value: name, configurable: true, writable: true },
    [mark]: { value: true },
  });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, thing: unknown): boolean {
      // A class of the program that extends this one inherits this function, but knows its own instances only.
      if (this !== type) return ordinaryHasInstance.call(this, thing);
      return typeof thing === "object" && thing !== null && mark in thing;
    },
  });
}

const ordinaryHasInstance = Function.prototype[Symbol.hasInstance];
