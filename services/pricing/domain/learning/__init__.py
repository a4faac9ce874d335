"""Learning a price while selling at it: what is believed of demand, which price to try, when to stop."""
