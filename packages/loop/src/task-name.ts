/** What a task is called in reports; its type is known to `@aio/task` only. */
export function nameOfTask(task: object | null): string {
  return task !== null && "label" in task ? String(task.label) : "no task";
}
