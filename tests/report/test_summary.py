"""The learning curve keeps control labels and chosen ones apart."""

import pytest

from activecharge.report.campaign.summary import CampaignSummary, RoundSummary, pair_errors


def test_blind_errors_belong_to_the_committee_of_the_round_before(make_pair):
    control, chosen = make_pair(1, "control", 0.01), make_pair(2, "uncertain", 0.1)
    summary = CampaignSummary(
        "water",
        "tblite",
        "local",
        4,
        rounds=(RoundSummary(0, labels=20), RoundSummary(1, labels=30, pairs=(control, chosen))),
    )
    for why, pair in (("control", control), ("uncertain", chosen)):
        expected = pair_errors([pair])["bec"]["mae"]
        assert summary.blind_curve("bec", why) == [(20, pytest.approx(expected))]
    assert (
        summary.blind_curve("bec", "control")[0][1] < summary.blind_curve("bec", "uncertain")[0][1]
    )
    assert summary.blind_curve("dipole", "control") == []


def test_test_errors_belong_to_the_committee_of_the_round():
    test = {"bec": {"mae": 0.02}}
    rounds = (RoundSummary(0, 20, test=test), RoundSummary(1, 30), RoundSummary(2, 40, test=test))
    summary = CampaignSummary("water", "tblite", "local", 4, rounds)
    assert summary.test_curve("bec") == [(20, 0.02), (40, 0.02)]
    assert summary.test_curve("charges") == []


def test_honest_pairs_are_never_the_chosen_ones(make_summary):
    pairs, said = make_summary(test=True).honest_pairs()
    assert {p.why for p in pairs} == {"test"}
    assert "test set" in said
    pairs, said = make_summary(test=False).honest_pairs()
    assert {p.why for p in pairs} == {"control"}
    assert "control" in said
