import { CancelScope, type Future, interruptible, type Operation, operation } from "@aio/loop";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  asCompleted,
  type Completed,
  createTask,
  ensureFuture,
  gather,
  mapConcurrent,
  moveOnAfter,
  race,
  run,
  shield,
  sleep,
  type StaggeredOutcome,
  staggeredRace,
  type Task,
  type TaskGroup,
  taskGroup,
  type Timeout,
  timeout,
  timeoutAt,
  wait,
  waitFor,
} from "../src/index.ts";
import { isolated } from "./isolated.ts";
import { thrownBy } from "./thrown-by.ts";

// What the compiler infers, without an annotation by whoever calls. Most of it is checked by `tsc -b`.

interface User {
  readonly id: number;
}

const user: User = { id: 1 };

async function fetchUser(): Promise<User> {
  return user;
}

async function double(value: number): Promise<number> {
  return 2 * value;
}

function firstLine(): Operation<string> {
  return operation(async () => "line");
}

async function* letters(): AsyncGenerator<string> {
  yield* ["a", "b"];
}

async function serve(started: (port: number) => void): Promise<void> {
  started(8080);
}

async function everyWay<T>(work: () => Promise<T>): Promise<T[]> {
  const [gathered] = await gather(work, work);
  const mapped = await mapConcurrent([1], work, { limit: 1 });
  const grouped = await taskGroup(work);
  const raced: T = await race(work);
  const limited: T = await timeout(10, work);
  const waited: T = await waitFor(work, 10);
  const tasked: T = await createTask(work);
  const shielded: T = await shield(work);
  const operated: T = await operation(work);
  const rest = grouped === undefined ? [] : [grouped];
  return [gathered, ...mapped, ...rest, raced, limited, waited, tasked, shielded, operated];
}

describe("The type of createTask", () => {
  test("is of what an async function gives", () =>
    isolated(async () => {
      const task = createTask(fetchUser);

      expectTypeOf(task).toEqualTypeOf<Task<User>>();
      expectTypeOf(await task).toEqualTypeOf<User>();
      expectTypeOf(task.result()).toEqualTypeOf<User>();
      expect(task.result()).toBe(user);
    }));

  test("is of what a plain function gives", () =>
    isolated(async () => {
      const task = createTask(() => user);

      expectTypeOf(task).toEqualTypeOf<Task<User>>();
      expect(await task).toBe(user);
    }));

  test("is of what an operation gives", () =>
    isolated(async () => {
      const line = createTask(firstLine);
      const slept = createTask(() => sleep(10));
      const value = createTask(() => sleep(10, user));

      expectTypeOf(line).toEqualTypeOf<Task<string>>();
      expectTypeOf(slept).toEqualTypeOf<Task<void>>();
      expectTypeOf(value).toEqualTypeOf<Task<User>>();
      expect(await gather(line, slept, value)).toEqual(["line", undefined, user]);
    }));

  test("is of what a Future or task gives that the function returns", () =>
    isolated(async () => {
      const task = createTask(() => createTask(fetchUser));

      expectTypeOf(task).toEqualTypeOf<Task<User>>();
      expect(await task).toBe(user);
    }));

  test("is void and never where there is nothing to give", () =>
    isolated(async () => {
      const nothing = createTask(async () => {});
      const never = createTask((): never => {
        throw new Error("failed");
      });

      expectTypeOf(nothing).toEqualTypeOf<Task<void>>();
      expectTypeOf(never).toEqualTypeOf<Task<never>>();
      expect(await nothing).toBeUndefined();
      await thrownBy(never);
    }));

  test("does not take a promise, a number, or a function with parameters", () =>
    isolated(async () => {
      // @ts-expect-error -- has started already
      expect(() => createTask(fetchUser())).toThrow(TypeError);
      // @ts-expect-error -- no function
      expect(() => createTask(5)).toThrow(TypeError);
      // @ts-expect-error -- who would pass the argument?
      expect(await createTask(double)).toBeNaN();
    }));

  test("knows its options", () =>
    isolated(async () => {
      // @ts-expect-error -- a misspelt option
      expect(await createTask(() => 1, { nmae: "reader" })).toBe(1);
      // @ts-expect-error -- no name
      expect(await createTask(() => 1, { name: 5 })).toBe(1);
    }));
});

