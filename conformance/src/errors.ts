import { CancelledError, RuntimeError, TimeoutError } from "@aio/loop";

/** `E1`, `E2` or `E3`: the errors that belong to a scenario itself. */
export class ScenarioError extends Error {
  /** What the error was raised with. */
  readonly argument: string | undefined;

  constructor(name: string, argument: string | undefined) {
    super(argument);
    this.name = name;
    this.argument = argument;
  }
}

/** Makes the error that a `raise` or `set_exception` statement names. */
export function makeError(type: string, argument?: string): Error {
  switch (type) {
    case "E1":
    case "E2":
    case "E3":
      return new ScenarioError(type, argument);
    case "ValueError":
      return new RangeError(argument);
    case "RuntimeError":
      return new RuntimeError(argument);
    case "TimeoutError":
      return new TimeoutError(argument);
    case "CancelledError":
      return new CancelledError(argument);
    default:
      throw new TypeError(`Expected a type of error that scenarios may raise, got ${type}`);
  }
}
