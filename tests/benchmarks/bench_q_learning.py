"""Does looking ahead pay? Fitted Q over session states against the same without: no part of the service.

Shoppers of hidden kinds see one category a step, click by taste, tire of what they are shown again, and leave
sooner when nothing pleases. python -m tests.benchmarks.bench_q_learning
"""

import argparse
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CATEGORIES, KINDS, MOST = 6, 12, 30
STATES = (CATEGORIES + 1) ** 2
"""The category clicked last and the one shown last, each with a value for none."""

LEAVES, LEAVES_UNPLEASED = 0.05, 0.15


class Sessions(NamedTuple):
    """Steps: the state, what was shown, the click, the next state, who left; and each session's clicks."""

    state: NDArray[np.int64]
    action: NDArray[np.int64]
    click: NDArray[np.float64]
    after: NDArray[np.int64]
    left: NDArray[np.bool_]
    clicks: NDArray[np.float64]


def play(policy: NDArray[np.float64], tiring: float, sessions: int, seed: int) -> Sessions:
    """Sessions under a policy (states, categories); a showing multiplies a category's appeal by `tiring`."""
    likes = np.random.default_rng(77).beta(1, 4, (KINDS, CATEGORIES))
    random, steps, clicks = np.random.default_rng(seed), [], np.zeros(sessions)
    for session in range(sessions):
        appeal, state = likes[random.integers(KINDS)].copy(), STATES - 1
        for _ in range(MOST):
            action = int(np.searchsorted(np.cumsum(policy[state]), random.random() * (1 - 1e-9)))
            click = random.random() < appeal[action]
            appeal[action] *= tiring
            clicked = action if click else state // (CATEGORIES + 1)
            after = clicked * (CATEGORIES + 1) + action
            left = random.random() < LEAVES + (0 if click else LEAVES_UNPLEASED)
            steps.append((state, action, click, after, left))
            clicks[session] += click
            state = after
            if left:
                break
    state, action, click, after, left = (np.array(column) for column in zip(*steps, strict=True))
    return Sessions(state, action, click.astype(float), after, left, clicks)


def fitted(logged: Sessions, discount: float, rounds: int = 60, prior: float = 5.0) -> NDArray[np.float64]:
    """Fitted Q iteration (Ernst et al. 2005) with a table; cells of few steps stay near the action's mean."""
    cell = logged.state * CATEGORIES + logged.action
    count = np.bincount(cell, minlength=STATES * CATEGORIES)
    values = np.zeros((STATES, CATEGORIES))
    for _ in range(rounds):
        target = logged.click + discount * np.where(logged.left, 0.0, values[logged.after].max(axis=1))
        mean = np.bincount(logged.action, target, CATEGORIES) / np.bincount(
            logged.action, minlength=CATEGORIES
        )
        total = np.bincount(cell, target, STATES * CATEGORIES).reshape(values.shape)
        values = (total + prior * mean) / (count.reshape(values.shape) + prior)
    return values


def main() -> None:
    """Prints clicks a session, with 95% intervals, on shoppers that nothing was learnt from."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=4000)
    given = parser.parse_args()
    even = np.full((STATES, CATEGORIES), 1 / CATEGORIES)
    print("| tiring | policy | clicks a session | above the bandit |\n|---|---|---|---|")
    for tiring in (1.0, 0.8, 0.5):
        logged = play(even, tiring, given.sessions, 1)
        bandit = np.eye(CATEGORIES)[fitted(logged, 0.0).argmax(axis=1)]
        ahead = np.eye(CATEGORIES)[fitted(logged, 0.9).argmax(axis=1)]
        base = play(bandit, tiring, given.sessions, 2).clicks
        for name, policy in (("uniform", even), ("bandit on the state", bandit), ("fitted Q, 0.9", ahead)):
            found = play(policy, tiring, given.sessions, 2).clicks
            error = 1.96 * found.std() / np.sqrt(len(found))
            gap = 1.96 * np.hypot(found.std(), base.std()) / np.sqrt(len(found))
            above = f"{found.mean() - base.mean():+.3f} ± {gap:.3f}" if policy is not bandit else "-"
            print(f"| {tiring} | {name} | {found.mean():.3f} ± {error:.3f} | {above} |", flush=True)


if __name__ == "__main__":
    main()
