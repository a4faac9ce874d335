"""Approves every proposal, from the first on, until it is killed: python -m tests.pricing.approver URL."""

import sys

from tests.pricing.shop import Clock, Shop


def main() -> None:
    """Prints a line for each approval."""
    shop = Shop(sys.argv[1], Clock())
    for proposal in reversed(shop.desk.proposals("default", None, None, 1_000)):
        shop.desk.approve(proposal.number, "bob", "")
        print(proposal.number, flush=True)


if __name__ == "__main__":
    main()
