// What a process was told that is about its own program, or can be told only once.
const OWN =
  /^(-e|-p|-pe|-c|-i|--(eval|print|check|interactive|input-type|inspect.*|test|test-.*|watch|watch-.*|run|build-.*|expose-gc))(=|$)/;
const WITH_VALUE = /^(-e|-p|-pe|--(eval|print|run|watch-path|input-type))$/;

/** What workers of this process are told at their start: what this process was told, but for what is about its own program. */
export function inheritedExecArgv(args: readonly string[] = process.execArgv): string[] {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] ?? "";
    if (!OWN.test(arg)) kept.push(arg);
    else if (WITH_VALUE.test(arg)) i += 1;
  }
  return kept;
}

/**
 * The same for a thread: undefined, where Node's own inheritance will do. That takes the options of V8, too, which a
 * thread cannot be told, but refuses what is about the text of a program.
 */
export function inheritedThreadArgv(): string[] | undefined {
  const kept = inheritedExecArgv();
  return kept.length === process.execArgv.length ? undefined : kept;
}
