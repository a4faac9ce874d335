"""The testing helpers: conditions, a real NATS server, and a service's whole main()."""

import asyncio
import signal
import subprocess
import sys
import urllib.request

import nats
import pytest

from services.kit.channels import connect
from services.kit.testing import nats_server, running, wait_until
from tests.kit.echo import FULL_NAME, ask, echo_service

MAIN = """
import sys
from services.kit.server import run
from tests.kit.echo import echo_service
run(echo_service(port=int(sys.argv[1]), metrics_port=int(sys.argv[2]), drain_seconds=0.2))
"""


async def test_wait_until_takes_plain_and_async_conditions_and_says_what_never_held():
    async def holds():
        return True

    await wait_until(holds)
    await wait_until(lambda: True)
    with pytest.raises(TimeoutError, match="1 == 2"):
        await wait_until(lambda: 1 == 2, timeout=0.05)


async def test_a_service_that_never_gets_ready_is_told_with_the_cause(monkeypatch):
    class Gone:
        name = "log"

        async def start(self):
            raise ConnectionError

        async def close(self):
            pass

    monkeypatch.setattr("services.kit.testing.READY_SECONDS", 0.2)
    with pytest.raises(TimeoutError, match=r"log.*ConnectionError"):
        async with running(echo_service(resources=[Gone()])):
            pass


async def test_a_nats_server_killed_and_started_again_keeps_its_address_and_what_it_acknowledged(tmp_path):
    with nats_server(tmp_path, config="jetstream { max_file_store: 1MB }") as server:
        client = await nats.connect(server.url)
        js = client.jetstream()
        await js.add_stream(name="A", subjects=["a"])
        await js.publish("a", b"kept")
        url, pid = server.url, server.pid
        await client.close()
        server.kill()
        with pytest.raises((OSError, nats.errors.Error)):
            await nats.connect(url, allow_reconnect=False, max_reconnect_attempts=1, connect_timeout=1)
        server.restart()
        assert (server.url, server.pid != pid) == (url, True)
        client = await nats.connect(url)
        assert (await client.jetstream().get_msg("A", 1)).data == b"kept"
        await client.close()


def test_a_nats_server_that_cannot_start_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="did not start"), nats_server(tmp_path, config="port: {"):
        pass


def free_ports(count):
    import socket

    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


async def test_run_serves_calls_and_metrics_and_sigterm_drains_it():
    port, metrics = free_ports(2)
    words = [sys.executable, "-c", MAIN, str(port), str(metrics)]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220
        try:
            async with connect(f"127.0.0.1:{port}", full_name=FULL_NAME) as channel:
                assert await ask(channel, "hello", wait_for_ready=True, timeout=30) == "hello"
                url = f"http://127.0.0.1:{metrics}/metrics"
                body = await asyncio.to_thread(lambda: urllib.request.urlopen(url).read().decode())
                assert 'aisle_call_handled_seconds_count{code="OK"' in body
                late = asyncio.create_task(ask(channel, "slow:0.5"))
                assert await ask(channel, "again") == "again"
                process.send_signal(signal.SIGTERM)
                assert await late == "slow:0.5"
            assert await asyncio.to_thread(process.wait, 20) == 0
        finally:
            process.kill()
        assert '"event": "stopped"' in process.stderr.read()
