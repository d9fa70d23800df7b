import { type ExceptionContext, getRunningLoop } from "@aio/loop";

/** What the exception handler of the running loop is told from now on, until the loop is closed. */
export function collectReports(): ExceptionContext[] {
  const reports: ExceptionContext[] = [];
  getRunningLoop().exceptionHandler = (_loop, context) => void reports.push(context);
  return reports;
}
