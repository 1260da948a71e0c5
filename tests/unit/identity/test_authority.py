"""One root that many processes share, and how another takes its place."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography import x509

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.authority import Authority

from .conftest import ASR, DAY


def roots(bundle):
    return x509.load_pem_x509_certificates(bundle)


def test_the_root_is_made_once(authority, tmp_path):
    first = authority.bundle()

    assert Authority(tmp_path / "authority").bundle() == first


def test_many_that_begin_together_get_one_root(tmp_path):
    folder = tmp_path / "authority"
    with ThreadPoolExecutor(8) as pool:
        bundles = set(pool.map(lambda _: Authority(folder).bundle(), range(16)))

    assert len(bundles) == 1


def test_processes_that_begin_together_get_one_root(tmp_path):
    program = (
        "import sys, pathlib; from linly_mesh.identity.authority import Authority; "
        "sys.stdout.buffer.write(Authority(pathlib.Path(sys.argv[1])).bundle())"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "authority")]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]

    assert len({process.communicate()[0] for process in processes}) == 1
    assert {process.returncode for process in processes} == {0}


def test_a_roll_over_goes_from_one_root_over_two_to_the_other(authority):
    (first,) = roots(authority.bundle())
    old = authority.issue(ASR, DAY)

    authority.stage_root()
    _, second = roots(authority.bundle())
    assert roots(authority.bundle()) == [first, second]
    authority.issue(ASR, DAY).leaf.verify_directly_issued_by(first)

    authority.promote_root()
    assert set(roots(authority.bundle())) == {first, second}
    new = authority.issue(ASR, DAY)
    new.leaf.verify_directly_issued_by(second)
    assert authority.stands_behind(new)
    assert not authority.stands_behind(old)

    authority.retire_root()
    assert roots(authority.bundle()) == [second]
    assert first.subject != second.subject


def test_the_old_root_s_key_is_gone_once_it_no_longer_signs(authority, tmp_path):
    authority.bundle()
    key = (tmp_path / "authority" / "ca.key").read_bytes()

    authority.stage_root()
    authority.promote_root()

    files = [path for path in (tmp_path / "authority").rglob("*") if path.is_file()]
    assert files
    assert all(key not in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ([], "stage_root"),
        ([], "promote_root"),
        ([], "retire_root"),
        (["bundle"], "promote_root"),
        (["bundle"], "retire_root"),
        (["bundle", "stage_root"], "stage_root"),
        (["bundle", "stage_root"], "retire_root"),
        (["bundle", "stage_root", "promote_root"], "stage_root"),
        (["bundle", "stage_root", "promote_root"], "promote_root"),
        (["bundle", "stage_root", "promote_root", "retire_root"], "retire_root"),
    ],
)
def test_a_step_out_of_order_is_refused_and_changes_nothing(authority, before, step):
    for earlier in before:
        getattr(authority, earlier)()
    bundle = authority.bundle() if before else None

    with pytest.raises(ConfigurationError):
        getattr(authority, step)()

    assert bundle in (None, authority.bundle())


@pytest.mark.parametrize("name", ["ca.key", "ca.crt"])
def test_damaged_files_are_named_and_not_replaced(authority, tmp_path, name):
    authority.bundle()
    (tmp_path / "authority" / name).write_text("damaged")

    with pytest.raises(ConfigurationError, match="authority"):
        authority.issue(ASR, DAY)

    assert (tmp_path / "authority" / name).read_text() == "damaged"


def test_a_key_of_another_root_signs_nothing(authority, tmp_path):
    authority.bundle()
    Authority(tmp_path / "other").bundle()
    (tmp_path / "authority" / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())

    with pytest.raises(ConfigurationError, match="not that of its certificate"):
        authority.issue(ASR, DAY)
