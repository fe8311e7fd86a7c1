"""At the end of a bundle the store holds what was learned in it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from pipeline.flow import aliases
from pipeline.run.worker import OpenState
from pipeline.state.store import StateStore
from pipeline.state.unshared import UnsharedState
from pipeline.transforms.aliases import BY_ALIAS, LINKS, ResolveAliases
from pipeline.transforms.settling import settle


def test_links_are_stored_with_the_bundle_that_learned_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'state.db'}"
    step = ResolveAliases(OpenState(url, "s"))
    step.setup()
    step.start_bundle()
    list(step.process(("e:a@example.com", {LINKS: [(1, "u1")], BY_ALIAS: []})))
    list(step.finish_bundle())
    with StateStore.open(url) as store:
        assert store.counts("s") == {aliases.KIND: 1}
    step.teardown()


def test_a_memory_that_stores_nothing_needs_nothing() -> None:
    with ExitStack() as stack:
        memory = OpenState("sqlite://", "s")(stack)
        assert isinstance(memory, UnsharedState)
        settle(memory)
