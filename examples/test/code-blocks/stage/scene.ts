import { createServer } from "node:http";
import { connect as connectSocket, type Socket } from "node:net";
import { exposeLoop, ThreadPoolExecutor } from "@aio/executor";
import { getRunningLoop } from "@aio/loop";
import {
  openConnection,
  startServer,
  startUnixServer,
  type StreamReader,
  type StreamWriter,
} from "@aio/streams";
import { Lock, Queue, Semaphore } from "@aio/sync";
import { createTask, moveOnAfter, sleep, type TaskGroup } from "@aio/task";
import { createConnection } from "@aio/transports";
import { Client, fetchUser, type Job, type Row } from "./stage.ts";

/** What the examples take for granted that belongs to a loop, or to a place. */
export type Scene = Awaited<ReturnType<typeof setScene>>;

/** Makes it, for one example. */
export async function setScene(group: TaskGroup, path: string) {
  const local = await startServer(answer, { host: "127.0.0.1", port: 0 });
  await startUnixServer(answer, { path });
  const host = "127.0.0.1";
  const port = local.sockets[0]?.port ?? 0;
  const address = { host, port };
  const [reader, writer] = await openConnection(address);
  const [transport, protocol] = await createConnection(() => new Client(), address);
  const server = createServer();
  const socket = await connected(port);
  const jobs = new Queue<Job>();
  for (const priority of [2, 1]) jobs.putNowait({ priority });
  jobs.shutdown();
  const executor = new ThreadPoolExecutor({ maxWorkers: 1 });
  getRunningLoop().atShutdown(() => executor.shutdown());
  const [task1, task2] = [1, 2].map((delay) => createTask(() => sleep(delay, `after ${delay} ms`)));
  if (task1 === undefined || task2 === undefined) throw new Error("unreachable: there are two");

  return {
    group,
    address,
    host,
    port,
    path,
    server,
    socket,
    reader,
    writer,
    transport,
    protocol,
    executor,
    pool: executor,
    jobs,
    task: task1,
    task1,
    task2,
    part: task1,
    whole: task2,
    pid: process.pid,
    connection: "redis://127.0.0.1:6379",
    tasks: [task1, task2],
    lock: new Lock(),
    handle: exposeLoop({ fetchUser }),
    semaphore: new Semaphore(2),
    rows: new Queue<Row>(),
    cursor: [{ id: 1 }, { id: 2 }],
    table: ["a,1", "b,2"],
    url: `http://${host}:${port}/`,
    urls: ["/a", "/b"],
    files: ["one", "two"],
    words: ["long", "is"],
    addresses: ["127.0.0.1", "::1"],
    mirror1: "/mirror/1",
    mirror2: "/mirror/2",
    id: 7,
    stock: 1,
    flag: true,
  };
}

/** Answers as an HTTP server would, whatever is asked, or when nothing is. */
async function answer(reader: StreamReader, writer: StreamWriter): Promise<void> {
  await moveOnAfter(50, () => reader.read(65_536));
  writer.write("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nhello\n");
  writer.close();
}

async function connected(port: number): Promise<Socket> {
  const connecting = getRunningLoop().createFuture<void>();
  const socket = connectSocket({ host: "127.0.0.1", port });
  socket.pause().once("connect", () => connecting.setResult(undefined));
  await connecting;
  return socket;
}
