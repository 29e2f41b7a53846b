"""The benchmark measures pages it has never seen, whatever their labels leave out."""

import importlib.util
import json
from pathlib import Path

import pytest

_BENCH = Path(__file__).parents[3] / "bench" / "cleaning.py"
_spec = importlib.util.spec_from_file_location("bench_cleaning", _BENCH)
assert _spec
assert _spec.loader
bench = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(bench)

PAGE = """<html><head><title>Old bridge to be rebuilt</title></head><body>
<ul><li>Home</li><li>World</li></ul><h1>Old bridge to be rebuilt</h1>
<p>The council voted on Monday to rebuild the old bridge, which was closed two years ago.</p>
<p>Work will begin in April and last for eighteen months, the building office said.</p>
<p>The bridge was built in 1911 and carried trams until the nineteen-sixties.</p>
<p>Sign up for our newsletter</p></body></html>"""


def test_shipped_weights_are_measured_on_pages_with_the_fewest_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bridge.html").write_text(PAGE)
    labels = {
        "bridge.html": {"with": ["Work will begin"], "without": ["Sign up for our newsletter"]},
        "missing.html": {"with": ["nothing"], "without": []},
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    monkeypatch.setattr(
        "sys.argv",
        ["cleaning.py", "--pages", str(tmp_path), "--labels", str(tmp_path / "labels.json")],
    )
    monkeypatch.setattr("logging.disable", lambda level: None)  # would silence other tests
    bench.main()
    printed = capsys.readouterr()
    assert "missing.html" in printed.err
    assert "0 of the 1 pages given are among them" in printed.out
    lines = [line for line in printed.out.splitlines() if line.startswith(("HTML", "flat"))]
    rows = {line[:34].strip(): line[34:].split()[0] for line in lines}
    assert rows["HTML  svodka"] == rows["flat  svodka"] == "1.000"
    assert rows["flat  everything"] == "0.500"


def test_sites_are_never_torn_between_folds() -> None:
    urls = {f"{number}.html": f"https://site{number % 7}.example/{number}" for number in range(30)}
    hands = bench.folds(urls, 4)
    assert set().union(*hands) == set(urls)
    for hand in hands:
        sites = {urls[name].split("/")[2] for name in hand}
        assert hand == {name for name, url in urls.items() if url.split("/")[2] in sites}
