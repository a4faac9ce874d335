"""The one table of what is tried of each model, by protocol, when its settings are chosen."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

Settings = Mapping[str, Any]
Grid = Mapping[str, Sequence[Any]]

_BASKET: Grid = MappingProxyType(
    {
        "popular": (5.0, 0.3, 1.0, 2.5, 8.0),
        "near": (1.5, 0.0, 0.5, 3.0),
        "prior": (10.0, 3.0, 30.0),
        "fade": (0.95, 0.9, 0.99),
        "pull_fade": (0.3, 0.6, 0.9),
        "trend": (0.0, 0.6, 0.9),
        "damping": (0.1, 0.3),
    }
)

GRIDS: Mapping[str, Mapping[str, Grid]] = MappingProxyType(
    {
        "leave-one-out": {
            "session": {
                "recency": (1.5, 1.0, 3.0),
                "rarity": (1.0, 0.5, 1.5),
                "before": (0.5, 0.3, 0.7),
                "distance": (3.0, 8.0),
                "nearest": (300, 100, 1000),
            },
            "slist": {
                "regularisation": (100.0, 50.0, 200.0),
                "fade": (0.7, 0.55, 0.85),
                "ahead": (0.5, 0.3, 0.8),
                "whole": (0.5, 0.7),
            },
            "ease": {"fade": (0.7, 0.85, 1.0), "regularisation": (100.0, 200.0, 500.0)},
            "ials": {"fade": (0.7, 0.85, 1.0), "size": (128, 256)},
            "cooccurrence": {"fade": (0.7, 0.85, 1.0), "power": (0.3, 0.5), "shrink": (5.0, 1.0, 20.0)},
            "sasrec": {},
            "popularity": {},
        },
        "fixed-split": {
            "ease": {
                "evenness": (0.75, 0.5, 0.25, 1.0),
                "regularisation": (350.0, 100.0, 200.0, 500.0, 1000.0),
                "dropout": (0.5, 0.33, 0.0),
            },
            "ials": {
                "size": (128, 64, 256),
                "unobserved": (7.0, 3.0, 15.0),
                "regularisation": (0.01, 0.005, 0.02),
            },
            "cooccurrence": {"power": (0.5, 0.3)},
            "popularity": {},
        },
        "next-basket": {
            "basket": _BASKET,
            "frequency": {},
            "cooccurrence": {"fade": (0.9, 1.0)},
            "popularity": {},
        },
        "last-weeks": {
            "basket": _BASKET,
            "frequency": {},
            "cooccurrence": {"fade": (0.99, 1.0)},
            "popularity": {},
        },
    }
)
"""By protocol: the models that may be a part of its own choice, and what is tried of their settings.

The first value of each setting is where the search begins; then each setting is varied in turn, once.
"""

CUT: Mapping[str, int] = MappingProxyType({"fixed-split": 20})
"""The k that choices are made at, where it is not 10."""

MOST_LINES: Mapping[str, int] = MappingProxyType({"sasrec": 1_200_000})
"""A model that must be asked for by name beyond so many lines, since it would take CPU hours."""

MOST_TRIED = 2_000_000
"""Settings are tried on shoppers who have so many lines between them; what is chosen learns from all."""

SEARCHED_WITH: Mapping[str, Settings] = MappingProxyType(
    {"ease": MappingProxyType({"most": 8_000}), "slist": MappingProxyType({"most": 8_000})}
)
"""What the other settings are searched with, being cheaper; the best are then tried without, if that pays."""
