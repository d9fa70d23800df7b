import dagre from "@dagrejs/dagre";
import type { TaskSnapshot } from "@aio/loop";
import type { Model } from "./model.ts";
import { shortened, title } from "./words.ts";

/** A task, a primitive that tasks wait for, or what was too many to draw. */
export interface GraphNode {
  readonly key: string;
  readonly kind: "task" | "resource" | "more";
  readonly label: string;
  readonly note: string;
  /** Of a task; else 0. */
  readonly id: number;
  x: number;
  y: number;
  readonly width: number;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly isBad: boolean;
  points: readonly { readonly x: number; readonly y: number }[];
}

/** Who waits for whom, with places. */
export interface WaitGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly width: number;
  readonly height: number;
  /** How many tasks that belong to it are left out. */
  readonly left: number;
}

export const NODE_HEIGHT = 44;
const MOST_TASKS = 120;
// Of one primitive, so many of those that wait are drawn; of the others, the number.
const MOST_WAITERS = 6;

/**
 * The part of the graph that matters: around the selected task, or those that are shown; else the circles, and all
 * tasks that wait for another, or for the same primitive as another.
 */
export function waitGraphOf(
  model: Model,
  selected: number,
  isShown: ReadonlySet<number> | null,
  direction: "LR" | "TB",
): WaitGraph {
  const draft = new Draft(model);
  const start = model.byId.get(selected);
  if (start !== undefined) draft.addAround([start]);
  else {
    const isOfInterest = (task: TaskSnapshot): boolean =>
      isShown === null
        ? task.waits.some(({ on, resource }) => on.length > 0 || resource !== null)
        : isShown.has(task.id);
    const stuck = model.tasks.filter(
      ({ id }) => model.inCycle.has(id) && (isShown?.has(id) ?? true),
    );
    draft.addAround([...stuck, ...model.tasks.filter(isOfInterest)]);
  }
  return draft.layOut(direction);
}

class Draft {
  readonly #model: Model;
  readonly #tasks = new Map<number, TaskSnapshot>();
  readonly #drawnWaiters = new Map<number, number>();
  readonly #hiddenWaiters = new Map<number, number>();
  #left = 0;

  constructor(model: Model) {
    this.#model = model;
  }

  /** Those, then all that they wait for, and all that wait for them, as far as there is room. */
  addAround(start: readonly TaskSnapshot[]): void {
    const seen = new Set<number>();
    const open = [...start];
    for (const task of open) {
      if (seen.has(task.id)) continue;
      seen.add(task.id);
      if (!this.#add(task)) continue;
      for (const id of [...task.waits.flatMap(({ on }) => on), ...task.awaitedBy]) {
        const next = this.#model.byId.get(id);
        if (next !== undefined && !seen.has(id)) open.push(next);
      }
    }
  }

  #add(task: TaskSnapshot): boolean {
    const resource = task.waits.find((wait) => wait.resource !== null)?.resource ?? null;
    if (resource !== null && !this.#model.inCycle.has(task.id) && task.awaitedBy.length === 0) {
      const drawn = this.#drawnWaiters.get(resource) ?? 0;
      if (drawn >= MOST_WAITERS) {
        this.#hiddenWaiters.set(resource, (this.#hiddenWaiters.get(resource) ?? 0) + 1);
        return false;
      }
      this.#drawnWaiters.set(resource, drawn + 1);
    }
    if (this.#tasks.size >= MOST_TASKS) {
      this.#left += 1;
      return false;
    }
    this.#tasks.set(task.id, task);
    return true;
  }

  layOut(direction: "LR" | "TB"): WaitGraph {
    const nodes = new Map<string, GraphNode>();
    const edges = new Map<string, GraphEdge>();
    const addNode = (
      key: string,
      node: Pick<GraphNode, "kind" | "label" | "note" | "id">,
    ): void => {
      const letters = Math.max(node.label.length * 7.4, node.note.length * 6);
      nodes.set(key, {
        key,
        ...node,
        x: 0,
        y: 0,
        width: Math.min(240, Math.max(90, letters + 28)),
      });
    };
    const addEdge = (from: string, to: string, isBad: boolean): void => {
      edges.set(`${from}>${to}`, { from, to, isBad, points: [] });
    };
    for (const task of this.#tasks.values())
      addNode(`t${task.id}`, { kind: "task", label: title(task), note: noteOf(task), id: task.id });
    const resources = new Map(
      (this.#model.snapshot?.loops ?? []).flatMap((loop) =>
        loop.resources.map((resource) => [resource.id, resource] as const),
      ),
    );
    const { inCycle } = this.#model;
    for (const task of this.#tasks.values()) {
      for (const wait of task.waits) {
        const resource = wait.resource === null ? undefined : resources.get(wait.resource);
        const on = wait.on.filter((id) => this.#tasks.has(id));
        if (resource === undefined) {
          for (const id of on)
            addEdge(`t${task.id}`, `t${id}`, inCycle.has(task.id) && inCycle.has(id));
          continue;
        }
        const key = `r${resource.id}`;
        const [, name = "", rest = ""] = /^<(\w+) ?(.*)>$/.exec(resource.what) ?? [];
        addNode(key, { kind: "resource", label: name || resource.what, note: rest, id: 0 });
        const isBad = inCycle.has(task.id) && on.some((id) => inCycle.has(id));
        addEdge(`t${task.id}`, key, isBad);
        for (const id of on)
          addEdge(key, `t${id}`, isBad || edges.get(`${key}>t${id}`)?.isBad === true);
      }
    }
    for (const [resource, number] of this.#hiddenWaiters) {
      if (!nodes.has(`r${resource}`)) continue;
      addNode(`m${resource}`, { kind: "more", label: `and ${number} more`, note: "", id: 0 });
      addEdge(`m${resource}`, `r${resource}`, false);
    }
    return place([...nodes.values()], [...edges.values()], direction, this.#left);
  }
}

function noteOf(task: TaskSnapshot): string {
  const [wait] = task.waits;
  if (wait === undefined) return task.state;
  return wait.resource === null ? shortened(wait.what) : `${wait.what.split("(")[0]}()`;
}

function place(
  nodes: GraphNode[],
  edges: GraphEdge[],
  rankdir: "LR" | "TB",
  left: number,
): WaitGraph {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({
    rankdir,
    nodesep: 14,
    ranksep: rankdir === "LR" ? 56 : 36,
    marginx: 12,
    marginy: 12,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { key, width } of nodes) graph.setNode(key, { width, height: NODE_HEIGHT });
  for (const { from, to } of edges) graph.setEdge(from, to);
  dagre.layout(graph);
  for (const node of nodes) {
    const { x = 0, y = 0 } = graph.node(node.key) as { x?: number; y?: number };
    node.x = x;
    node.y = y;
  }
  for (const edge of edges)
    edge.points = (graph.edge(edge.from, edge.to) as Partial<GraphEdge> | undefined)?.points ?? [];
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  // Of no nodes, the sizes are infinite.
  if (nodes.length === 0) return { nodes, edges, width: 0, height: 0, left };
  return { nodes, edges, width, height, left };
}
