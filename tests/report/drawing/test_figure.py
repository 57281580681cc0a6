"""Figures are drawn panel by panel, so that each can be read on a narrow screen."""

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from activecharge.report.drawing.figure import Figure
from activecharge.report.drawing.style import CYCLE, STAGES, looks


def image(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("L"))


def dot(axis):
    axis.plot([0, 1], [0, 1], "o-", label="a line")


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 1)), (2, (1, 2)), (3, (1, 3)), (4, (2, 2)), (5, (2, 3))]
)
def test_panels_alone_and_together(count, shape):
    figure = Figure("plot.png", "", "", lambda panels: panels, size=(2, 1), legend=True)
    drawing = figure.draw([dot] * count)
    rows, columns = shape
    assert image(drawing.together).shape == (192 * rows, 2 * 192 * columns)
    assert {image(panel).shape for panel in drawing.panels} == {(192, 2 * 192)}
    assert len(drawing.panels) == count
    for data in (drawing.together, *drawing.panels):
        low, high = image(data).min(), image(data).max()
        assert low < 100 < 250 < high  # dark ink on white paper


def test_a_figure_with_nothing_to_show():
    assert Figure("plot.png", "", "", lambda panels: panels).draw([]) is None


def test_a_legend_of_panels_without_words():
    blank = Figure("plot.png", "", "", lambda panels: panels, legend=True)
    # The first bytes of a PNG file.
    assert blank.draw([lambda axis: axis.plot([0, 1], [0, 1])]).together[:4] == b"\x89PNG"


def test_no_two_stages_look_alike():
    assert len(set(STAGES.values())) == len(STAGES)
    kinds = [*STAGES, *(f"kind {i}" for i in range(20))]
    found = looks(kinds, STAGES)
    assert list(found) == kinds
    assert all(first != second for first, second in combinations(found.values(), 2))
    assert [found[stage] for stage in STAGES] == [(colour, "") for colour in STAGES.values()]


def test_few_kinds_are_told_apart_by_colour_alone():
    kinds = [str(i) for i in range(len(CYCLE))]
    assert set(looks(kinds, {}).values()) == {(colour, "") for colour in CYCLE}
