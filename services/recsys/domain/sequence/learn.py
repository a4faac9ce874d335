"""Learns on one processor, one GPU, or several GPUs with a process each."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import distributed
from torch.multiprocessing import get_context
from torch.multiprocessing.spawn import start_processes

from services.recsys.domain.models.model import Progress
from services.recsys.domain.sequence.export import export
from services.recsys.domain.sequence.network import Network
from services.recsys.domain.sequence.training import Job, Worker


def learn(job: Job, processes: int, progress: Progress) -> tuple[NDArray[np.float32], bytes]:
    """The items' vectors, float32 (items, size), and the ONNX graph; the same from a seed on one processor.

    `processes`: how many learn together, 0 for one on each GPU, or one where there is none. A job that was
    interrupted goes on from its checkpoint, after the last whole epoch.
    """
    processes = processes or max(1, torch.cuda.device_count())
    network = _alone(job, progress) if processes == 1 else _together(job, processes, progress)
    network = network.cpu().eval()
    made = network.items.weight.detach().numpy()[1:].copy(), export(network, job.settings)
    if job.checkpoint:
        job.checkpoint.clear()
    return made


def _alone(job: Job, progress: Progress) -> Network:
    with torch.random.fork_rng():
        worker = Worker(job, _device(0))
        for goal in worker.epochs():
            progress(f"epoch, NDCG {goal:.4f}", worker.epoch, job.settings.epochs)
    return worker.network


def _together(job: Job, processes: int, progress: Progress) -> Network:
    with tempfile.TemporaryDirectory() as folder:
        goals = get_context("spawn").SimpleQueue()
        given = (processes, job, Path(folder), goals)
        running = start_processes(  # type: ignore[no-untyped-call]
            _member, given, nprocs=processes, join=False, start_method="spawn"
        )
        while not running.join(timeout=0.2):
            while not goals.empty():
                epoch, goal = goals.get()
                progress(f"epoch, NDCG {goal:.4f}", epoch, job.settings.epochs)
        network = Network(job.data.items, job.settings)
        network.load_state_dict(torch.load(Path(folder) / "weights", weights_only=True))
    return network


def _member(rank: int, processes: int, job: Job, folder: Path, goals: Any) -> None:
    """One of the processes; the first leaves the weights in the folder."""
    device = _device(rank)
    if device.type == "cuda":
        torch.cuda.set_device(device)
    else:
        torch.set_num_threads(1)
    backend, meeting = ("nccl" if device.type == "cuda" else "gloo"), f"file://{folder / 'meeting'}"
    distributed.init_process_group(backend, init_method=meeting, rank=rank, world_size=processes)
    worker = Worker(job, device, rank, processes)
    for goal in worker.epochs():
        if rank == 0:
            goals.put((worker.epoch, goal))
    if rank == 0:
        torch.save(worker.network.state_dict(), folder / "weights")
    distributed.barrier()
    distributed.destroy_process_group()


def _device(rank: int) -> torch.device:
    count = torch.cuda.device_count()
    return torch.device("cuda", rank % count) if count else torch.device("cpu")
