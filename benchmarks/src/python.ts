import { spawnSync } from "node:child_process";

/** An implementation in `python/`: the function of the scenario's name, on one of two loops. */
export interface PythonPeer {
  readonly loop: "asyncio" | "uvloop";
  /** Network scenarios: which of the servers. */
  readonly server?: "protocol" | "streams";
}

/** A Python that was found. */
export interface Python {
  readonly path: string;
  readonly version: string;
  /** The version of uvloop, or null when it is not installed. */
  readonly uvloop: string | null;
}

const CANDIDATES = ["python3", "/usr/bin/python3"];

// Writes its own path, not that of a wrapper, which would start another process on the way.
const PROBE = `
import json, platform, sys
try:
    import uvloop
    version = uvloop.__version__
except ImportError:
    version = None
print(json.dumps({"path": sys.executable, "version": platform.python_version(), "uvloop": version}))
`;

/** Returns the first Python 3 that has uvloop, else the first at all. */
export function findPython(): Python | undefined {
  const found = CANDIDATES.map(probe).filter((python) => python !== undefined);
  return found.find((python) => python.uvloop !== null) ?? found[0];
}

function probe(path: string): Python | undefined {
  const { status, stdout } = spawnSync(path, ["-c", PROBE], { encoding: "utf8" });
  return status === 0 ? (JSON.parse(stdout) as Python) : undefined;
}
