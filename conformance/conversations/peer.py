"""The other end of a conversation, on asyncio.

Reads commands as lines of JSON: {"id", "role": "server" | "client", "over", "steps", "limit", "address"}.
Writes, for each, {"id", "address"} when a server listens, and {"id", "record"} at the end.
"""

import asyncio
import hashlib
import json
import os
import pathlib
import socket
import ssl
import struct
import sys
import tempfile
import traceback

HERE = pathlib.Path(__file__).parent


def payload(data):
    """A string stands for itself; [seed, size] for that many bytes of a stream that the seed gives."""
    if isinstance(data, str):
        return data.encode()
    seed, size = data
    return hashlib.shake_128(str(seed).encode()).digest(size)


def show(data):
    text = data.decode("latin-1") if len(data) <= 64 else None
    return {"bytes": len(data), "text": text, "sha256": hashlib.sha256(data).hexdigest()}


def failure(error):
    if isinstance(error, asyncio.IncompleteReadError):
        return {"error": "IncompleteReadError", **show(error.partial), "expected": error.expected}
    if isinstance(error, asyncio.LimitOverrunError):
        return {"error": "LimitOverrunError", "consumed": error.consumed}
    if isinstance(error, ValueError):
        return {"error": "LineTooLongError"}
    if isinstance(error, (ConnectionError, ssl.SSLError)):
        return {"error": "lost"}
    raise error


class End:
    """One end of a connection, which plays its steps."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def play(self, steps):
        record = []
        for name, *arguments in steps:
            try:
                outcome = await getattr(self, name)(*arguments)
            except Exception as error:
                outcome = failure(error)
            if outcome is not None:
                record.append([name, outcome])
        return record

    async def write(self, data):
        self.writer.write(payload(data))

    async def writelines(self, list):
        self.writer.writelines([payload(data) for data in list])

    async def drain(self):
        await self.writer.drain()
        return "ok"

    async def drainInThrees(self, then=None):
        """Has three wait in drain, then closes or aborts, and says what becomes of each."""
        drains = [asyncio.create_task(self.drain()) for _ in range(3)]
        await asyncio.sleep(0)
        if then is not None:
            await getattr(self, then)()
        outcomes = await asyncio.gather(*drains, return_exceptions=True)
        return [failure(it) if isinstance(it, Exception) else it for it in outcomes]

    async def discard(self):
        """Reads to the end, or to the loss, and says nothing of it."""
        try:
            while await self.reader.read(65_536):
                pass
        except Exception as error:
            failure(error)

    async def writeEof(self):
        self.writer.write_eof()

    async def canWriteEof(self):
        return self.writer.can_write_eof()

    async def close(self):
        self.writer.close()

    async def waitClosed(self):
        await self.writer.wait_closed()
        return "ok"

    async def abort(self):
        self.writer.transport.abort()

    async def reset(self):
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def writeUntilLost(self):
        while True:
            self.writer.write(bytes(65_536))
            await self.writer.drain()

    async def startTls(self, role):
        if role == "server":
            await self.writer.start_tls(server_context())
        else:
            await self.writer.start_tls(client_context(), server_hostname="localhost")

    async def read(self, size=-1):
        return show(await self.reader.read(size))

    async def readexactly(self, size):
        return show(await self.reader.readexactly(size))

    async def readline(self):
        return show(await self.reader.readline())

    async def readuntil(self, separator):
        return show(await self.reader.readuntil(separator.encode()))

    async def readSlowly(self, size):
        """Reads to the end, in small pieces with a pause after each."""
        data = b""
        while chunk := await self.reader.read(size):
            data += chunk
            await asyncio.sleep(0.001)
        return show(data)

    async def echoLines(self):
        count = 0
        async for line in self.reader:
            self.writer.write(line)
            await self.writer.drain()
            count += 1
        return count

    async def atEof(self):
        return self.reader.at_eof()


class Datagrams(asyncio.DatagramProtocol):
    """One end of an exchange of datagrams."""

    def __init__(self):
        self.received = asyncio.Queue()
        self.peer = None

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.peer = address
        self.received.put_nowait(data)

    async def play(self, steps):
        record = []
        for name, *arguments in steps:
            outcome = await getattr(self, name)(*arguments)
            if outcome is not None:
                record.append([name, outcome])
        self.transport.close()
        return record

    async def send(self, data):
        connected = self.transport.get_extra_info("peername") is not None
        self.transport.sendto(payload(data), None if connected else self.peer)

    async def receive(self):
        return show(await self.received.get())


def server_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(HERE / "certificate.pem", HERE / "key.pem")
    return context


def client_context():
    return ssl.create_default_context(cafile=HERE / "certificate.pem")


async def serve(command, say):
    over, steps, limit = command["over"], command["steps"], command["limit"]
    loop = asyncio.get_running_loop()
    if over == "udp":
        _, end = await loop.create_datagram_endpoint(Datagrams, local_addr=("127.0.0.1", 0))
        say(address=end.transport.get_extra_info("sockname")[1])
        return await end.play(steps)
    accepted = loop.create_future()

    async def connected(reader, writer):
        accepted.set_result(End(reader, writer))

    if over == "unix":
        address = os.path.join(tempfile.mkdtemp(), "socket")
        server = await asyncio.start_unix_server(connected, address, limit=limit)
        say(address=address)
    else:
        tls = {"ssl": server_context()} if over == "tls" else {}
        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=limit, **tls)
        say(address=server.sockets[0].getsockname()[1])
    end = await accepted
    server.close()
    return await end.play(steps)


async def connect(command, say):
    over, steps, limit, address = (command[key] for key in ("over", "steps", "limit", "address"))
    if over == "udp":
        loop = asyncio.get_running_loop()
        _, end = await loop.create_datagram_endpoint(Datagrams, remote_addr=("127.0.0.1", address))
        return await end.play(steps)
    if over == "unix":
        ends = await asyncio.open_unix_connection(address, limit=limit)
    elif over == "tls":
        tls = {"ssl": client_context(), "server_hostname": "localhost"}
        ends = await asyncio.open_connection("127.0.0.1", address, limit=limit, **tls)
    else:
        ends = await asyncio.open_connection("127.0.0.1", address, limit=limit)
    return await End(*ends).play(steps)


async def obey(command):
    def say(**what):
        print(json.dumps({"id": command["id"], **what}), flush=True)

    try:
        role = serve if command["role"] == "server" else connect
        say(record=await role(command, say))
    except BaseException:
        say(failure=traceback.format_exc())
        raise


async def main():
    reader = asyncio.StreamReader(limit=1 << 20)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    tasks = set()
    async for line in reader:
        task = asyncio.create_task(obey(json.loads(line)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)


asyncio.run(main())
