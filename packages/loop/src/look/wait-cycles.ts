import type { CycleSnapshot, TaskSnapshot, WaitSnapshot } from "./snapshot.ts";

/** The shortest circle of tasks that wait for each other, of each group of tasks that are tangled up. */
export function cyclesOf(tasks: readonly TaskSnapshot[]): CycleSnapshot[] {
  const graph = new Map<number, Map<number, WaitSnapshot>>();
  for (const { id, waits } of tasks) {
    const edges = new Map<number, WaitSnapshot>();
    // Of several of which one is enough, another may end it.
    for (const wait of waits)
      if (wait.mode === "all") for (const on of wait.on) edges.set(on, wait);
    if (edges.size > 0) graph.set(id, edges); // what waits for nobody is in no circle
  }
  trim(graph);
  const cycles: CycleSnapshot[] = [];
  const seen = new Set<number>();
  for (const start of graph.keys()) {
    if (seen.has(start)) continue;
    const cycle = shortestCycle(graph, start);
    if (cycle === null) continue;
    for (const id of reachable(graph, start)) seen.add(id);
    cycles.push({ tasks: cycle, ends: endOf(graph, cycle) });
  }
  return cycles;
}

type Graph = Map<number, Map<number, WaitSnapshot>>;

/** Takes out what waits for nobody, or nobody waits for, again and again: what is left is in a circle, or between two. */
function trim(graph: Graph): void {
  const waiters = new Map([...graph.keys()].map((id) => [id, new Set<number>()]));
  for (const [id, edges] of graph) for (const on of edges.keys()) waiters.get(on)?.add(id);
  const isOutside = (id: number): boolean =>
    graph.get(id)?.size === 0 || waiters.get(id)?.size === 0;
  const outside = [...graph.keys()].filter(isOutside);
  for (let id = outside.pop(); id !== undefined; id = outside.pop()) {
    const neighbours = [...(graph.get(id)?.keys() ?? []), ...(waiters.get(id) ?? [])];
    graph.delete(id);
    for (const other of neighbours) {
      graph.get(other)?.delete(id);
      waiters.get(other)?.delete(id);
      if (graph.has(other) && isOutside(other)) outside.push(other);
    }
  }
}

/** From `start` back to it, by the fewest steps; null when it only waits for a circle. */
function shortestCycle(graph: Graph, start: number): number[] | null {
  const cameFrom = new Map<number, number>();
  const queue = [start];
  for (const id of queue) {
    for (const next of graph.get(id)?.keys() ?? []) {
      if (next === start) return pathTo(id, start, cameFrom);
      if (cameFrom.has(next)) continue;
      cameFrom.set(next, id);
      queue.push(next);
    }
  }
  return null;
}

function pathTo(end: number, start: number, cameFrom: ReadonlyMap<number, number>): number[] {
  const path = [end];
  for (let id = end; id !== start;) {
    id = cameFrom.get(id) ?? start;
    path.push(id);
  }
  return path.toReversed();
}

function reachable(graph: Graph, start: number): Set<number> {
  const found = new Set([start]);
  for (const id of found) for (const next of graph.get(id)?.keys() ?? []) found.add(next);
  return found;
}

function endOf(graph: Graph, cycle: readonly number[]): number | null {
  const ends = cycle.map((id, place) => {
    const next = cycle[(place + 1) % cycle.length] ?? id;
    return graph.get(id)?.get(next)?.ends ?? Infinity;
  });
  const first = Math.min(...ends);
  return first === Infinity ? null : first;
}
