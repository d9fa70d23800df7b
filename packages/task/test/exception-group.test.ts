import { describe, expect, test } from "vitest";
import { ExceptionGroup } from "../src/index.ts";

const range = new RangeError("range");
const type = new TypeError("type");
const syntax = new SyntaxError("syntax");
const isRange = (error: unknown): boolean => error instanceof RangeError;
const isError = (error: unknown): boolean => error instanceof Error;

describe("ExceptionGroup", () => {
  test("holds several errors", () => {
    const group = new ExceptionGroup("two of them", [range, type], { cause: syntax });

    expect(group).toBeInstanceOf(AggregateError);
    expect(group).toMatchObject({
      name: "ExceptionGroup",
      code: "AIO_EXCEPTION_GROUP",
      message: "two of them",
      errors: [range, type],
      cause: syntax,
    });
  });

  test("is shown as text with its errors", () => {
    const inner = new ExceptionGroup("inner", [type]);

    expect(String(new ExceptionGroup("outer", [range, inner]))).toBe(
      "ExceptionGroup: outer (2 sub-exceptions: RangeError: range; ExceptionGroup: inner (1 sub-exception: TypeError: type))",
    );
  });

  test("is split into those that match and the others", () => {
    const group = new ExceptionGroup("three", [range, type, syntax]);

    const [matching, others] = group.split(isRange);

    expect(matching).toBeInstanceOf(ExceptionGroup);
    expect(matching).toMatchObject({ message: "three", errors: [range] });
    expect(others).toMatchObject({ message: "three", errors: [type, syntax] });
  });

  test("is split with null for nothing", () => {
    const group = new ExceptionGroup("one", [range]);

    expect(group.split(isRange)).toMatchObject([{ errors: [range] }, null]);
    expect(group.split(() => false)).toMatchObject([null, { errors: [range] }]);
  });

  test("keeps nested groups when it is split", () => {
    const group = new ExceptionGroup("outer", [
      type,
      new ExceptionGroup("inner", [range, syntax]),
      new ExceptionGroup("other", [syntax]),
    ]);

    const [matching, others] = group.split(isRange);

    expect(matching).toMatchObject({
      message: "outer",
      errors: [{ message: "inner", errors: [range] }],
    });
    expect(matching?.errors).toHaveLength(1);
    expect(others).toMatchObject({
      message: "outer",
      errors: [type, { message: "inner", errors: [syntax] }, { message: "other" }],
    });
  });

  test("asks about errors, not about groups that it holds", () => {
    const group = new ExceptionGroup("outer", [new ExceptionGroup("inner", [range])]);

    expect(group.subgroup((error) => error instanceof ExceptionGroup)).toBeNull();
    expect(group.subgroup(isError)).toMatchObject({ errors: [{ errors: [range] }] });
  });

  test("keeps its cause in both parts", () => {
    const group = new ExceptionGroup("two", [range, type], { cause: syntax });

    expect(group.split(isRange)).toMatchObject([{ cause: syntax }, { cause: syntax }]);
  });

  test("has no cause in its parts when it has none", () => {
    const group = new ExceptionGroup("two", [range, type]);

    expect(group.subgroup(isRange)).not.toHaveProperty("cause");
  });

  test("has no matching part when nothing matches", () => {
    expect(new ExceptionGroup("one", [type]).subgroup(isRange)).toBeNull();
  });
});
