"""Draws the two icons of the Teams app, a shield with a watching eye: `python -m manifest.icons` writes them anew.

Pure Python: a shape is a function that says how far a point is from its edge (in pixels, negative inside), which gives
smooth edges without a drawing library. Sizes and colours follow teams-platform section 8.
"""

import math
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

Point = tuple[float, float]
Pixel = tuple[int, int, int, int]
Shape = Callable[[Point], float]
"""How far the point is from the shape's edge, in pixels; negative inside."""

FOLDER = Path(__file__).parent
COLOR_SIZE = 192
OUTLINE_SIZE = 32
NIGHT: Pixel = (0x16, 0x2B, 0x4D, 0xFF)
PAPER: Pixel = (0xFF, 0xFF, 0xFF, 0xFF)
LAMP: Pixel = (0xF5, 0xB3, 0x35, 0xFF)
CLEAR: Pixel = (0xFF, 0xFF, 0xFF, 0x00)
ACCENT = f"#{NIGHT[0]:02X}{NIGHT[1]:02X}{NIGHT[2]:02X}"
CURVE_STEPS = 12


def _curve(start: Point, first: Point, second: Point, end: Point) -> list[Point]:
    """Points along a cubic Bézier curve, without its last."""

    def at(axis: int, t: float) -> float:
        far = 1 - t
        near = far**3 * start[axis] + 3 * far**2 * t * first[axis]
        return near + 3 * far * t**2 * second[axis] + t**3 * end[axis]

    return [(at(0, step / CURVE_STEPS), at(1, step / CURVE_STEPS)) for step in range(CURVE_STEPS)]


def _shield_outline() -> list[Point]:
    """The shield around the origin, one unit up and down: the right half, then its mirror image."""
    brow = _curve((0.0, -1.0), (0.26, -0.8), (0.56, -0.73), (0.86, -0.72))
    side = _curve((0.86, -0.72), (0.92, 0.08), (0.62, 0.7), (0.0, 1.0))
    right = [*brow, *side, (0.0, 1.0)]
    return right + [(-x, y) for x, y in reversed(right[1:-1])]


SHIELD = tuple(_shield_outline())


def shield(centre: Point, half: float) -> Shape:
    """The shield, `half` pixels up and down from the centre."""
    corners = [(centre[0] + x * half, centre[1] + y * half) for x, y in SHIELD]
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))

    def distance(point: Point) -> float:
        outside_the_box = max(abs(point[0] - centre[0]), abs(point[1] - centre[1])) - half
        return outside_the_box if outside_the_box > 1 else _from_polygon(edges, point)

    return distance


def _from_polygon(edges: Sequence[tuple[Point, Point]], point: Point) -> float:
    nearest = min(_from_edge(edge, point) for edge in edges)
    crossings = sum(_crosses(edge, point) for edge in edges)
    return -nearest if crossings % 2 else nearest


def _from_edge(edge: tuple[Point, Point], point: Point) -> float:
    (x1, y1), (x2, y2) = edge
    along, down = x2 - x1, y2 - y1
    part = ((point[0] - x1) * along + (point[1] - y1) * down) / (along**2 + down**2)
    part = min(1.0, max(0.0, part))
    return math.dist(point, (x1 + part * along, y1 + part * down))


def _crosses(edge: tuple[Point, Point], point: Point) -> bool:
    """Whether a ray from the point to the right meets the edge."""
    (x1, y1), (x2, y2) = edge
    if (y1 > point[1]) == (y2 > point[1]):
        return False
    return point[0] < x1 + (point[1] - y1) / (y2 - y1) * (x2 - x1)


def disc(centre: Point, radius: float) -> Shape:
    """A filled circle."""
    return lambda point: math.dist(point, centre) - radius


def eye(centre: Point, width: float, height: float) -> Shape:
    """An eye's outline: what two circles, one higher and one lower, have in common."""
    radius = (width**2 + height**2) / (4 * height)
    shift = radius - height / 2
    return both(disc((centre[0], centre[1] - shift), radius), disc((centre[0], centre[1] + shift), radius))


def both(one: Shape, other: Shape) -> Shape:
    """What lies in both shapes."""
    return lambda point: max(one(point), other(point))


def either(one: Shape, other: Shape) -> Shape:
    """What lies in one shape or the other."""
    return lambda point: min(one(point), other(point))


def line_along(shape: Shape, width: float) -> Shape:
    """A line of that width on the shape's edge."""
    return lambda point: abs(shape(point)) - width / 2


def _over(below: Pixel, above: Pixel, share: float) -> Pixel:
    """The pixel `below` with `above` laid on it, as far as the shape covers it; a clear one takes the colour whole."""
    alpha = share * above[3] / 255
    colour = above if below[3] == 0 else tuple(round(b + (a - b) * alpha) for a, b in zip(above, below, strict=True))
    return colour[0], colour[1], colour[2], round(below[3] + (255 - below[3]) * alpha)


def paint(size: int, ground: Pixel, layers: Sequence[tuple[Shape, Pixel]]) -> list[list[Pixel]]:
    """The rows of a square picture: the ground, and each shape in its colour on top."""
    return [[_pixel((x + 0.5, y + 0.5), ground, layers) for x in range(size)] for y in range(size)]


def _pixel(point: Point, ground: Pixel, layers: Sequence[tuple[Shape, Pixel]]) -> Pixel:
    pixel = ground
    for shape, colour in layers:
        share = min(1.0, max(0.0, 0.5 - shape(point)))
        if share:
            pixel = _over(pixel, colour, share)
    return pixel


def color() -> list[list[Pixel]]:
    """192x192: the symbol in the central 96x96, as clients cut the rest to a circle or a rounded square."""
    middle = COLOR_SIZE / 2
    watching = (middle, middle - 5)
    return paint(
        COLOR_SIZE,
        NIGHT,
        [
            (shield((middle, middle), 48), PAPER),
            (eye(watching, 60, 34), NIGHT),
            (disc(watching, 13), LAMP),
            (disc(watching, 5.5), NIGHT),
        ],
    )


def outline() -> list[list[Pixel]]:
    """32x32: white lines on nothing."""
    middle = OUTLINE_SIZE / 2
    watching = (middle, middle - 1.5)
    lids = line_along(eye(watching, 16.5, 10), 1.6)
    frame = line_along(shield((middle, middle), 14), 2)
    return paint(OUTLINE_SIZE, CLEAR, [(either(either(frame, lids), disc(watching, 2.4)), PAPER)])


def png(rows: Sequence[Sequence[Pixel]]) -> bytes:
    """The picture as a PNG file: 8 bits each of red, green, blue and alpha."""
    raw = b"".join(b"\x00" + bytes(value for pixel in row for value in pixel) for row in rows)
    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def main() -> None:
    """Write both icons beside this file."""
    (FOLDER / "color.png").write_bytes(png(color()))
    (FOLDER / "outline.png").write_bytes(png(outline()))


if __name__ == "__main__":
    main()
