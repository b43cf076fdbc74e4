"""A TCP proxy that cuts connections: after so many bytes from the host, or when told to."""

import asyncio
import contextlib


class CuttingProxy:
    """Listens on `port` and forwards to a port on loopback. `cut_after`: bytes from the host, per connection.

    `cuts` says how many connections are cut so; later ones are left alone. `to_host_limit` likewise for the bytes
    towards the host.
    """

    def __init__(
        self, target_port: int, *, cut_after: int | None = None, to_host_limit: int | None = None, cuts: int = 1
    ) -> None:
        self._target = target_port
        self._limits = {"from": cut_after, "to": to_host_limit}
        self.cuts = cuts
        self.connections = 0
        self.port = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "CuttingProxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.sleep(0)

    def cut(self) -> None:
        """Reset every connection that is open now."""
        for writer in list(self._open):
            writer.transport.abort()
        self._open.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            host_reader, host_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, host_writer}
        self._open |= pair
        await asyncio.gather(
            self._forward("to", reader, host_writer, pair), self._forward("from", host_reader, writer, pair)
        )
        self._open -= pair

    async def _forward(
        self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pair: set[asyncio.StreamWriter]
    ) -> None:
        left = self._limits[way]
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 16):
                if left is not None and self.cuts > 0:
                    data = data[:left]
                    left -= len(data)
                writer.write(data)
                await writer.drain()
                if left == 0 and self.cuts > 0:
                    self.cuts -= 1
                    break
        for each in pair:
            each.transport.abort()
