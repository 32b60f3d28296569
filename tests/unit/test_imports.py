"""No module imports itself by way of others: at module level, in a function or for annotations."""

from graphlib import CycleError, TopologicalSorter

import grimp
import pytest

from recomart.settings import PROJECT_ROOT

NOT_CODE = {"docs", "shops", "tests"}


def packages() -> list[str]:
    """The first-party packages: folders of the checkout that hold an `__init__.py`."""
    found = {path.parent.name for path in PROJECT_ROOT.glob("*/__init__.py")}
    return sorted(found - NOT_CODE)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    # grimp reads the source, so it sees imports inside functions and those for annotations too
    return grimp.build_graph(*packages(), exclude_type_checking_imports=False, cache_dir=None)


def test_the_graph_covers_every_package(graph: grimp.ImportGraph) -> None:
    rooms = {"recomart", "feature_store", "ingestion", "streaming", "training", "orchestration"}
    assert rooms <= set(packages())
    for package in packages():
        assert graph.find_children(package), package


def test_no_import_cycle(graph: grimp.ImportGraph) -> None:
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as exc:
        pytest.fail(f"import cycle: {' <- '.join(exc.args[1])}")


def test_the_kernel_stays_small() -> None:
    """Something that only some rooms need belongs to the feature store or to a room."""
    lines = [
        line
        for path in (PROJECT_ROOT / "recomart").rglob("*.py")
        for line in path.read_text("utf-8").splitlines()
    ]
    assert len(lines) <= 3_000
