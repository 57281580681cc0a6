"""The learning curve keeps control labels and chosen ones apart."""

import pytest

from activecharge.report.campaign.campaign_summary import CampaignSummary, RoundSummary
from activecharge.report.metrics import PropertyErrors


def campaign(*rounds):
    return CampaignSummary("water", "tblite", "local", 4, rounds=rounds)


def test_blind_errors_belong_to_the_committee_of_the_round_before(make_pair):
    pairs = (
        make_pair(1, "control", error=0.01),
        make_pair(2, "uncertain", error=0.1),
        make_pair(3, "uncertain", error=-0.3),
    )
    summary = campaign(RoundSummary(0, labels=20), RoundSummary(1, labels=30, pairs=pairs))
    assert summary.blind_curve("bec", "control") == [(20, pytest.approx(0.01))]
    assert summary.blind_curve("bec", "uncertain") == [(20, pytest.approx(0.2))]
    assert summary.blind_curve("dipole", "control") == []


def test_blind_errors_of_an_older_committee_count_its_labels(make_pair):
    """Where stages overlap, a round may have been chosen two committees ago."""
    pairs = (make_pair(1, "control", error=0.01),)
    rounds = (RoundSummary(0, 20), RoundSummary(1, 30), RoundSummary(2, 40, pairs=pairs, seen=20))
    assert campaign(*rounds).blind_curve("charges", "control") == [(20, pytest.approx(0.01))]


def test_test_errors_belong_to_the_committee_of_the_round():
    test = {"bec": PropertyErrors(0.02, 0.03, 27, 0.9, "e")}
    summary = campaign(
        RoundSummary(0, 20, test=test), RoundSummary(1, 30), RoundSummary(2, 40, test=test)
    )
    assert summary.test_curve("bec") == [(20, 0.02), (40, 0.02)]
    assert summary.test_curve("charges") == []


@pytest.mark.parametrize(
    ("test", "why", "words"), [(True, "test", "test set"), (False,) + 2 * ("control",)]
)
def test_honest_pairs_are_never_the_chosen_ones(make_summary, test, why, words):
    pairs, said = make_summary(test=test).honest_pairs()
    assert {pair.why for pair in pairs} == {why}
    assert words in said
