"""An echo server on asyncio: echo.py LOOP SERVER NODE GENERATOR CONNECTIONS SIZE REQUESTS DURATION writes a sample as JSON."""

import asyncio
import json
import sys
import time


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def echo(reader, writer):
    while line := await reader.readline():
        writer.write(line)
        await writer.drain()
    writer.close()


async def echo_messages(reader, writer, size):
    try:
        while True:
            writer.write(await reader.readexactly(size))
            await writer.drain()
    except asyncio.IncompleteReadError:
        writer.close()


async def serve(kind, size):
    if kind == "streams":
        serve_client = echo if size == 64 else lambda r, w: echo_messages(r, w, size)
        return await asyncio.start_server(serve_client, "127.0.0.1", 0)
    return await asyncio.get_running_loop().create_server(Echo, "127.0.0.1", 0)


async def measure(kind, node, generator, connections, size, requests, _duration):
    server = await serve(kind, int(size))
    port = server.sockets[0].getsockname()[1]
    pipe = asyncio.subprocess.PIPE
    client = await asyncio.create_subprocess_exec(
        node, generator, str(port), connections, size, requests, stdin=pipe, stdout=pipe
    )
    assert await client.stdout.readline() == b"ready\n"
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    client.stdin.write(b"go\n")
    result = json.loads(await client.stdout.readline())
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    n = int(requests)
    assert result["echoed"] == n
    await client.wait()
    server.close()
    return {"wall": wall / n, "cpu": cpu / n, "bytes": 0, "client": result["cpu"] / wall, "latency": result["latency"]}


def main(loop, *args):
    if loop == "uvloop":
        import uvloop

        uvloop.install()
    print(json.dumps(asyncio.run(measure(*args))))


main(*sys.argv[1:])
