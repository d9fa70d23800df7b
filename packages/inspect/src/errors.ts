import { brandError } from "@aio/loop";

/** Thrown when a program cannot be looked at. The message says why, and what to do. */
export class InspectError extends Error {
  declare readonly name: "InspectError";
  readonly code = "AIO_INSPECT";
  static {
    brandError(this, "InspectError");
  }
}
