"""Numbers are written as people read them."""

import pytest

from activecharge.texts import duration, headline, milli, milli_unit, quantity


def test_errors_have_three_digits_in_thousandths_of_their_unit():
    values = (0.0012345, 0.012345, 0.12345, 1.2345, -0.012345, None)
    assert [*map(milli, values)] == ["1.23", "12.3", "123", "1234", "-12.3", "–"]
    assert milli(0.0012345, 1) == "1.2"
    assert [milli_unit(name) for name in ("energy", "forces")] == ["meV/atom", "meV/Å"]
    assert quantity("bec", 0.0412) == "Z 41.2 me"


def test_one_line_sums_up_a_committee():
    values = {"forces": 1.0786, "energy": 0.04, "charges": 0.0402}
    assert headline(values) == "q 40.2 me, F 1078.6 meV/Å"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0 s"),
        (3.21, "3.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (100000, "1 d 3 h"),
    ],
)
def test_a_time_span_has_at_most_two_units(seconds, text):
    assert duration(seconds) == text
