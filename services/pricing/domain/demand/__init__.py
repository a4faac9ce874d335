"""What sells at which price: the demand of each product by week, its elasticity and how sure that is."""
