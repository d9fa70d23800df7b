import { DIFFERENCES, TRIED } from "./differences.ts";
import { BUN, DENO, type Host, HOSTS, tryProgram } from "./hosts.ts";
import { examplePrograms, type Program, readmePrograms } from "./programs.ts";

/** How a program did on a host. */
export interface Trial {
  readonly host: string;
  readonly program: string;
  /** What is wrong; null when it printed what it says. */
  readonly problem: string | null;
  /** Why that is known not to work there; null where it should. */
  readonly known: string | null;
}

/** The programs of the READMEs on all versions of Node, and the examples of some packages on other hosts. */
export async function tryAll(
  folder: string,
  tell: (trial: Trial) => void = () => {},
): Promise<Trial[]> {
  const trials: Trial[] = [];
  for (const host of [...HOSTS, DENO, BUN]) {
    for (const program of programsFor(host)) {
      const problem = await tryProgram(host, folder, program);
      const known = DIFFERENCES[host.name]?.[program.name] ?? null;
      const trial = { host: host.name, program: program.name, problem, known };
      tell(trial);
      trials.push(trial);
    }
  }
  return trials;
}

function programsFor(host: Host): Program[] {
  if (HOSTS.includes(host)) return readmePrograms();
  const ofReadmes = readmePrograms().filter(({ name }) =>
    TRIED.packages.some((one) => name.startsWith(`${one} README`)),
  );
  return [...ofReadmes, ...examplePrograms(TRIED.folders)];
}
