"""Sweeps on real worker processes give the bits of one process, also where processes die in the middle."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from bnlab.cluster import connection, open_trainer
from bnlab.errors import UserError
from bnlab.experiment import train_here
from tests.cluster.processes import SWEEP, Processes, runs_in, trained, until

GOES_ON = "what came back is kept, and the same command goes on"


def kill(process, name=signal.SIGKILL):
    os.kill(process.pid if hasattr(process, "pid") else process, name)


def test_two_workers_on_this_machine(processes: Processes, in_process):
    client = processes.sweep("--workers", 2)
    listening: set[str] = set()

    def look() -> bool:
        family = [psutil.Process(client.pid), *psutil.Process(client.pid).children(recursive=True)]
        for process in family:
            try:
                connections = process.net_connections("tcp")
            except psutil.Error:
                continue
            listening.update(one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN)
        return client.poll() is not None

    until(look, "the sweep")
    assert client.returncode == 0, processes.said()
    assert trained(processes.folder) == in_process
    assert listening == {"127.0.0.1"}
    assert processes.said() == []


def test_a_script_is_not_run_again_by_its_workers(processes: Processes, in_process):
    (processes.folder / "small.yaml").write_text(SWEEP)
    script = 'import bnlab\n\nopen("imported", "a").write("once\\n")\nbnlab.sweep("small.yaml", workers=1, progress=False)\n'
    (processes.folder / "script.py").write_text(script)
    assert processes.ended(processes.start("script", name="script")) == 0, processes.said("script")
    assert (processes.folder / "imported").read_text() == "once\n"
    assert processes.said("script") == []
    assert trained(processes.folder) == in_process


def test_a_worker_is_killed(processes: Processes, in_process):
    address = processes.scheduler()
    victim = processes.worker(address, env={"BNLAB_TEST_SLEEP": "2"}, name="victim")
    client = processes.sweep("--scheduler", address)
    until(processes.begun, "the first bundle")
    kill(victim)
    processes.worker(address)
    assert processes.ended(client) == 0, processes.said()
    assert trained(processes.folder) == in_process


@pytest.mark.slow
def test_all_workers_are_gone_and_one_comes(processes: Processes, in_process):
    address = processes.scheduler()
    victim = processes.worker(address, env={"BNLAB_TEST_SLEEP": "2"}, name="victim")
    client = processes.sweep("--scheduler", address)
    until(processes.begun, "the first bundle")
    kill(victim)
    until(lambda: "there is no worker; bnlab waits 600 seconds for one" in processes.said(), "a line on the workers")
    processes.worker(address)
    assert processes.ended(client) == 0, processes.said()
    assert processes.said()[-1] == "there is a worker again"
    assert trained(processes.folder) == in_process


def test_all_workers_are_gone_for_too_long(processes: Processes):
    address = processes.scheduler()
    client = processes.sweep("--scheduler", address, "--wait", 3)
    assert processes.ended(client) == 1
    assert processes.said() == [f"bnlab: there was no worker for 3 seconds; {GOES_ON}"]
    assert trained(processes.folder) == {}


def test_the_scheduler_is_gone(processes: Processes, in_process):
    address = processes.scheduler()
    processes.worker(address, env={"BNLAB_TEST_SLEEP": "1"})
    client = processes.sweep("--scheduler", address)
    until(lambda: runs_in(processes.folder), "the first finished run")
    kill(processes.scheduler_process)
    assert processes.ended(client) == 1
    assert processes.said()[-1] == f"bnlab: the scheduler is gone; {GOES_ON}"
    kept = trained(processes.folder)
    assert 0 < len(kept) < len(in_process)

    again = processes.sweep()
    assert processes.ended(again) == 0
    assert trained(processes.folder) == in_process


@pytest.mark.slow
def test_a_seed_kills_every_worker(processes: Processes, in_process):
    address = processes.scheduler()
    for name in ("one", "two"):
        processes.worker(address, nanny=True, name=name, env={"BNLAB_TEST_KILLS": "3"})
    client = processes.sweep("--scheduler", address)
    assert processes.ended(client) == 1
    what, _, named = processes.said()[-1].partition(" times: ")
    *seeds, rest = named.split("; ")
    assert what == "bnlab: 4 seeds lost a worker 3"
    assert sorted(seeds) == [f"batch_size={size}, seed 3" for size in (10, 15, 20, 30)]
    assert rest == "everything else is trained, and the same command tries again"
    alone = [seeds for _, seeds in processes.begun() if seeds == [3]]
    assert len(alone) == 3 * 4
    together = [seeds for _, seeds in processes.begun() if 3 in seeds and len(seeds) > 1]
    assert len(together) == 2 * 4

    again = processes.sweep()
    assert processes.ended(again) == 0
    assert trained(processes.folder) == in_process


@pytest.mark.parametrize(("name", "code"), [(signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)])
def test_the_client_is_killed_or_interrupted(processes: Processes, in_process, name: signal.Signals, code: int):
    client = processes.sweep("--workers", 1)
    until(lambda: runs_in(processes.folder), "the first finished run")
    workers = psutil.Process(client.pid).children(recursive=True)
    os.killpg(client.pid, name) if name == signal.SIGINT else kill(client, name)  # Ctrl-C reaches the workers too
    assert processes.ended(client) == code
    until(lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers), "its workers' end")
    if name == signal.SIGINT:
        (said,) = processes.said()
        assert said.startswith("bnlab: interrupted: ")
        assert said.endswith("; the same command goes on with what is kept")
    assert len(trained(processes.folder)) < len(in_process)

    again = processes.sweep()
    assert processes.ended(again) == 0, processes.said()
    assert trained(processes.folder) == in_process


@pytest.mark.slow
def test_two_clients_at_once(processes: Processes, in_process):
    address = processes.scheduler()
    processes.worker(address, env={"BNLAB_TEST_SLEEP": "0.5"})
    clients = [processes.sweep("--scheduler", address, name=name) for name in ("one", "two")]
    assert [processes.ended(client) for client in clients] == [0, 0], [processes.said("one"), processes.said("two")]
    assert trained(processes.folder) == in_process


@pytest.mark.slow
def test_tls(processes: Processes, in_process):
    folder = make_certificates(processes.folder)
    files = ["--tls-ca-file", folder / "ca.pem", "--tls-cert", folder / "node.pem", "--tls-key", folder / "node.key"]
    address = processes.scheduler("--protocol", "tls", *files)
    assert address.startswith("tls://127.0.0.1:")
    for name in ("one", "two"):
        processes.worker(address, *files, name=name)
    tls = "DASK_DISTRIBUTED__COMM__TLS__"
    environment = {
        f"{tls}CA_FILE": str(folder / "ca.pem"),
        f"{tls}CLIENT__CERT": str(folder / "node.pem"),
        f"{tls}CLIENT__KEY": str(folder / "node.key"),
    }
    refused = processes.sweep("--scheduler", address)
    assert processes.ended(refused) == 2
    client = processes.sweep("--scheduler", address, env=environment)
    assert processes.ended(client) == 0, processes.said()
    assert trained(processes.folder) == in_process


class TestOtherWorkers:
    OTHER = {"JAX_DEFAULT_MATMUL_PRECISION": "default"}  # noqa: RUF012
    """A setting that the client does not have, and does not set on its workers."""

    def test_refused(self, processes: Processes):
        address = processes.scheduler()
        processes.worker(address, env=self.OTHER)
        client = processes.sweep("--scheduler", address, "--wait", 20)
        assert processes.ended(client) == 1
        worker, said = processes.said()[0].split(" is not used, because it may compute other bits: ")
        assert worker.startswith("worker tcp://127.0.0.1:")
        assert said == (
            "jax_default_matmul_precision 'default' there, 'highest' here; --mixed accepts it, and its runs record this"
        )
        assert trained(processes.folder) == {}

    @pytest.mark.slow
    def test_mixed(self, processes: Processes):
        address = processes.scheduler()
        processes.worker(address, env=self.OTHER, name="other")
        processes.worker(address, name="same")
        until(
            lambda: all("Registered to" in (processes.folder / f"{name}.err").read_text() for name in ("other", "same")),
            "them",
        )
        client = processes.sweep("--scheduler", address, "--mixed")
        assert processes.ended(client) == 0, processes.said()
        kinds = [run.numerics["jax_default_matmul_precision"] for run in runs_in(processes.folder)]
        assert sorted(set(kinds)) == ["default", "highest"]
        again = processes.sweep("--scheduler", address, "--mixed")
        assert processes.ended(again) == 0
        assert len(runs_in(processes.folder)) == 4


class TestOpening:
    def test_nothing_is_opened_without_an_option(self):
        with open_trainer() as trainer:
            assert trainer is train_here

    def test_both(self):
        with (
            pytest.raises(UserError, match=r"^workers: got both, but a scheduler has workers of its own$"),
            open_trainer(workers=2, scheduler="tcp://x"),
        ):
            pass

    def test_none(self):
        with pytest.raises(UserError, match=r"^workers: got 0, expected 1 or more$"), open_trainer(workers=0):
            pass

    def test_distributed_is_missing(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setitem(sys.modules, "distributed", None)
        with pytest.raises(UserError) as error, open_trainer(workers=2):
            pass
        assert str(error.value) == "workers: needs the package distributed, which is not installed"
        assert error.value.advice == "install it with `pip install 'bnlab[dask]'`"

    def test_no_scheduler_answers(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.5)
        with pytest.raises(UserError) as error, open_trainer(scheduler="tcp://127.0.0.1:9"):
            pass
        assert str(error.value).startswith("scheduler: got 'tcp://127.0.0.1:9': ")


def make_certificates(folder: Path) -> Path:
    """Make an authority, and a certificate of 127.0.0.1 that it signs, for scheduler, workers and client."""
    import datetime
    import ipaddress

    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    def name(text: str):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def save(stem: str, certificate, key) -> None:
        (folder / f"{stem}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
        (folder / f"{stem}.key").write_bytes(private)

    now = datetime.datetime.now(datetime.UTC)
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    for stem, key in zip(("ca", "node"), keys, strict=True):
        builder = x509.CertificateBuilder().subject_name(name(stem)).issuer_name(name("ca")).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number())
        builder = builder.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
        builder = builder.add_extension(x509.BasicConstraints(ca=stem == "ca", path_length=None), critical=True)
        addresses = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        builder = builder.add_extension(addresses, critical=False)
        save(stem, builder.sign(keys[0], hashes.SHA256()), key)
    return folder
