"""The one meaning of "in stock", for every service that filters by it."""

from aisle.catalog.v1 import product_pb2


def in_stock(product: product_pb2.Product) -> bool:
    """Whether it can be bought or ordered now: not sold out, neither by word nor by a counted stock of 0."""
    if product.availability == product_pb2.AVAILABILITY_PREORDER:
        return True
    sold_out = product.HasField("available_quantity") and product.available_quantity <= 0
    return not sold_out and product.availability != product_pb2.AVAILABILITY_OUT_OF_STOCK
