import type { Operation } from "@aio/loop";
import type { StreamReader, StreamWriter } from "@aio/streams";
import { run } from "@aio/task";
import type { ReadTransport, WriteTransport } from "@aio/transports";
import type { ChildProcess } from "node:child_process";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type CompletedProcess,
  createSubprocessExec,
  createSubprocessShell,
  DEVNULL,
  type Output,
  PIPE,
  type Process,
  runProcess,
  STDOUT,
  subprocessExec,
  type SubprocessOptions,
  subprocessShell,
  type SubprocessTransport,
  type TimeoutExpired,
} from "../src/index.ts";

// What the compiler infers, without an annotation by whoever calls. Most of it is checked by `tsc -b`.

describe("The type of a process", () => {
  test("has a stream for each PIPE, and null for all else", () =>
    run(async () => {
      const ends = { stdin: PIPE, stdout: PIPE, stderr: STDOUT } as const;
      const starting = createSubprocessExec("cat", ["-"], ends);
      expectTypeOf(starting).toEqualTypeOf<Operation<Process<StreamWriter, StreamReader, null>>>();
      expect(await (await starting).communicate()).toEqual([Buffer.alloc(0), null]);

      const shell = await createSubprocessShell("true", {
        stdin: DEVNULL,
        stdout: 1,
        stderr: PIPE,
      });
      expectTypeOf(shell).toEqualTypeOf<Process<null, null, StreamReader>>();
      expect(await shell.communicate()).toEqual([null, Buffer.alloc(0)]);

      const bare = await createSubprocessExec("true");
      expectTypeOf(bare).toEqualTypeOf<Process<null, null, null>>();
      expect(await bare.wait()).toBe(0);
    }));

  test("has a stream or null for what is not known before", () =>
    run(async () => {
      const stdout = DEVNULL as typeof DEVNULL | typeof PIPE;
      const maybe = await createSubprocessExec("true", [], { stdout });
      expectTypeOf(maybe).toEqualTypeOf<Process<null, StreamReader | null, null>>();

      const options: SubprocessOptions = {};
      const any = await createSubprocessExec("true", [], options);
      expectTypeOf(any).toEqualTypeOf<Process>();
      expectTypeOf(any.stdin).toEqualTypeOf<StreamWriter | null>();
      expect([await maybe.wait(), await any.wait()]).toEqual([0, 0]);
    }));

  test("has communicate give a Buffer for each stream", () =>
    run(async () => {
      const child = await createSubprocessExec("true", [], { stdout: PIPE });
      const output = await child.communicate();
      expectTypeOf(output).toEqualTypeOf<[stdout: Buffer, stderr: null]>();
      expectTypeOf<Process["communicate"]>()
        .parameter(0)
        .toEqualTypeOf<Uint8Array | string | undefined>();
      expect(output[0].length).toBe(0);
    }));

  test("fits wherever any process does", () =>
    run(async () => {
      const child: Process = await createSubprocessExec("true", [], { stdout: PIPE });
      expectTypeOf(child.returncode).toEqualTypeOf<number | null>();
      expectTypeOf<Process["wait"]>().returns.toEqualTypeOf<Operation<number>>();
      expectTypeOf<Process["sendSignal"]>().parameter(0).toEqualTypeOf<NodeJS.Signals | number>();
      expectTypeOf(child).toExtend<AsyncDisposable>();
      expect(await child.wait()).toBe(0);
    }));

  test("refuses STDOUT for stdout, endOnCancel in runProcess and arguments that are no list", () =>
    run(async () => {
      // @ts-expect-error -- stdout cannot go where stdout goes
      await expect(createSubprocessExec("true", [], { stdout: STDOUT })).rejects.toThrow(TypeError);
      // @ts-expect-error -- arguments are a list
      await expect(createSubprocessExec("true", "-")).rejects.toThrow(TypeError);
      // @ts-expect-error -- it always ends the process
      const done = await runProcess("true", [], { endOnCancel: false });
      expectTypeOf(done).toEqualTypeOf<CompletedProcess>();
      expectTypeOf<TimeoutExpired["partial"]>().toEqualTypeOf<Output>();
      expect(done.returncode).toBe(0);
    }));
});

describe("The type of a transport", () => {
  test("comes with that of the protocol", () =>
    run(async () => {
      class Silent {
        readonly name = "silent";
        processExited(): void {}
      }
      const [transport, protocol] = await subprocessExec(() => new Silent(), "true");
      expectTypeOf(transport).toEqualTypeOf<SubprocessTransport>();
      expectTypeOf(protocol).toEqualTypeOf<Silent>();
      const [, other] = await subprocessShell(() => new Silent(), "true");
      expectTypeOf(other).toEqualTypeOf<Silent>();
      expect([protocol.name, other.name]).toEqual(["silent", "silent"]);
      await transport.wait();
    }));

  test("knows which way its pipes go, and the process of the host", () =>
    run(async () => {
      const [transport] = await subprocessExec(() => ({}), "true");
      expectTypeOf(transport.getPipeTransport(0)).toEqualTypeOf<WriteTransport | null>();
      expectTypeOf(transport.getPipeTransport(1)).toEqualTypeOf<ReadTransport | null>();
      const child = transport.getExtraInfo("subprocess");
      expectTypeOf(child).toEqualTypeOf<ChildProcess>();
      expect(child.pid).toBe(transport.getPid());
      await transport.wait();
    }));
});
