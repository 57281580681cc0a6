"""Models with one backbone say what each of them says alone."""

import copy

import pytest
import torch
from model_cases import ALL, CUTOFF, ELEMENTS, FRAMES, make_model, predict

from activecharge.model.graph import build_graph, join
from activecharge.model.shared import SharedBackbone, have_one_backbone

pytestmark = pytest.mark.slow


def some_models(coupling="independent") -> list:
    return [copy.deepcopy(make_model(coupling, seed)) for seed in (0, 1)]


def graph_of(*frames):
    return join([build_graph(frame, ELEMENTS, CUTOFF) for frame in frames]).to("cpu", torch.float64)


@pytest.mark.parametrize("coupling", ["independent", "local"])
def test_a_shared_pass_gives_what_each_model_gives(coupling):
    shared = SharedBackbone(some_models(coupling))
    found = shared(graph_of(*FRAMES.values()), [ALL] * 2)
    for model, values in zip(shared.models, found, strict=True):
        for name, alone in predict(model, *FRAMES.values()).items():
            # The same operations in the same order.
            assert torch.equal(values[name].nan_to_num(), alone.nan_to_num()), name


def test_each_model_answers_what_it_is_asked():
    shared = SharedBackbone(some_models())
    found = shared(graph_of(FRAMES["free"]), [{"forces"}, {"bec"}])
    assert "forces" in found[0] and "bec" not in found[0]
    assert "forces" not in found[1] and "bec" in found[1]


def test_a_copy_has_a_backbone_of_its_own():
    shared = SharedBackbone(some_models())
    other = copy.deepcopy(shared)
    assert len(list(other.parameters())) == len(list(shared.parameters()))
    first, second = shared.models, other.models
    assert all(model.backbone is second[0].backbone for model in second)
    assert second[0].backbone is not first[0].backbone
    assert have_one_backbone([first[0], second[1]])


def test_backbones_are_compared_bit_by_bit():
    models = some_models()
    assert not have_one_backbone(models)
    shared = SharedBackbone(models)
    assert have_one_backbone(shared.models)
