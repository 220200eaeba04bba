# SPDX-License-Identifier: GPL-3.0-or-later
"""The other end of the emulated host's network: senders of TCP and of datagrams, and a place for files.

Everything listens on this machine's loopback address, which the emulated host knows as 10.0.2.2.
"""

import re
import socket
import threading
import time

from lab import Refusal

# The emulated host's card, and how it knows this machine.
CARD = ["-netdev", "user,id=card,ipv6=off", "-device", "virtio-net-pci,netdev=card,romfile="]
HERE = "10.0.2.2"
# A stream is sent in pieces of two full segments, so that the emulated network makes no short ones; datagrams that are due
# at once by a sender that wakes so often.
PIECE_BYTES = 2 * 1460
TICK_SECONDS = 0.001
# What a blocked sender may have waiting in this machine's kernel is little, so that the receiver's window decides.
BUFFER_BYTES = 16 << 10


class Flow:
    """What is sent, as jobs write it: `tcp 20Mbit/s`, `tcp` (as much as goes), `udp 500/s 1000B`."""

    def __init__(self, text):
        tcp = re.fullmatch(r"tcp(?: ([0-9.]+)Mbit/s)?", text)
        udp = re.fullmatch(r"udp ([0-9]+)/s ([0-9]+)B", text)
        if not tcp and not udp:
            raise Refusal(f"flow '{text}' is not like 'tcp 20Mbit/s', 'tcp' or 'udp 500/s 1000B'")
        self.text = text
        self.is_tcp = bool(tcp)
        self.bytes_per_second = float(tcp[1]) * 1e6 / 8 if tcp and tcp[1] else None
        self.datagrams_per_second, self.datagram_bytes = map(int, udp.groups()) if udp else (0, 0)

    @property
    def rate(self):
        """Bytes a second; None where it sends as much as goes."""
        return self.bytes_per_second or self.datagrams_per_second * self.datagram_bytes or None

    def peer(self, port):
        return f"{'' if self.is_tcp else 'udp:'}{HERE}:{port}"


def connections(listener, ended):
    """Those who connect, until the listener is closed."""
    while not ended.is_set():
        try:
            yield listener.accept()[0]
        except OSError:
            return


class Source:
    """One flow's sender on a port of its own."""

    def __init__(self, flow, ended):
        self.flow, self.ended = flow, ended
        self.socket = socket.socket(socket.AF_INET,
                                    socket.SOCK_STREAM if flow.is_tcp else socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        if flow.is_tcp:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_BYTES)
            self.socket.listen()
        self.peer = flow.peer(self.socket.getsockname()[1])

    def work(self):
        if self.flow.is_tcp:
            self.serve()
        else:
            self.send_datagrams()

    def serve(self):
        for connection in connections(self.socket, self.ended):
            threading.Thread(target=self.send_stream, args=(connection,), daemon=True).start()

    def send_stream(self, connection):
        """At the flow's rate; what a full window kept back is not sent faster later."""
        rate = self.flow.bytes_per_second
        piece = bytes(64 << 10) if rate is None else bytes(PIECE_BYTES)
        due, step = time.monotonic(), PIECE_BYTES / (rate or 1)
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while not self.ended.is_set():
                began = time.monotonic()
                connection.sendall(piece)
                if rate is None:
                    continue
                now = time.monotonic()
                # Woken late, it sends what is due; kept waiting by the receiver, it does not.
                due = now if now - began > 5 * step else due + step
                time.sleep(max(0, due - now))
        except OSError:
            pass
        connection.close()

    def send_datagrams(self):
        """To whoever spoke last; at even distances, those that are late at once."""
        data, step = bytes(self.flow.datagram_bytes), 1 / self.flow.datagrams_per_second
        peer, due = None, 0
        while not self.ended.is_set():
            try:
                if peer is None:
                    self.socket.settimeout(0.2)
                    _, peer = self.socket.recvfrom(64)
                    due = time.monotonic()
                    self.socket.setblocking(False)
                try:
                    _, peer = self.socket.recvfrom(64)
                except BlockingIOError:
                    pass
                while due <= time.monotonic():
                    self.socket.sendto(data, peer)
                    due += step
                time.sleep(max(0, min(due - time.monotonic(), TICK_SECONDS)))
            except TimeoutError:
                continue
            except OSError:
                # The emulated host's socket is closed, or ours; the next one speaks first.
                if self.socket.fileno() < 0:
                    return
                peer = None


class Network:
    """Senders of flows, by their texts, and a sink; `with` ends them."""

    def __init__(self, flows):
        self.ended = threading.Event()
        self.received = []
        self.sources = {text: Source(Flow(text), self.ended) for text in flows}
        self.sink = socket.create_server(("127.0.0.1", 0))
        self.sink_port = self.sink.getsockname()[1]

    def __enter__(self):
        for work in (*(source.work for source in self.sources.values()), self.keep):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        for source in self.sources.values():
            source.socket.close()
        self.sink.close()

    def peer(self, text):
        return self.sources[text].peer

    def keep(self):
        """What the emulated host sends home, a connection each."""
        for connection in connections(self.sink, self.ended):
            data = bytearray()
            while piece := connection.recv(1 << 16):
                data += piece
            self.received.append(bytes(data))
            connection.close()
