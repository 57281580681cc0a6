"""Only what pyproject.toml cannot say: the folder `campaigns` travels inside the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["activecharge*"]), "activecharge.shipped"],
    package_dir={"activecharge.shipped": "campaigns"},
)
