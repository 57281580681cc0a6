"""Reading settings from YAML files, safely and with mistakes told in a sentence."""

from pathlib import Path

import yaml

from activecharge.campaign.settings.mistakes import describe
from activecharge.errors import UserError


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe subset, where a key that is given twice is a mistake."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        merge = "tag:yaml.org,2002:merge"
        keys = [self.construct_object(key, True) for key, _ in node.value if key.tag != merge]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key!r} is given twice", problem_mark=node.start_mark
                )
        return super().construct_mapping(node, deep)


def read_settings(path: Path, example: str) -> dict[str, object]:
    """Read keys and values.

    Parameters
    ----------
    path : pathlib.Path
    example : str
        Some of the keys, for sentences.

    Raises
    ------
    UserError
        If the file cannot be read, is not YAML, or holds anything else.
    """
    data = _load(path)
    if not isinstance(data, dict):
        raise UserError(f"{path}: expected keys and values ({example}), found {describe(data)}")
    return data


def named_value(item: str, example: str) -> tuple[str, str]:
    """Take apart a setting of the command line, such as the example."""
    name, sign, value = item.partition("=")
    if not (sign and name and value):
        raise UserError(f"{item!r}: expected NAME=VALUE, such as {example}")
    return name, value


def _load(path: Path) -> object:
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file; give a YAML file") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not text; give a YAML file") from error
    except OSError as error:
        reason = error.strerror
        raise UserError(f"{path}: cannot be read ({reason}); give a YAML file") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" at line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", "unreadable")
        raise UserError(f"{path}: not valid YAML{line}: {problem}; correct it") from error
    except RecursionError as error:
        raise UserError(f"{path}: nested too deeply; correct it") from error
