"""From fitted heads to one classifier: the frozen tail, the tuned one, or both side by side."""

from collections.abc import Sequence

import torch
from torch import Tensor

from services.vision.training.classifier import Classifier, Head, Member
from services.vision.training.finish import Confidence, calibrated, projection
from services.vision.training.parts import Fitted, Part, accuracy, features


def joined(
    fitted: Sequence[Fitted], teach: Part, choose: Part, head: str
) -> tuple[Classifier, Confidence, float | None]:
    """The classifier that `head` names, its confidence, and the accuracy of all of `fitted` side by side.

    Of "best" it is what is most often right on the photos that choose. Tails err on different photos, the
    frozen one less on what is unlike the photos that teach, so both are mostly better than the better one.
    """
    logits = [_logits(one, choose) for one in fitted]
    cooled = [each / calibrated(each, choose.label).temperature for each in logits]
    mean = torch.stack(cooled).mean(0)
    together = accuracy(mean, choose.label) if len(fitted) > 1 else None
    members = _chosen([one.accuracy for one in fitted], together, head)
    if len(members) > 1:
        confidence = calibrated(mean, choose.label)
        heat = [calibrated(logits[i], choose.label).temperature * confidence.temperature for i in members]
    else:
        confidence = calibrated(logits[members[0]], choose.label)
        heat = [confidence.temperature]
    made = [_member(fitted[i], each, teach) for i, each in zip(members, heat, strict=True)]
    return Classifier(made).eval(), confidence, together


def _chosen(alone: Sequence[float], together: float | None, head: str) -> list[int]:
    if together is None or head == "ridge":
        return [0]
    if head == "both" or (head == "best" and together > max(alone)):
        return [0, 1]
    return [1] if head == "tuned" or alone[1] >= alone[0] else [0]


@torch.no_grad()
def _logits(one: Fitted, part: Part) -> Tensor:
    found: Tensor = one.head(features(one.network, part))
    return found


def _member(one: Fitted, temperature: float, teach: Part) -> Member:
    """The tail with its head divided by a temperature, and the embedding that its features want."""
    linear = one.head.linear
    cool = Head(one.head.centre, one.head.scale, linear.out_features)
    with torch.no_grad():
        cool.linear.weight.copy_(linear.weight / temperature)
        cool.linear.bias.copy_(linear.bias / temperature)
        even = cool.even(features(one.network, teach))
    return Member(one.network.cpu(), cool, projection(even, teach.label, linear.out_features))