describe("The type of run", () => {
  test("is of what main gives", async () => {
    const fetched = run(fetchUser);
    expectTypeOf(fetched).toEqualTypeOf<Promise<User>>();
    expect(await fetched).toBe(user);

    const line = run(firstLine);
    expectTypeOf(line).toEqualTypeOf<Promise<string>>();
    expect(await line).toBe("line");

    const plain = run(() => 1);
    expectTypeOf(plain).toEqualTypeOf<Promise<number>>();
    expect(await plain).toBe(1);
  });

  test("does not take a promise or a number", async () => {
    // @ts-expect-error -- has started already
    expect(await thrownBy(run(fetchUser()))).toBeInstanceOf(TypeError);
    // @ts-expect-error -- no function
    expect(await thrownBy(run(5))).toBeInstanceOf(TypeError);
  });
});

describe("The type of gather", () => {
  test("is a tuple for awaitables of all kinds, one by one", () =>
    isolated(async () => {
      const results = await gather(
        fetchUser,
        () => "plain",
        firstLine,
        sleep(10),
        createTask(() => true),
        Promise.resolve(null),
      );

      expectTypeOf(results).toEqualTypeOf<[User, string, string, void, boolean, null]>();
      expect(results).toEqual([user, "plain", "line", undefined, true, null]);
    }));

  test("is a tuple for an array that is written out, and lets itself be taken apart", () =>
    isolated(async () => {
      const [first, second] = await gather([fetchUser, firstLine]);

      expectTypeOf(first).toEqualTypeOf<User>();
      expectTypeOf(second).toEqualTypeOf<string>();
      expect([first, second]).toEqual([user, "line"]);
    }));

  test("is an array for an array of any length", () =>
    isolated(async () => {
      const ids = [1, 2, 3];

      const results = await gather(ids.map((id) => async () => ({ id })));
      const spread = await gather(...ids.map((id) => () => sleep(1, id)));

      expectTypeOf(results).toEqualTypeOf<{ id: number }[]>();
      expectTypeOf(spread).toEqualTypeOf<number[]>();
      expect([results, spread]).toEqual([[{ id: 1 }, { id: 2 }, { id: 3 }], ids]);
    }));

  test("keeps the form of a tuple that is spread: a readonly one, and one with a rest", () =>
    isolated(async () => {
      const pair = [createTask(fetchUser), firstLine] as const;
      const open: [Future<User>, ...Promise<string>[]] = [pair[0], Promise.resolve("more")];

      const spread = await gather(...pair);
      const whole = await gather(pair);
      const rest = await gather(...open);

      expectTypeOf(spread).toEqualTypeOf<[User, string]>();
      expectTypeOf(whole).toEqualTypeOf<[User, string]>();
      expectTypeOf(rest).toEqualTypeOf<[User, ...string[]]>();
      expect([spread, whole, rest]).toEqual([
        [user, "line"],
        [user, "line"],
        [user, "more"],
      ]);
    }));

  test("is of either result where one of two kinds is given", () =>
    isolated(async () => {
      const either = [createTask(fetchUser), firstLine].at(-1) ?? fetchUser;

      const [result] = await gather(either);

      expectTypeOf(result).toEqualTypeOf<User | string>();
      expect(result).toBe("line");
    }));

  test("has errors among the results with returnExceptions", () =>
    isolated(async () => {
      const tuple = await gather([fetchUser, firstLine], { returnExceptions: true });
      const array = await gather(
        [1, 2].map((id) => async () => id),
        { returnExceptions: true },
      );
      const without = await gather([fetchUser, firstLine], { returnExceptions: false });

      expectTypeOf(tuple).toEqualTypeOf<[User | Error, string | Error]>();
      expectTypeOf(array).toEqualTypeOf<(number | Error)[]>();
      expectTypeOf(without).toEqualTypeOf<[User, string]>();
      expect([tuple, array, without]).toEqual([
        [user, "line"],
        [1, 2],
        [user, "line"],
      ]);
    }));

  test("allows for errors when returnExceptions is a variable", () =>
    isolated(async () => {
      const returnExceptions: boolean = Math.random() < 2;

      const [first] = await gather([fetchUser], { returnExceptions });
      const [second] = await gather(
        [fetchUser],
        returnExceptions ? { returnExceptions } : undefined,
      );

      expectTypeOf(first).toEqualTypeOf<User | Error>();
      expectTypeOf(second).toEqualTypeOf<User | Error>();
      expect([first, second]).toEqual([user, user]);
    }));

  test("is of the results when returnExceptions is undefined", () =>
    isolated(async () => {
      const results = await gather([fetchUser], { returnExceptions: undefined });

      expectTypeOf(results).toEqualTypeOf<[User]>();
      expect(results).toEqual([user]);
    }));

  test("is a Future, which can be cancelled", () =>
    isolated(async () => {
      const both = gather(fetchUser, firstLine);

      expectTypeOf(both).toEqualTypeOf<Future<[User, string]>>();
      expect(await both).toEqual([user, "line"]);
    }));

  test("does not take what is no awaitable", () =>
    isolated(async () => {
      // @ts-expect-error -- a number
      expect(() => gather(5)).toThrow(TypeError);
      // @ts-expect-error -- a number
      expect(() => gather([5])).toThrow(TypeError);
      // @ts-expect-error -- a number
      expect(() => gather(() => 1, 5)).toThrow(TypeError);
    }));
});

