"""What a person may know of demand and no price may be made from: nothing that serves or trains knows it."""
