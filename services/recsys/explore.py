"""What exploration brought: `aisle train recsys` learns from it, `aisle evaluate recsys` measures it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from services.kit.log import Log
from services.kit.models import ModelStore
from services.kit.nats_log import NatsLog
from services.kit.progress import Metric, Progress
from services.recsys.adapters import policy_files
from services.recsys.adapters.slates import read_responses, read_slates
from services.recsys.config import Config
from services.recsys.domain.exploration import evaluation
from services.recsys.domain.exploration.learning import Outcome, learn
from services.recsys.domain.exploration.responses import join


async def read(config: Config, progress: Progress, log: Log | None) -> tuple[Sequence[Outcome], Counter[str]]:
    """All outcomes that the log tells, and what of it could not be joined."""
    log = log or NatsLog(config.nats_url)
    await log.start()
    try:
        slates = await read_slates(log, progress)
        shown, done = await read_responses(log, progress) if slates else ([], [])
    finally:
        await log.close()
    return join(slates, shown, done)


async def train(config: Config, *, progress: Progress, log: Log | None = None) -> int:
    """Learns the policy anew from all outcomes, if there are any, and lets it serve; how many there were."""
    outcomes, told = await read(config, progress, log)
    if outcomes:
        span = {name: str(count) for name, count in told.items()} | {"outcomes": str(len(outcomes))}
        policy = learn(outcomes)
        store = ModelStore(config.home, policy_files.STORE)
        store.create(lambda folder: policy_files.save(policy, folder), metrics={}, span=span)
    return len(outcomes)


async def off_policy(config: Config, *, progress: Progress, log: Log | None = None) -> dict[str, Any]:
    """What greedy, uniform and learned policies would have earned, from what was drawn: see estimators.py."""
    outcomes, told = await read(config, progress, log)
    found = evaluation.report(outcomes)
    metrics = {name: Metric(value=e.value, low=e.low, high=e.high) for name, e in found.metrics.items()}
    return {"metrics": metrics, "taught": found.taught, "measured": found.measured, **told}