describe("The type of a deadline", () => {
  test("is of what the body gives", () =>
    isolated(async () => {
      const fetched = timeout(1_000, fetchUser);
      const line = timeoutAt(1_000, firstLine);
      const plain = timeout(null, () => 1);

      expectTypeOf(fetched).toEqualTypeOf<Operation<User>>();
      expectTypeOf(line).toEqualTypeOf<Operation<string>>();
      expectTypeOf(plain).toEqualTypeOf<Operation<number>>();
      expect(await gather(fetched, line, plain)).toEqual([user, "line", 1]);
    }));

  test("is also undefined for moveOnAfter", () =>
    isolated(async () => {
      const fetched = moveOnAfter(1_000, fetchUser);
      const answer = (await moveOnAfter(1_000, firstLine)) ?? "no answer";

      expectTypeOf(fetched).toEqualTypeOf<Operation<User | undefined>>();
      expectTypeOf(answer).toEqualTypeOf<string>();
      expect([await fetched, answer]).toEqual([user, "line"]);
    }));

  test("knows what the body gets", () =>
    isolated(async () => {
      const when = await timeout(1_000, (deadline) => {
        expectTypeOf(deadline).toEqualTypeOf<Timeout>();
        return deadline.when;
      });

      expectTypeOf(when).toEqualTypeOf<number | null>();
      expect(when).toBe(1_000);
    }));

  test("needs a body, and a number", () =>
    isolated(async () => {
      // @ts-expect-error -- no body
      expect(() => timeout(5)).toThrow(TypeError);
      // @ts-expect-error -- no number
      expect(() => timeout("5", fetchUser)).toThrow(TypeError);
      // @ts-expect-error -- has started already
      expect(() => timeout(5, fetchUser())).toThrow(TypeError);
      // @ts-expect-error -- no number
      expect(() => moveOnAfter("5", fetchUser)).toThrow(TypeError);
    }));
});

describe("The type of waitFor", () => {
  test("is of what it waits for", () =>
    isolated(async () => {
      const results = [
        waitFor(fetchUser, 1_000),
        waitFor(createTask(fetchUser), 1_000),
        waitFor(fetchUser(), null),
        waitFor(sleep(1, user), 1_000),
      ];

      expectTypeOf(results).toEqualTypeOf<Operation<User>[]>();
      expect(await gather(results)).toEqual([user, user, user, user]);
    }));

  test("needs a limit, and something to wait for", () =>
    isolated(async () => {
      // @ts-expect-error -- no limit
      expect(() => waitFor(fetchUser)).toThrow(TypeError);
      // @ts-expect-error -- nothing to wait for
      expect(() => waitFor(5, 1_000)).toThrow(TypeError);
    }));
});

describe("The type of sleep", () => {
  test("is of the result that it is given", () =>
    isolated(async () => {
      const nothing = sleep(1);
      const value = sleep(1, user);

      expectTypeOf(nothing).toEqualTypeOf<Operation<void>>();
      expectTypeOf(value).toEqualTypeOf<Operation<User>>();
      expect([await nothing, await value]).toEqual([undefined, user]);
    }));

  test("does not take a string", () =>
    isolated(async () => {
      // @ts-expect-error -- no number
      expect(() => sleep("5")).toThrow(TypeError);
    }));
});

describe("The type of shield and ensureFuture", () => {
  test("is a Future of what the awaitable gives", () =>
    isolated(async () => {
      const shielded = shield(fetchUser);
      const followed = ensureFuture(firstLine());

      expectTypeOf(shielded).toEqualTypeOf<Future<User>>();
      expectTypeOf(followed).toEqualTypeOf<Future<string>>();
      expect([await shielded, await followed]).toEqual([user, "line"]);
    }));
});

