import { createSubprocessShell, PIPE, STDOUT } from "@aio/subprocess";

/** Runs a command line to its end, and passes on what it writes, line by line. */
export async function runService(name: string, command: string) {
  const service = await createSubprocessShell(command, {
    stdout: PIPE,
    stderr: STDOUT,
    wholeTree: true, // a shell that ends must not leave behind what it has started
  });
  try {
    for await (const line of service.stdout) process.stdout.write(`${name} | ${line.toString()}`);
    const returncode = await service.wait();
    if (returncode !== 0) throw new Error(`exit code ${returncode}`);
  } finally {
    await service.end(); // SIGTERM, and SIGKILL after 5 s; does nothing when it has ended
  }
}
