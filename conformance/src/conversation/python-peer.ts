import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Address, Listening, Part, Peer, Record } from "./script.ts";

const SCRIPT = new URL("../../conversations/peer.py", import.meta.url).pathname;

/** Returns the path of a Python with asyncio; undefined when there is none. */
export function findPython(): string | undefined {
  return ["python3", "/usr/bin/python3"].find(
    (path) => spawnSync(path, ["-c", "import asyncio, ssl"]).status === 0,
  );
}

interface Message {
  readonly id: number;
  readonly address?: Address;
  readonly record?: Record;
  readonly failure?: string;
}

/** A process of Python that plays parts of conversations, any number at a time. */
export class PythonPeer implements Peer, AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #listening = new Map<number, PromiseWithResolvers<Address>>();
  readonly #playing = new Map<number, PromiseWithResolvers<Record>>();
  #count = 0;

  constructor(python: string) {
    this.#process = spawn(python, [SCRIPT], { stdio: ["pipe", "pipe", "inherit"] });
    if (this.#process.stdout === null) throw new Error("unreachable: stdout is a pipe");
    createInterface({ input: this.#process.stdout }).on("line", (line) =>
      this.#told(JSON.parse(line) as Message),
    );
    this.#process.on("exit", (code) => {
      const error = new Error(`Python has ended with ${code}`);
      for (const { reject } of [...this.#listening.values(), ...this.#playing.values()])
        reject(error);
    });
  }

  async serve(part: Part): Promise<Listening> {
    const id = this.#send({ ...part, role: "server" });
    const listening = Promise.withResolvers<Address>();
    this.#listening.set(id, listening);
    const record = this.#recordOf(id);
    return { address: await listening.promise, record: () => record };
  }

  connect(part: Part, address: Address): Promise<Record> {
    return this.#recordOf(this.#send({ ...part, address, role: "client" }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#process, "exit");
    this.#process.stdin?.end();
    await exit;
  }

  #send(command: object): number {
    this.#count += 1;
    this.#process.stdin?.write(`${JSON.stringify({ ...command, id: this.#count })}\n`);
    return this.#count;
  }

  async #recordOf(id: number): Promise<Record> {
    const playing = Promise.withResolvers<Record>();
    this.#playing.set(id, playing);
    return await playing.promise;
  }

  #told({ id, address, record, failure }: Message): void {
    if (address !== undefined) this.#listening.get(id)?.resolve(address);
    if (record !== undefined) this.#playing.get(id)?.resolve(record);
    if (failure !== undefined) {
      this.#listening.get(id)?.reject(new Error(failure));
      this.#playing.get(id)?.reject(new Error(failure));
    }
  }
}
