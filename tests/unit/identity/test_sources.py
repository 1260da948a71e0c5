"""SVIDs that are issued here, and those that come from elsewhere."""

from datetime import timedelta

import pytest

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.authority import Authority
from linly_mesh.identity.issued import IssuedSvid
from linly_mesh.identity.provided import ProvidedSvid
from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.identity.source import svid_source
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import Svid

from .conftest import ASR, DAY

LAYOUTS = [
    ("tls.crt", "tls.key", "ca.crt"),
    ("cert-chain.pem", "key.pem", "root-cert.pem"),
    ("svid.pem", "svid_key.pem", "svid_bundle.pem"),
]


def on_disk(source):
    files = source.files()
    return Svid.parse(
        files.certificate.read_bytes(), files.key.read_bytes(), files.bundle.read_bytes()
    )


def provide(folder, svid, names=LAYOUTS[0]):
    folder.mkdir()
    content = (svid.certificate, svid.key, svid.bundle)
    for name, pem in zip(names, content, strict=True):
        (folder / name).write_bytes(pem)
        (folder / name).chmod(0o644)
    (folder / names[1]).chmod(0o600)
    return folder


class TestIssued:
    def test_what_is_returned_is_what_is_published(self, issued):
        assert issued.refresh() == on_disk(issued)

    def test_it_is_kept_for_the_first_half_of_its_life(self, issued, clock):
        first = issued.refresh()
        clock.advance(hours=11, minutes=58)

        assert issued.refresh() == first == on_disk(issued)

    def test_it_is_renewed_after_half_of_its_life(self, issued, clock):
        first = issued.refresh()
        clock.advance(hours=12)

        second = issued.refresh()

        assert second.not_after == first.not_after + timedelta(hours=12)
        assert on_disk(issued) == second

    def test_another_process_goes_on_with_what_it_finds(self, issued, authority, tmp_path, clock):
        first = issued.refresh()

        assert IssuedSvid(authority, ASR, tmp_path / "asr", DAY, clock=clock).refresh() == first

    def test_one_that_is_not_valid_yet_by_a_clock_that_was_set_back_is_replaced(
        self, issued, authority, clock
    ):
        authority.bundle()
        clock.advance(days=2)
        issued.refresh()
        clock.advance(days=-1)

        assert issued.refresh().not_after == clock.now + DAY

    @pytest.mark.parametrize("name", ["certificate", "key", "bundle"])
    def test_what_is_damaged_is_replaced(self, issued, name):
        issued.refresh()
        getattr(issued.files(), name).write_text("damaged")

        assert issued.refresh() == on_disk(issued)

    def test_each_step_of_a_roll_over_reaches_it(self, issued, authority):
        for step in (authority.stage_root, authority.promote_root, authority.retire_root):
            before = issued.refresh()
            step()
            after = issued.refresh()
            assert after != before
            assert after.bundle == authority.bundle()
            assert issued.refresh() == after

    def test_other_dns_names_hold_at_once(self, issued, authority, tmp_path, clock):
        issued.refresh()
        again = IssuedSvid(authority, ASR, tmp_path / "asr", DAY, ["localhost"], clock=clock)

        assert again.refresh().dns_names == (*ASR.dns_names, "localhost")

    def test_a_good_one_stays_when_the_authority_fails(self, issued, clock, tmp_path):
        first = issued.refresh()
        (tmp_path / "authority" / "ca.key").write_text("damaged")
        clock.advance(hours=13)

        with pytest.raises(ConfigurationError):
            issued.refresh()

        assert on_disk(issued) == first


class TestProvided:
    @pytest.mark.parametrize("names", LAYOUTS, ids=lambda names: names[0])
    def test_it_is_read_under_the_names_of_whoever_made_it(self, authority, tmp_path, clock, names):
        svid = authority.issue(ASR, DAY)
        folder = provide(tmp_path / "given", svid, names)
        source = ProvidedSvid(ASR, folder, clock)

        assert source.refresh() == svid
        files = source.files()
        assert (files.certificate.name, files.key.name, files.bundle.name) == names
        assert files.folder == folder

    def test_a_change_is_seen(self, authority, tmp_path, clock):
        source = ProvidedSvid(ASR, provide(tmp_path / "given", authority.issue(ASR, DAY)), clock)
        source.refresh()
        svid = authority.issue(ASR, DAY)
        source.files().certificate.write_bytes(svid.certificate)
        source.files().key.write_bytes(svid.key)

        assert source.refresh() == svid

    def test_it_is_not_renewed_although_it_is_due(self, authority, tmp_path, clock):
        svid = authority.issue(ASR, DAY)
        source = ProvidedSvid(ASR, provide(tmp_path / "given", svid), clock)
        clock.advance(hours=23)

        assert source.refresh() == svid
        assert on_disk(source) == svid

    def test_an_expired_one_is_refused(self, authority, tmp_path, clock):
        source = ProvidedSvid(ASR, provide(tmp_path / "given", authority.issue(ASR, DAY)), clock)
        clock.advance(hours=24)

        with pytest.raises(ConfigurationError, match="not now"):
            source.refresh()

    def test_somebody_else_s_is_refused(self, authority, tmp_path, clock):
        svid = authority.issue(SpiffeId("llm"), DAY)
        source = ProvidedSvid(ASR, provide(tmp_path / "given", svid), clock)

        with pytest.raises(ConfigurationError, match=r"sa/llm, not .*sa/asr"):
            source.refresh()

    def test_a_key_that_others_may_read_is_refused(self, authority, tmp_path, clock):
        folder = provide(tmp_path / "given", authority.issue(ASR, DAY))
        (folder / "tls.key").chmod(0o644)

        with pytest.raises(ConfigurationError, match="mode 0644"):
            ProvidedSvid(ASR, folder, clock).refresh()

    @pytest.mark.parametrize("missing", [*LAYOUTS[0], "all"])
    def test_a_missing_file_is_an_error_that_says_what_was_looked_for(
        self, authority, tmp_path, clock, missing
    ):
        folder = provide(tmp_path / "given", authority.issue(ASR, DAY))
        for name in LAYOUTS[0]:
            if missing in (name, "all"):
                (folder / name).unlink()

        with pytest.raises(ConfigurationError, match=r"cert-chain\.pem"):
            ProvidedSvid(ASR, folder, clock).refresh()


class TestChoice:
    def test_the_authority_is_not_touched_where_svids_come_from_elsewhere(self, tmp_path):
        svid = Authority(tmp_path / "elsewhere").issue(ASR, DAY)
        provide(tmp_path / "given", svid).rename(tmp_path / "asr")
        settings = IdentitySettings(identity_folder=tmp_path / "own", svid_folder=tmp_path)

        assert svid_source("asr", settings).refresh() == svid
        assert not (tmp_path / "own").exists()

    def test_without_them_the_authority_issues(self, tmp_path):
        settings = IdentitySettings(identity_folder=tmp_path / "own", svid_ttl=3600)

        svid = svid_source("asr", settings, ["localhost"]).refresh()

        assert svid.id == ASR
        assert svid.dns_names[-1] == "localhost"
        assert svid.not_after - svid.not_before < timedelta(minutes=63)

    def test_settings_come_from_the_environment(self, tmp_path, monkeypatch):
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        monkeypatch.setenv("MESH_SVID_TTL", "7200")

        settings = IdentitySettings()

        assert settings.identity_folder == tmp_path / "linly-talker" / "identity"
        assert settings.ttl == timedelta(hours=2)
        assert settings.svid_folder is None
