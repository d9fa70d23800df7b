import { measure } from "./measure.ts";
import { findScenario } from "./scenarios.ts";

// The child of the harness: worker.ts SCENARIO IMPLEMENTATION OPERATIONS DURATION, measures once.
const [id = "", name = "", operations = "", duration = ""] = process.argv.slice(2);
const scenario = findScenario(id);
const body = scenario.implementations[name]?.body;
if (typeof body !== "function") throw new TypeError(`Scenario ${id} has no "${name}" for Node`);
console.log(JSON.stringify(await measure(scenario, body, Number(operations), Number(duration))));
process.exit(); // the idle threads of some pools would keep it alive
