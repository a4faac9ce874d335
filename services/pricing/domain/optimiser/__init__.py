"""Finds the prices that bring most: candidates that rules allow, what each brings, an exact choice.

goals.py        what a policy wants
grain.py        cents, or what a currency has
candidates.py   the prices within reach of the rules
gains.py        what each is expected to bring, with the doubt about the elasticity
beside.py       what prices do to the sales of other products
coherence.py    what prices must keep among each other
choice.py       the best choice: a multiple-choice integer program
optimise.py     all of it
sales.py        how many pieces a stock sells
markdown.py     a run of cuts until a stock is to be gone
clearing.py     a markdown plan for a product as the shop knows it
promotions.py   which product, how deep, in which week
packs.py        sizes as printed to amounts that compare
"""
