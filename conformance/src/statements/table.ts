import type { StatementTables } from "../statement-table.ts";
import { asyncCombinators } from "./combinators.ts";
import { asyncControlFlow, syncControlFlow } from "./control-flow.ts";
import { asyncEvents, syncEvents } from "./event.ts";
import { syncFutures } from "./futures.ts";
import { syncLoop } from "./loop.ts";
import { asyncScopes, syncScopes } from "./scopes.ts";
import { asyncTasks, syncTasks } from "./tasks.ts";

/** Every statement of the language that the library can do. */
export const statements: StatementTables = {
  sync: {
    ...syncControlFlow,
    ...syncTasks,
    ...syncFutures,
    ...syncScopes,
    ...syncEvents,
    ...syncLoop,
  },
  async: {
    ...asyncControlFlow,
    ...asyncTasks,
    ...asyncCombinators,
    ...asyncScopes,
    ...asyncEvents,
  },
};
