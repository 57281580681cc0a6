"""Write pages and JSON schemas of settings from the settings' own classes: those of campaigns and
of simulations.

Run `python docs/generate.py` after changing a setting; a test fails while they differ.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from activecharge.campaign.settings.campaign_options import Campaign
from activecharge.campaign.settings.mistakes import nested_settings
from activecharge.simulation.simulation_options import SimulationOptions

HERE = Path(__file__).parent

HEAD = """# Campaign files

A campaign is one YAML file. Every key, with its default, in the order of the file; a key that is
not listed here is refused. `activecharge init` writes a first file
([starting.md](starting.md)). `activecharge validate FILE` prints what a file changes; with `--all`,
every key. Units stand in square brackets: Å, eV, e (elementary charge), fs, K.

This page is generated from the program's own settings by `python docs/generate.py`.
An editor that understands JSON schemas completes keys with `campaigns/campaign.schema.json`; the
files in `campaigns/` name it in their first line.
"""

SIMULATION_HEAD = """# Settings of simulations

What [`activecharge simulate`](simulate.md) can be told, in a YAML file or by `--set key=value`.
Every key, with its default; a key that is not listed here is refused. Units stand in square
brackets.

This page is generated from the program's own settings by `python docs/generate.py`.
An editor that understands JSON schemas completes keys with `campaigns/simulation.schema.json`.
"""


def campaign_page() -> str:
    """All settings of campaigns."""
    return settings_page(HEAD, Campaign)


def simulation_page() -> str:
    """All settings of simulations."""
    return settings_page(SIMULATION_HEAD, SimulationOptions)


def settings_page(head: str, root: type[BaseModel]) -> str:
    """Markdown with a table for each group of settings."""
    parts = [head, "## Top level\n", root.__doc__ or "", "", table(root)]
    seen: set[type[BaseModel]] = set()
    for name, field in root.model_fields.items():
        for title, model in groups(name, field):
            if model not in seen:
                seen.add(model)
                parts += [f"## `{title}`\n", summary(model), "", table(model)]
    return "\n".join(parts)


def groups(path: str, field: FieldInfo) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every settings class below a key, with the path that leads to it."""
    models = list(dict.fromkeys(nested_settings(field.annotation)))
    for model in models:
        kind = model.model_fields.get("kind")
        chosen = f" (kind: {default_of(kind)})" if kind and len(models) > 1 else ""
        yield f"{path}{chosen}", model
        for name, inner in model.model_fields.items():
            yield from groups(f"{path}.{name}", inner)


def table(model: type[BaseModel]) -> str:
    """One row a key: name, default, meaning and accepted values."""
    rows = ["| key | default | meaning |", "| --- | --- | --- |"]
    # `kind` says which settings these are, so it comes first.
    fields = sorted(model.model_fields.items(), key=lambda item: item[0] != "kind")
    for name, field in fields:
        text = (field.description or "").replace("|", "\\|")
        text = text[:1].upper() + text[1:].rstrip(".") + "."
        choices = literals(field.annotation)
        if len(choices) > 1:
            text += " One of " + ", ".join(f"`{choice}`" for choice in choices) + "."
        rows.append(f"| `{name}` | {default_of(field, code=True)} | {text} |")
    return "\n".join(rows) + "\n"


def summary(model: type[BaseModel]) -> str:
    """The class's docstring, its indentation removed."""
    return "\n".join(line.strip() for line in (model.__doc__ or "").strip().splitlines())


def default_of(field: FieldInfo, code: bool = False) -> str:
    """The default as a user would write it."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        return "see below"
    if value is None:
        return "absent"
    if isinstance(value, tuple):
        value = list(value)
    if isinstance(value, list) and any(isinstance(item, BaseModel) for item in value):
        return "see there"
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`" if code else str(text)


def literals(annotation: Any) -> list[str]:
    """Values of a Literal type; empty for any other."""
    arguments = get_args(annotation)
    return [str(a) for a in arguments] if all(isinstance(a, str) for a in arguments) else []


def schema(root: type[BaseModel] = Campaign) -> str:
    """JSON schema of settings."""
    return json.dumps(root.model_json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    (HERE / "campaign.md").write_text(campaign_page(), encoding="utf-8")
    (HERE.parent / "campaigns" / "campaign.schema.json").write_text(schema(), encoding="utf-8")
    (HERE / "simulation_settings.md").write_text(simulation_page(), encoding="utf-8")
    (HERE.parent / "campaigns" / "simulation.schema.json").write_text(
        schema(SimulationOptions), encoding="utf-8"
    )
