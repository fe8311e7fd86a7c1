"""What the pages show compiles, and what they name exists."""

from __future__ import annotations

import re

import pytest

from pipeline.mapping.compiler import compile_mapping
from pipeline.mapping.generate import ROOT
from pipeline.run.mappings import DEFAULT_MAPPING, compile_mapping_file, vocabulary

DOCS = ROOT / "docs"
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```", (DOCS / "mapping.md").read_text("utf-8"), re.M | re.S)
HEAD = "version: 1\ndestination: intercom\n"
PARTS = ("settings:", "let:", "blocks:", "skip:", "require:", "person:", "tests:")


def indented(text, by):
    return "".join(" " * by + line + "\n" for line in text.splitlines())


def whole(snippet):
    """A snippet in a mapping where it could stand."""
    if snippet.startswith("version:"):
        return snippet
    if snippet.startswith(PARTS):
        return HEAD + snippet + "rules: []\n"
    rule = HEAD + "rules:\n- name: all\n  when: true\n  do:\n"
    if snippet.startswith("- operation:"):
        return rule + indented(snippet, 2)
    fields = (
        "  - operation: upsert_contact\n    fields:\n      custom_attributes:\n        object:\n"
    )
    return rule + fields + indented(snippet, 10)


def test_there_are_snippets():
    assert len(SNIPPETS) > 12


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.splitlines()[0])
def test_snippets_compile(snippet):
    compiled = compile_mapping(whole(snippet), file="page", vocabulary=vocabulary())
    assert compiled.diagnostics == ()


@pytest.mark.parametrize("page", ["mapping.md", "rules.md", "migration.md"])
def test_links_lead_somewhere(page):
    text = (DOCS / page).read_text("utf-8")
    for target, anchor in re.findall(r"\]\(([\w./-]+\.md)(?:#([\w-]+))?\)", text):
        linked = DOCS / target
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", linked.read_text("utf-8"), re.M)
            slugs = [re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings]
            assert anchor in slugs, anchor


@pytest.mark.parametrize("page", ["rules.md", "migration.md"])
def test_settings_named_are_settings(page):
    settings = compile_mapping_file(DEFAULT_MAPPING, {}).settings
    text = (DOCS / page).read_text("utf-8")
    named = re.findall(r"`(\w+): ([^`]+)`", text)
    assert named
    for name, value in named:
        if name == "remove":
            continue  # a member of a company
        assert name in settings, name
        choices = settings[name].one_of
        if choices is not None:
            for one in re.split(r"[,|] *", value):
                assert one.strip() in choices, (name, one)


def test_every_setting_of_a_rule_is_named_among_the_rules():
    text = (DOCS / "rules.md").read_text("utf-8")
    for name, setting in compile_mapping_file(DEFAULT_MAPPING, {}).settings.items():
        if re.search(r"\([PICTGOSHE]\d+", setting.about):
            assert f"`{name}" in text, name


def test_every_rule_of_shape_has_a_row_and_a_test():
    text = (DOCS / "rules.md").read_text("utf-8")
    rules = re.findall(r"^\| ([A-Z]\d+) \|", text, re.M)
    assert rules == sorted(rules, key=lambda rule: ("PICTGOSHE".index(rule[0]), int(rule[1:])))
    assert len(rules) == len(set(rules)) == 50
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests" / "parity").glob("*.py"))
    for rule in rules:
        if rule not in ("T11", "H3") and rule[0] != "E":
            assert f"def test_{rule.lower()}_" in tests, rule
