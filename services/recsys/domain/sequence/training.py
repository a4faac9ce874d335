"""Epoch after epoch until nothing gets better: one process's part, alone or among several."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from services.recsys.domain.interactions import Interactions
from services.recsys.domain.models.sasrec import Checkpoint, Settings
from services.recsys.domain.sequence.network import Blame, Last, Network
from services.recsys.domain.sequence.windows import Numbers, hold_out, later, windows

AVERAGED = 0.995
"""What of the average of weights stays at a step, once there are many: it reaches some 200 steps back."""


@dataclass(frozen=True)
class Job:
    """What is to be learnt, and what a training that was cut short goes on from, if anything."""

    data: Interactions
    settings: Settings
    checkpoint: Checkpoint | None = None

    def key(self) -> str:
        """What a checkpoint is of: another job's is not gone on from."""
        found = hashlib.sha256(f"{self.settings} {self.data.items}".encode())
        found.update(self.data.starts.tobytes())
        found.update(self.data.item.tobytes())
        return found.hexdigest()


class Worker:
    """Learns its share of each epoch's batches; `rank` of `world` workers, all with the same weights.

    What is random in an epoch hangs on the seed and the epoch alone, so that a training that goes on from its
    checkpoint ends where one that was never cut short does.
    """

    def __init__(self, job: Job, device: torch.device, rank: int = 0, world: int = 1) -> None:
        self.job, self.device, self.rank, self.world = job, device, rank, world
        settings = job.settings
        every = windows(job.data, settings.length)
        self.rows, self.held = hold_out(every, job.data, np.random.default_rng(settings.seed))
        torch.manual_seed(settings.seed)
        self.network = Network(job.data.items, settings).to(device)
        self.average = AveragedModel(self.network, avg_fn=_drawn)
        blame = Blame(self.network, settings.negatives, self.rows.targets() * settings.batch)
        self.blame: nn.Module = DistributedDataParallel(blame) if world > 1 else blame
        rate = settings.rate
        self.optimiser = torch.optim.Adam(self.network.parameters(), rate, betas=(0.9, 0.98))
        self.epoch, self.best, self.since, self.kept = 0, -1.0, 0, _copy(self.network)

    def epochs(self) -> Iterator[float]:
        """Learns; after each epoch NDCG@10 on what is held out. The best weights stand in the end."""
        self._go_on()
        settings = self.job.settings
        while self.epoch < settings.epochs and self.since < settings.patience:
            self._learn()
            self.epoch += 1
            goal = self._agreed(self._goal() if self.rank == 0 else 0.0)
            if goal > self.best:
                self.best, self.since, self.kept = goal, 0, _copy(self.average.module)
            else:
                self.since += 1
            if self.rank == 0 and self.job.checkpoint:
                self.job.checkpoint.save(self.job.key(), self._state())
            yield goal
        self.network.load_state_dict(self.kept)

    def _learn(self) -> None:
        settings, seeds = self.job.settings, np.random.SeedSequence([self.job.settings.seed, self.epoch])
        random = np.random.default_rng(seeds)
        torch.manual_seed(int(seeds.spawn(self.world)[self.rank].generate_state(1)[0]))
        batches = list(self.rows.batches(settings.batch, random))
        while batches and len(batches) < settings.least:
            batches += self.rows.batches(settings.batch, random)
        # All workers take the same number of steps, or those with more would wait for ever.
        mine = batches[: len(batches) - len(batches) % self.world][self.rank :: self.world]
        self.network.train()
        for at in mine:
            inputs, targets = self.rows.rows(at)
            loss = self.blame(*self._tensors((inputs, later(targets, settings.ahead, random))))
            self.optimiser.zero_grad(set_to_none=True)
            loss.backward()
            self.optimiser.step()
            self.average.update_parameters(self.network)

    def _tensors(self, rows: tuple[Numbers, Numbers]) -> tuple[Tensor, ...]:
        return tuple(torch.from_numpy(part).to(self.device) for part in rows)

    @torch.no_grad()
    def _goal(self) -> float:
        """NDCG@10 of the held windows' last items among all items; rising where nothing is held."""
        if not len(self.held):
            return float(self.epoch)
        network: Network = self.average.module  # type: ignore[assignment]
        last, gained = Last(network).eval(), 0.0
        for part in np.array_split(np.arange(len(self.held)), -(-len(self.held) // 200)):
            inputs, targets = self._tensors(self.held.rows(part))
            wanted = targets.gather(1, ((targets > 0).sum(1) - 1)[:, None])
            scores = last(inputs) @ network.items.weight[1:].T
            place = (scores > scores.gather(1, wanted - 1)).sum(1).double()
            gained += float(torch.where(place < 10, 1 / torch.log2(place + 2), 0.0).sum())
        return gained / len(self.held)

    def _agreed(self, goal: float) -> float:
        """What the first worker measured."""
        if self.world == 1:
            return goal
        told = torch.tensor(goal, dtype=torch.float64, device=self.device)
        distributed.broadcast(told, 0)
        return float(told)

    def _state(self) -> dict[str, object]:
        return {
            "epoch": self.epoch,
            "best": self.best,
            "since": self.since,
            "kept": self.kept,
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def _go_on(self) -> None:
        kept = self.job.checkpoint
        state = kept.load(self.job.key(), self.device) if kept else None
        if state is not None:
            self.epoch, self.best, self.since = state["epoch"], state["best"], state["since"]
            self.kept = state["kept"]
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])


def _drawn(average: Tensor, weight: Tensor, steps: Tensor | int) -> Tensor:
    """An average of the latest weights: what is kept lies amid where training wanders."""
    return average.lerp(weight, max(1 - AVERAGED, 10 / (10 + float(steps))))


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in network.state_dict().items()}
