"""Photos whose class anyone sees: a ball, a box or stripes, of some size and colour on some ground."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

SHAPES = ("ball", "box", "stripes")


def drawn(shape: str, seed: int) -> Image.Image:
    """A shape of some size and colour on some ground."""
    draw = np.random.default_rng(seed)
    ground, ink = (tuple(int(c) for c in draw.integers(0, 256, 3)) for _ in range(2))
    image = Image.new("RGB", (120, 100), ground)
    pen, half = ImageDraw.Draw(image), int(draw.integers(20, 40))
    if shape == "ball":
        pen.ellipse((60 - half, 50 - half, 60 + half, 50 + half), fill=ink)
    elif shape == "box":
        pen.rectangle((60 - half, 50 - half, 60 + half, 50 + half), fill=ink)
    else:
        for left in range(0, 120, 16):
            pen.rectangle((left, 0, left + 7, 100), fill=ink)
    return image


def table(folder: Path) -> Path:
    """Ten photos of each shape, one that is broken and one that is not there."""
    lines = ["path,label,coarse,product_id"]
    for shape in SHAPES:
        for number in range(10):
            drawn(shape, number).save(folder / f"{shape}{number}.jpg", quality=90)
            lines.append(
                f"{shape}{number}.jpg,{shape},{'flat' if shape == 'stripes' else 'solid'},the-{shape}"
            )
    (folder / "broken.jpg").write_bytes(b"no picture")
    lines += ["broken.jpg,ball,solid,the-ball", "missing.jpg,box,solid,the-box"]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"
