"""A campaign's YAML: every mistake is told in one sentence that says what was meant."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from activecharge.campaign.settings.arguments import parse_reference, parse_training
from activecharge.campaign.settings.reading import dump_campaign, load_campaign
from activecharge.campaign.settings.schedule_options import BatchOptions, StreamingOptions
from activecharge.campaign.settings.shipped import campaign_file, shipped
from activecharge.errors import Note, UserError
from activecharge.reference.reference_options import TbliteOptions

SHIPPED = sorted((Path(__file__).parents[3] / "campaigns").glob("*.yaml"))
BASE = "initial: [{kind: clusters}]\n"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_campaigns_are_valid(path, tmp_path):
    campaign = load_campaign(path)
    whole = tmp_path / "whole.yaml"
    whole.write_text(dump_campaign(campaign), encoding="utf-8")
    assert load_campaign(whole) == campaign


def test_there_are_shipped_campaigns():
    assert {"smoke.yaml", "water_clusters.yaml"} <= {path.name for path in SHIPPED}


@pytest.mark.parametrize(
    "text, expected",
    [
        # Unknown keys, and which was meant.
        (BASE + "nme: x", "unknown key 'nme'; did you mean 'name'?"),
        (BASE + "selection: {bath: 3}", "unknown key 'selection.bath'; did you mean 'batch'?"),
        (BASE + "sanity: {min_ho: 1}", "unknown key 'sanity.min_ho'; did you mean 'min_oh'?"),
        (BASE + "stop: {target: {becs: 1}}", "'stop.target.becs'; did you mean 'bec'?"),
        (
            "initial: [{kind: clusters, molcules: [1, 2]}]",
            "unknown key 'initial.0.molcules'; did you mean 'molecules'?",
        ),
        (
            BASE + "explore: [{kind: dynamics, limits: {force: 1}}]",
            "'explore.0.limits.force'; did you mean 'forces'?",
        ),
        (BASE + "reference: {kind: tblite, metod: x}", "'reference.metod'; did you mean 'method'?"),
        (BASE + "quantum: blue", "unknown key 'quantum'; known keys: cluster, compare, elements"),
        ("intial: [{kind: clusters}]", "'intial'; did you mean 'initial'? (and 1 more)"),
        # Kinds.
        ("initial: [{kind: clustrs}]", "unknown initial.0.kind 'clustrs'; did you mean 'clusters'"),
        ("initial: [{count: 3}]", "'initial.0.kind' is missing; give one of clusters, boxes"),
        (BASE + "reference: {kind: guess}", "unknown reference.kind 'guess'; known kinds: tblite"),
        (BASE + "executor: {kind: dask}", "executor.kind: input should be 'ray' or 'inline'"),
        # Missing, empty and wrong values.
        ("name: x", "the key 'initial' is missing; add it"),
        ("initial: []", "initial: it should have at least 1 item"),
        ("initial: [{kind: file}]", "the key 'initial.0.path' is missing"),
        (BASE + "training: {members: 1}", "training.members: input should be greater than or"),
        (BASE + "training: {members: many}", "training.members: input should be a valid integer"),
        (BASE + "training: {learning_rate: .nan}", "learning_rate: input should be a finite"),
        (BASE + "model: 3", "model: expected keys and values, got 3"),
        (BASE + "reference: tblite", "reference: expected keys and values, got 'tblite'"),
        ("initial: {kind: clusters}", "initial: expected a list, got keys and values"),
        ("initial: [{kind: clusters, molecules: [3, 1]}]", "lower bound 3 exceeds"),
        (BASE + "elements: [H, Oo]", "elements: 'Oo' is not a chemical symbol"),
        (BASE + "elements: [H, H]", "elements: an element is named twice"),
        (BASE + "name: ../../etc", "name: string should match pattern"),
        ("initial: [{kind: rattle}]", "`rattle` needs labelled frames"),
        (BASE + "executor: {cpus: 2, label_cpus: 4}", "label_cpus is 4, above the 2 of cpus"),
        (BASE + "1: 2", "1: keys must be words"),
        # Not a campaign at all.
        ("", "expected keys and values (name, reference, ...), found nothing"),
        ("- a\n- b", "found a list"),
        ("water", "found 'water'"),
        ("name: [", "not valid YAML at line 1"),
        ("a: 1\n b: 2", "not valid YAML at line 2"),
        (BASE + "name: a\nname: b", "not valid YAML at line 1: the key 'name' is given twice"),
        (BASE + "model: {cutoff: 4, cutoff: 5}", "the key 'cutoff' is given twice"),
        (BASE + "? [a, b]\n: 2", "found unhashable key"),
        ("name: \x00", "not valid YAML: special characters are not allowed"),
        ("a: " + 5000 * "[", "nested too deeply"),
        (BASE + "name: &a [*a]", "name: input should be a valid string"),
    ],
)
def test_mistakes(tmp_path, text, expected):
    path = tmp_path / "campaign.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        load_campaign(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: ") and expected in said and "\n" not in said


def test_nothing_in_a_file_is_executed(tmp_path):
    path, trace = tmp_path / "campaign.yaml", tmp_path / "trace"
    for tag in ("apply:os.mkdir", "object/apply:os.mkdir", "object/new:os.mkdir"):
        path.write_text(f"{BASE}name: !!python/{tag} ['{trace}']\n")
        with pytest.raises(UserError, match="could not determine a constructor for the tag"):
            load_campaign(path)
    assert not trace.exists()


def test_files_that_are_none(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        load_campaign(tmp_path / "none.yaml")
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory\)"):
        load_campaign(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(UserError, match=r"binary\.yaml: is not text"):
        load_campaign(tmp_path / "binary.yaml")


def test_paths_count_from_the_folder_of_the_campaign(tmp_path, monkeypatch):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "campaign.yaml").write_text(
        "initial: [{kind: file, path: ../pool.xyz}]\nexplore: [{kind: file, path: /abs/pool.xyz}]\n"
    )
    monkeypatch.chdir("/")
    campaign = load_campaign(folder / "campaign.yaml")
    assert campaign.initial[0].path == str(tmp_path / "pool.xyz")
    assert campaign.explore[0].path == "/abs/pool.xyz"


def test_anchors_and_merged_keys(tmp_path):
    path = tmp_path / "campaign.yaml"
    path.write_text(
        "initial: [&water {kind: clusters, molecules: [1, 2], count: 3}]\n"
        "test: [{<<: *water, count: 5}]\n"
    )
    campaign = load_campaign(path)
    assert (campaign.test[0].molecules, campaign.test[0].count) == ((1, 2), 5)


def test_settings_from_the_command_line():
    assert parse_reference("tblite", "GFN1-xTB", ["retries=3"]) == TbliteOptions(
        method="GFN1-xTB", retries=3
    )
    model, training = parse_training("local", 3, None)
    assert (model.coupling, training.members) == ("local", 3)
    assert parse_training("local", 3, 7)[1].steps == 7
    with pytest.raises(UserError, match=r"^unknown reference\.kind 'guess'"):
        parse_reference("guess", None, [])
    with pytest.raises(UserError, match=r"^model\.coupling: input should be 'independent'"):
        parse_training("weak", 3, None)
    with pytest.raises(UserError, match=r"^training\.members: "):
        parse_training("local", 100, None)


# -- keys of version 0.1.0 ---------------------------------------------------------------


def load_old(tmp_path, executor: str):
    path = tmp_path / "campaign.yaml"
    path.write_text(f"{BASE}executor: {executor}\n")
    with pytest.warns(Note) as notes:
        campaign = load_campaign(path)
    [note] = notes
    return campaign, str(note.message)


def test_keys_that_moved_still_work_with_a_note(tmp_path):
    text = "{kind: ray, cpus: 2, schedule: streaming, queue: 3, train_after: 7}"
    campaign, note = load_old(tmp_path, text)
    assert campaign.schedule == StreamingOptions(queue=3, train_after=7)
    assert campaign.executor.cpus == 2
    assert note == (
        f"{tmp_path / 'campaign.yaml'}: executor.schedule, executor.train_after, executor.queue: "
        "such keys are now under `schedule`; write `schedule: {kind: streaming, train_after: 7, "
        "queue: 3}`"
    )


def test_what_the_batch_schedule_never_looked_at_is_left_out(tmp_path):
    campaign, note = load_old(tmp_path, "{schedule: batch, selections: 2}")
    assert campaign.schedule == BatchOptions()
    assert note.endswith("write `schedule: {kind: batch}`")


def test_mistakes_in_old_keys_are_told_where_they_belong_now(tmp_path):
    path = tmp_path / "campaign.yaml"
    for text, expected in (
        ("{schedule: streeming}", "unknown schedule.kind 'streeming'; did you mean 'streaming'?"),
        ("{schedule: streaming, queue: -1}", "schedule.queue: input should be greater than"),
    ):
        path.write_text(f"{BASE}executor: {text}\n")
        with pytest.warns(Note), pytest.raises(UserError) as caught:
            load_campaign(path)
        assert expected in str(caught.value)


def test_further_settings_of_a_training():
    model, training = parse_training(
        "independent", 2, None, ["model.charges=latent", "training.weights.forces=2.5"]
    )
    assert (model.charges, training.weights.forces) == ("latent", 2.5)
    for item, expected in (
        ("charges=latent", r"--set charges=latent: expected model\.KEY=VALUE or training\.KEY"),
        ("model.charge=latent", r"unknown key 'model\.charge'; did you mean 'charges'"),
        ("model.charges", "expected NAME=VALUE"),
    ):
        with pytest.raises(UserError, match=expected):
            parse_training("independent", 2, None, [item])


def test_one_member_alone_must_know_its_own_spread():
    with pytest.raises(UserError, match=r"^--members 1: a committee of one has no spread"):
        parse_training("independent", 1, None)
    _, training = parse_training("independent", 1, None, ["training.uncertainty=last_layer"])
    assert training.models == 1


# -- campaigns that come with the program ------------------------------------------------


def test_shipped_campaigns_are_known_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert set(shipped()) == {path.stem for path in SHIPPED}
    assert campaign_file(Path("smoke")) == shipped()["smoke"]
    (tmp_path / "smoke").write_text(BASE)
    assert campaign_file(Path("smoke")) == Path("smoke"), "the user's own file comes first"
    assert campaign_file(Path("other.yaml")) == Path("other.yaml")
    with pytest.raises(UserError, match=r"^smok: no such file, .* there are: .*smoke, water"):
        campaign_file(Path("smok"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_editors_find_the_schema_of_shipped_campaigns(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    name = first.removeprefix("# yaml-language-server: $schema=")
    schema = json.loads((path.parent / name).read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), schema)
