"""The task scenarios on asyncio: tasks.py LOOP SCENARIO OPERATIONS DURATION writes a sample as JSON."""

import asyncio
import concurrent.futures
import gc
import json
import os
import statistics
import sys
import time


async def spawn_and_join(n):
    async def work():
        await asyncio.sleep(0)
        return 1

    return sum(await asyncio.gather(*[asyncio.create_task(work()) for _ in range(n)]))


async def spawn_and_await(n):
    async def work():
        return 1

    count = 0
    for _ in range(n):
        count += await asyncio.create_task(work())
    return count


async def yields(n):
    for _ in range(n):
        await asyncio.sleep(0)
    return n


async def yields_of_many(n):
    tasks = 1000
    count = 0

    async def work(times):
        nonlocal count
        for _ in range(times):
            await asyncio.sleep(0)
            count += 1

    await asyncio.gather(*[work((n + task) // tasks) for task in range(tasks)])
    return count


async def ping_pong(n):
    loop = asyncio.get_running_loop()
    boxes = [loop.create_future(), loop.create_future()]
    seen = 0

    async def play(me, other):
        nonlocal seen
        for i in range(me, n, 2):
            message = await boxes[me]
            boxes[me] = loop.create_future()
            seen += message == i
            boxes[other].set_result(i + 1)

    boxes[0].set_result(0)
    await asyncio.gather(play(0, 1), play(1, 0))
    return seen


async def queue_ping_pong(n):
    queues = [asyncio.Queue(), asyncio.Queue()]
    seen = 0

    async def play(me, other):
        nonlocal seen
        for i in range(me, n, 2):
            message = await queues[me].get()
            seen += message == i
            queues[other].put_nowait(i + 1)

    queues[0].put_nowait(0)
    await asyncio.gather(play(0, 1), play(1, 0))
    return seen


async def contended_lock(n, yields=False):
    tasks = 1000
    lock = asyncio.Lock()
    count = 0

    async def work(times):
        nonlocal count
        for _ in range(times):
            async with lock:
                before = count
                if yields:
                    await asyncio.sleep(0)
                count = before + 1

    await lock.acquire()
    working = asyncio.gather(*[work((n + task) // tasks) for task in range(tasks)])
    await asyncio.sleep(0)
    lock.release()
    await working
    return count


async def held_lock(n):
    return await contended_lock(n, True)


async def free_lock(n):
    lock = asyncio.Lock()
    count = 0
    for _ in range(n):
        async with lock:
            count += lock.locked()
    return count


async def limited_jobs(n):
    limit = 10
    semaphore = asyncio.Semaphore(limit)
    running = count = 0

    async def job():
        nonlocal running, count
        async with semaphore:
            running += 1
            assert running <= limit
            await asyncio.sleep(0)
            running -= 1
            count += 1

    await asyncio.gather(*[job() for _ in range(n)])
    return count


async def bounded_queue(n):
    queue = asyncio.Queue(100)
    seen = 0

    async def produce():
        for i in range(n):
            await queue.put(i)

    async def consume():
        nonlocal seen
        for i in range(n):
            item = await queue.get()
            seen += item == i

    await asyncio.gather(produce(), consume())
    return seen


async def timers(n):
    loop = asyncio.get_running_loop()
    fired = 0

    def fire():
        nonlocal fired
        fired += 1

    for _ in range(n):
        loop.call_later(10, fire).cancel()
    return n - fired


async def timeouts(n):
    async def work():
        return 1

    count = 0
    for _ in range(n):
        async with asyncio.timeout(10):
            count += await work()
    return count


async def sleeps(n):
    count = 0

    async def work(delay):
        nonlocal count
        await asyncio.sleep(delay)
        count += 1

    await asyncio.gather(*[work((1 + i * 7919 % 100) / 1000) for i in range(n)])
    return count


async def processes(n):
    count = 0
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    for _ in range(n):
        child = await asyncio.create_subprocess_exec("/bin/true", **pipes)
        if await child.wait() == 0:
            count += 1
    return count


async def piped_bytes(n):
    count = 0
    data = b"x" * 10_485_760
    pipe = asyncio.subprocess.PIPE
    for _ in range(n):
        child = await asyncio.create_subprocess_exec("cat", stdin=pipe, stdout=pipe)
        stdout, _stderr = await child.communicate(data)
        if len(stdout) == len(data):
            count += 1
    return count


async def sleepers(n, parked):
    asleep = 0

    async def work():
        nonlocal asleep
        asleep += 1
        await asyncio.sleep(3600)

    tasks = [asyncio.create_task(work()) for _ in range(n)]
    await asyncio.sleep(0)
    parked()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return asleep


async def parked_tasks(n, parked):
    loop = asyncio.get_running_loop()
    boxes = [loop.create_future() for _ in range(n)]

    async def work(future):
        return await future

    tasks = [asyncio.create_task(work(future)) for future in boxes]
    await asyncio.sleep(0)
    parked()
    for future in boxes:
        future.set_result(1)
    return sum(await asyncio.gather(*tasks))


THREADS = concurrent.futures.ThreadPoolExecutor(1)


def echo(value):
    return value


async def round_trips(n):
    loop = asyncio.get_running_loop()
    loop.set_default_executor(THREADS)
    count = 0
    for i in range(n):
        count += await asyncio.to_thread(echo, i) == i
    return count


async def in_flight(n):
    loop = asyncio.get_running_loop()
    loop.set_default_executor(THREADS)
    numbers = iter(range(n))
    count = 0

    async def lane():
        nonlocal count
        for i in numbers:
            value = await asyncio.to_thread(echo, i)
            count += value == i

    await asyncio.gather(*[lane() for _ in range(64)])
    return count


# Threads would take turns at the interpreter: work for the processor is for processes.
PROCESSES = None


def spin(duration):
    end = time.perf_counter() + duration
    while time.perf_counter() < end:
        pass
    return duration


async def short_jobs(n):
    global PROCESSES
    if PROCESSES is None:
        PROCESSES = concurrent.futures.ProcessPoolExecutor()
    loop = asyncio.get_running_loop()
    jobs = [loop.run_in_executor(PROCESSES, spin, 0.002) for _ in range(n)]
    return sum(duration == 0.002 for duration in await asyncio.gather(*jobs))


SCENARIOS = {
    "9a": processes,
    "9b": piped_bytes,
    "1a": spawn_and_join,
    "1b": spawn_and_await,
    "2a": yields,
    "2b": yields_of_many,
    "3a": ping_pong,
    "3b": queue_ping_pong,
    "4a": contended_lock,
    "4b": held_lock,
    "4c": free_lock,
    "5": limited_jobs,
    "6": bounded_queue,
    "7a": timers,
    "7b": timeouts,
    "7c": sleeps,
    "10a": round_trips,
    "10b": in_flight,
    "10d": short_jobs,
}
MEMORY = {"11a": sleepers, "11b": parked_tasks}


def resident():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def check(body, n, *args):
    seen = await body(n, *args)
    assert seen == n, f"Expected {n} operations to come out right, got {seen}"


async def measure_time(body, n, duration):
    await check(body, -(-n // 3))  # nothing to optimise here: this fills caches and free lists
    walls, cpus = [], []
    end = time.perf_counter() + duration
    while len(walls) < 2 or time.perf_counter() < end:
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        await check(body, n)
        walls.append(time.perf_counter_ns() - wall)
        cpus.append(time.process_time_ns() - cpu)
    return statistics.median(walls), statistics.median(cpus), 0


async def measure_bytes(body, n):
    gc.collect()
    before = resident()
    after = 0

    def parked():
        nonlocal after
        gc.collect()
        after = resident()

    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    await check(body, n, parked)
    return time.perf_counter_ns() - wall, time.process_time_ns() - cpu, after - before


def main(loop, scenario, operations, duration):
    if loop == "uvloop":
        import uvloop

        uvloop.install()
    n = int(operations)
    memory = MEMORY.get(scenario)
    measuring = (
        measure_time(SCENARIOS[scenario], n, float(duration) / 1000)
        if memory is None
        else measure_bytes(memory, n)
    )
    wall, cpu, size = asyncio.run(measuring)
    if PROCESSES is not None:
        PROCESSES.shutdown()
    print(json.dumps({"wall": wall / n, "cpu": cpu / n, "bytes": size / n}))


main(*sys.argv[1:])
