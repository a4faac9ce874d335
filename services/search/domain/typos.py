"""Seeded slips of the pen: one random edit in a query, to measure how forgiving search is."""

import random
from string import ascii_lowercase


def edited(query: str, seed: int) -> str:
    """The query with one letter left out, put in, replaced, or swapped with the next; the same for a seed.

    Every character that is no space is as likely to be hit, and each of the four edits as likely to be made.
    """
    draw = random.Random(f"{seed}:{query}")
    place = draw.choice([place for place, sign in enumerate(query) if sign != " "])
    before, hit, after = query[:place], query[place], query[place + 1 :]
    letter = draw.choice(ascii_lowercase.replace(hit, ""))
    made = [f"{before}{after}", f"{before}{letter}{hit}{after}", f"{before}{letter}{after}"]
    if after:
        made.append(f"{before}{after[0]}{hit}{after[1:]}")
    return draw.choice(made)
