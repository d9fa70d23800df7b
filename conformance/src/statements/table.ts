import type { StatementTables } from "../statement-table.ts";
import { asyncCombinators } from "./combinators.ts";
import { asyncControlFlow, syncControlFlow } from "./control-flow.ts";
import { asyncEvents, syncEvents } from "./event.ts";
import { syncFutures } from "./futures.ts";
import { asyncLocks, syncLocks } from "./locks.ts";
import { syncLoop } from "./loop.ts";
import { asyncQueues, syncQueues } from "./queues.ts";
import { asyncScopes, syncScopes } from "./scopes.ts";
import { asyncTasks, syncTasks } from "./tasks.ts";

/** Every statement of the language. */
export const statements: StatementTables = {
  sync: {
    ...syncControlFlow,
    ...syncTasks,
    ...syncFutures,
    ...syncScopes,
    ...syncEvents,
    ...syncLocks,
    ...syncQueues,
    ...syncLoop,
  },
  async: {
    ...asyncControlFlow,
    ...asyncTasks,
    ...asyncCombinators,
    ...asyncScopes,
    ...asyncEvents,
    ...asyncLocks,
    ...asyncQueues,
  },
};
