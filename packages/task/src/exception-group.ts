import { brandError } from "@aio/loop";

/**
 * Several errors that belong together: of the tasks of a group, or of the attempts to connect.
 *
 * Counterpart of {@link https://docs.python.org/3/library/exceptions.html#ExceptionGroup | ExceptionGroup}.
 *
 * @example
 * ```ts
 * try {
 *   await taskGroup(work);
 * } catch (error) {
 *   if (!(error instanceof ExceptionGroup)) throw error;
 *   const [late, others] = error.split((one) => one instanceof TimeoutError);
 *   if (others !== null) throw others;
 * }
 * ```
 */
export class ExceptionGroup extends AggregateError {
  declare readonly name: "ExceptionGroup";
  readonly code = "AIO_EXCEPTION_GROUP";
  static {
    brandError(this, "ExceptionGroup");
  }

  constructor(message: string, errors: readonly unknown[], options?: ErrorOptions) {
    super(errors, message, options);
  }

  /** As Python's `str()` of a group, with the errors: their own text says why there is a group at all. */
  override toString(): string {
    const count = this.errors.length;
    const errors = (this.errors as unknown[]).map(String).join("; ");
    return `${super.toString()} (${count} sub-exception${count === 1 ? "" : "s"}: ${errors})`;
  }

  /** The errors for which `matches` holds, in groups nested as here; null when there is none. */
  subgroup(matches: (error: unknown) => boolean): ExceptionGroup | null {
    return this.split(matches)[0];
  }

  /** The errors for which `matches` holds, and the others, both in groups nested as here, or null for none. */
  split(matches: (error: unknown) => boolean): [ExceptionGroup | null, ExceptionGroup | null] {
    const matching: unknown[] = [];
    const others: unknown[] = [];
    for (const error of this.errors as unknown[]) {
      const [inside, outside] =
        error instanceof ExceptionGroup
          ? error.split(matches)
          : matches(error)
            ? [error, null]
            : [null, error];
      if (inside !== null) matching.push(inside);
      if (outside !== null) others.push(outside);
    }
    const group = (errors: unknown[]): ExceptionGroup | null =>
      errors.length === 0
        ? null
        : new ExceptionGroup(
            this.message,
            errors,
            "cause" in this ? { cause: this.cause } : undefined,
          );
    return [group(matching), group(others)];
  }
}
