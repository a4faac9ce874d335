"""The network as an ONNX graph that answers what torch answers."""

import numpy as np
import torch

from services.recsys.domain.models.sasrec import INPUT, OUTPUT, Settings, encoder
from services.recsys.domain.sequence.network import Last, Network

TOLERANCE = 1e-3
"""How far the exported graph's numbers may lie from torch's; their size is about 1."""


def export(network: Network, settings: Settings) -> bytes:
    """The graph's bytes. Raises ValueError when ONNX Runtime does not give what torch gives."""
    last = Last(network).eval()
    example = torch.ones((2, min(3, settings.length)), dtype=torch.long)
    shapes = {"items": {0: torch.export.Dim("n"), 1: torch.export.Dim("length", max=settings.length)}}
    program = torch.onnx.export(
        last,
        (example,),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=shapes,
        verbose=False,
    )
    assert program is not None
    graph: bytes = program.model_proto.SerializeToString()
    run = encoder(graph)
    for length in (1, settings.length):
        probe = 1 + torch.arange(length)[None, :] % (network.items.num_embeddings - 1)
        with torch.no_grad():
            apart = float(np.abs(run(probe.numpy()) - last(probe).numpy()).max())
        if not apart < TOLERANCE:
            raise ValueError(f"the exported graph differs from torch by {apart:.2g}")
    return graph
