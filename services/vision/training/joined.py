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

    "best" has the least cross-entropy on the photos that choose, which tells more of a few hundred photos
    than how many are right. Tails err on different photos, the frozen one less on what is unlike the photos
    that teach, so both are mostly better than the better one.
    """
    logits = [_logits(one, choose) for one in fitted]
    alone = [calibrated(each, choose.label) for each in logits]
    mean = torch.stack([each / own.temperature for each, own in zip(logits, alone, strict=True)]).mean(0)
    tried: dict[tuple[int, ...], Confidence] = {(i,): own for i, own in enumerate(alone)}
    together = None
    if len(fitted) > 1:
        tried[0, 1] = calibrated(mean, choose.label)
        together = accuracy(mean, choose.label)
    members = _members(head) if head != "best" else min(tried, key=lambda some: tried[some].loss)
    confidence = tried[members]
    shared = confidence.temperature if len(members) > 1 else 1.0
    made = [_member(fitted[i], alone[i].temperature * shared, teach) for i in members]
    return Classifier(made).eval(), confidence, together


def _members(head: str) -> tuple[int, ...]:
    """Which of the fitted tails a head is made of: the frozen one stands first."""
    return {"ridge": (0,), "tuned": (1,), "both": (0, 1)}[head]


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
