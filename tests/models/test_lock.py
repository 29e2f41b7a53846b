"""A locked folder that changed is noticed: at once by sizes, thoroughly by hashes."""

from __future__ import annotations

import pytest

from models import ModelError, lock


@pytest.fixture
def place(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "part").mkdir()
    (tmp_path / "part" / "weights.bin").write_bytes(bytes(range(200)))
    lock.write(tmp_path, "a/b", "r1")
    return tmp_path


def test_an_untouched_folder_passes(place):
    checked = lock.check(place, thorough=True)
    assert checked == lock.read(place)
    assert (checked.name, checked.revision) == ("a/b", "r1")
    assert set(checked.files) == {"config.json", "part/weights.bin"}


def test_a_cut_file_is_noticed_by_its_size(place):
    (place / "part" / "weights.bin").write_bytes(b"short")
    with pytest.raises(ModelError, match="not the file that was locked"):
        lock.check(place)


def test_a_flipped_bit_is_noticed_by_its_hash(place):
    (place / "part" / "weights.bin").write_bytes(bytes(199) + b"x")
    assert lock.check(place)
    with pytest.raises(ModelError, match="not the file that was locked"):
        lock.check(place, thorough=True)


def test_a_missing_file_is_named(place):
    (place / "config.json").unlink()
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        lock.check(place)


def test_a_folder_without_a_lock_is_the_users_own(tmp_path):
    assert lock.check(tmp_path) is None


@pytest.mark.parametrize("content", ["", "[]", '{"name": "a"}', '{"files": {"a": {"size": 1}}}'])
def test_a_damaged_lock_is_an_error(place, content):
    (place / lock.LOCK).write_text(content)
    with pytest.raises(ModelError, match="is damaged; delete it"):
        lock.check(place)