describe("The type of race", () => {
  test("is of what any of the awaitables gives", () =>
    isolated(async () => {
      const winner = race(fetchUser, firstLine, () => sleep(1_000, 5));
      const same = race(
        () => sleep(1, "a"),
        () => sleep(2, "b"),
      );

      expectTypeOf(winner).toEqualTypeOf<Operation<User | string | number>>();
      expectTypeOf(same).toEqualTypeOf<Operation<string>>();
      expect([await winner, await same]).toEqual([user, "a"]);
    }));

  test("is of any result of an array that is spread, and of either of two kinds", () =>
    isolated(async () => {
      const tasks = [1, 2].map((id) => createTask(() => id));
      const either = [createTask(fetchUser), firstLine].at(-1) ?? fetchUser;

      const first = await race(...tasks);
      const mixed = await race(either, () => sleep(60_000));

      expectTypeOf(first).toEqualTypeOf<number>();
      expectTypeOf(mixed).toEqualTypeOf<User | string | void>();
      expect([first, mixed]).toEqual([1, "line"]);
    }));

  test("of attempts one after another tells the winner, or none", () =>
    isolated(async () => {
      const { winner, errors } = await staggeredRace([fetchUser, fetchUser], 250);

      expectTypeOf(winner).toEqualTypeOf<{ readonly value: User; readonly index: number } | null>();
      expectTypeOf(errors).toEqualTypeOf<readonly unknown[]>();
      expect(winner).toEqual({ value: user, index: 0 });
    }));

  test("of attempts of several kinds is of any of their results", () =>
    isolated(async () => {
      const attempts = new Set([firstLine, () => 5]);

      const mixed = await staggeredRace([fetchUser, () => firstLine(), () => 5], 250);
      const iterated = await staggeredRace(attempts, null);

      expectTypeOf(mixed).toEqualTypeOf<StaggeredOutcome<User | string | number>>();
      expectTypeOf(iterated).toEqualTypeOf<StaggeredOutcome<string | number>>();
      expect([mixed.winner?.value, iterated.winner?.value]).toEqual([user, "line"]);
    }));
});

describe("The type of taskGroup", () => {
  test("is of what the body gives, or undefined when the group is cancelled", () =>
    isolated(async () => {
      const fetched = taskGroup(async (group) => {
        expectTypeOf(group).toEqualTypeOf<TaskGroup>();
        const task = group.createTask(fetchUser);
        expectTypeOf(task).toEqualTypeOf<Task<User>>();
        return await task;
      });

      expectTypeOf(fetched).toEqualTypeOf<Operation<User | undefined>>();
      expect(await fetched).toBe(user);
    }));

  test("does not take a promise for a task, nor another loop", () =>
    isolated(async () => {
      await taskGroup((group) => {
        // @ts-expect-error -- has started already
        expect(() => group.createTask(fetchUser())).toThrow(TypeError);
        // @ts-expect-error -- its tasks run in the loop of the group
        expect(group.createTask(() => 1, { loop: undefined }).done).toBe(false);
      });
    }));
});

describe("The type of TaskGroup.start", () => {
  test("is of what started() is given, be it said by the caller or by the function", () =>
    isolated(async () => {
      await taskGroup(async (group) => {
        const said = group.start<string>(async (started) => started("ready"));
        const known = group.start(serve);

        expectTypeOf(said).toEqualTypeOf<Operation<string>>();
        expectTypeOf(known).toEqualTypeOf<Operation<number>>();
        expect([await said, await known]).toEqual(["ready", 8080]);
      });
    }));

  test("is void when started() is given nothing", () =>
    isolated(async () => {
      await taskGroup(async (group) => {
        const inferred = group.start(async (started) => started());
        const annotated = group.start(async (started: () => void) => started());

        expectTypeOf(inferred).toEqualTypeOf<Operation<void>>();
        expectTypeOf(annotated).toEqualTypeOf<Operation<void>>();
        expect([await inferred, await annotated]).toEqual([undefined, undefined]);
      });
    }));
});

