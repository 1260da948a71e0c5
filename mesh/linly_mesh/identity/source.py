"""Where a workload's SVID comes from."""

from collections.abc import Sequence
from typing import Protocol

from linly_mesh.identity.authority import Authority
from linly_mesh.identity.issued import IssuedSvid
from linly_mesh.identity.provided import ProvidedSvid
from linly_mesh.identity.settings import IdentitySettings
from linly_mesh.identity.spiffe import SpiffeId
from linly_mesh.identity.svid import Svid, SvidFiles


class SvidSource(Protocol):
    """Keeps one workload's SVID in a folder, or knows who does."""

    @property
    def id(self) -> SpiffeId:
        """Whose SVID it is."""

    def files(self) -> SvidFiles:
        """Where it lies.

        Raises:
            ConfigurationError: there is none.
        """

    def refresh(self) -> Svid:
        """The SVID as it is in the folder, renewed before if it is due. Blocks for a moment.

        Raises:
            ConfigurationError: there is no valid one, or others may read its key.
            OSError: a file can't be read or written.
        """


def svid_source(
    service: str, settings: IdentitySettings, extra_dns_names: Sequence[str] = ()
) -> SvidSource:
    """Where the SVID of ``service`` comes from by these settings.

    Raises:
        ConfigurationError: the service's name is not one.
    """
    spiffe_id = SpiffeId(service)
    if settings.svid_folder is not None:
        return ProvidedSvid(spiffe_id, settings.svid_folder / service)
    return IssuedSvid(
        Authority(settings.authority_folder),
        spiffe_id,
        settings.identity_folder / "svid" / service,
        settings.ttl,
        extra_dns_names,
    )
