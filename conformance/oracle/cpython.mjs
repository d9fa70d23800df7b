// Plain JavaScript, since the types of Pyodide need those of a browser.
import { readFileSync } from "node:fs";
import { loadPyodide } from "pyodide";

export async function createOracle() {
  const python = await loadPyodide();
  python.runPython(readFileSync(new URL("oracle.py", import.meta.url), "utf8"));
  const runJson = python.globals.get("run_json");
  return {
    version: python.runPython("import sys; sys.version.split()[0]"),
    run: (scenario) => JSON.parse(runJson(JSON.stringify(scenario))),
  };
}