describe("The type of mapConcurrent", () => {
  test("is of what the calls give, whatever kind of function and of items", () =>
    isolated(async () => {
      const limit = { limit: 2 };

      const users = await mapConcurrent([1, 2], fetchUser, limit);
      const slept = await mapConcurrent(new Map([["a", 1]]), ([key]) => sleep(1, key), limit);
      const codes = await mapConcurrent(letters(), (letter) => letter.charCodeAt(0), limit);
      const nothing = await mapConcurrent("ab", () => {}, limit);

      expectTypeOf(users).toEqualTypeOf<User[]>();
      expectTypeOf(slept).toEqualTypeOf<string[]>();
      expectTypeOf(codes).toEqualTypeOf<number[]>();
      expectTypeOf(nothing).toEqualTypeOf<void[]>();
      expect([users, slept, codes]).toEqual([[user, user], ["a"], [97, 98]]);
    }));
});

describe("The types of all that takes a function", () => {
  test("are known in a generic one, without a cast", () =>
    isolated(async () => {
      expect(await everyWay(fetchUser)).toEqual(Array.from({ length: 9 }, () => user));
    }));
});

describe("The type of asCompleted", () => {
  test("is of any of the results, by `for`", () =>
    isolated(async () => {
      const results: unknown[] = [];
      for (const next of asCompleted([() => sleep(1, 1), firstLine, Promise.resolve(true)])) {
        expectTypeOf(next).toEqualTypeOf<Operation<string | number | boolean>>();
        results.push(await next);
      }

      expect(new Set(results)).toEqual(new Set([1, "line", true]));
    }));

  test("gives Futures that are done, by `for await`", () =>
    isolated(async () => {
      for await (const done of asCompleted([fetchUser, createTask(firstLine)])) {
        expectTypeOf(done).toEqualTypeOf<Completed<User | string>>();
        expectTypeOf(done.result()).toEqualTypeOf<User | string>();
        expectTypeOf(done.exception()).toEqualTypeOf<Error | null>();
        expect(done.done).toBe(true);
      }
    }));

  test("takes an array of one kind, and one that is empty", () =>
    isolated(async () => {
      const tasks = [1, 2].map((id) => createTask(() => id));
      for await (const done of asCompleted(tasks))
        expectTypeOf(done).toEqualTypeOf<Completed<number>>();

      expect([...asCompleted([])]).toEqual([]);
    }));

  test("does not take what is no awaitable", () =>
    isolated(async () => {
      // @ts-expect-error -- a number
      expect(() => asCompleted([5])).toThrow(TypeError);
    }));
});

describe("The type of wait", () => {
  test("keeps the kind of the futures", () =>
    isolated(async () => {
      const tasks = new Set([createTask(fetchUser)]);

      const { done, pending } = await wait(tasks, { timeout: 1_000 });

      expectTypeOf(done).toEqualTypeOf<Set<Task<User>>>();
      expectTypeOf(pending).toEqualTypeOf<Set<Task<User>>>();
      expect([done, pending]).toEqual([tasks, new Set()]);
    }));
});

describe("The type of operation and its like", () => {
  test("is of what the body gives", () =>
    isolated(async () => {
      const fetched = operation(fetchUser);
      const plain = operation(() => "plain");
      const nested = operation(firstLine);

      expectTypeOf(fetched).toEqualTypeOf<Operation<User>>();
      expectTypeOf(plain).toEqualTypeOf<Operation<string>>();
      expectTypeOf(nested).toEqualTypeOf<Operation<string>>();
      expect(await gather(fetched, plain, nested)).toEqual([user, "plain", "line"]);
    }));

  test("is of what the promise gives that is made interruptible", () =>
    isolated(async () => {
      const fetched = interruptible(fetchUser());

      expectTypeOf(fetched).toEqualTypeOf<Operation<User>>();
      expect(await fetched).toBe(user);
    }));

  test("is also undefined for a scope, which may be cancelled", () =>
    isolated(async () => {
      const fetched = new CancelScope().run(async (scope) => {
        expectTypeOf(scope).toEqualTypeOf<CancelScope>();
        return await fetchUser();
      });

      expectTypeOf(fetched).toEqualTypeOf<Operation<User | undefined>>();
      expect(await fetched).toBe(user);
    }));
});

describe("The type of a callback", () => {
  test("of a Future or task is known", () =>
    isolated(async () => {
      const task = createTask(fetchUser);
      task.addDoneCallback((done) => {
        expectTypeOf(done).toEqualTypeOf<Task<User>>();
        expectTypeOf(done.result()).toEqualTypeOf<User>();
      });
      const id = await task.then(
        (value) => value.id,
        (error) => {
          expectTypeOf(error).toEqualTypeOf<unknown>();
          return null;
        },
      );

      expectTypeOf(id).toEqualTypeOf<number | null>();
      expect(id).toBe(1);
    }));
});
