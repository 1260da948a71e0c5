import pytest

from linly_mesh.errors import ConfigurationError
from linly_mesh.identity.spiffe import SpiffeId

LONGEST = "a" * 63


@pytest.mark.parametrize(
    ("uri", "parts"),
    [
        ("spiffe://cluster.local/ns/talker/sa/asr", ("asr", "talker", "cluster.local")),
        ("spiffe://example.org/ns/other/sa/back-end-2", ("back-end-2", "other", "example.org")),
        ("spiffe://prod/ns/a/sa/0", ("0", "a", "prod")),
        (f"spiffe://td/ns/n/sa/{LONGEST}", (LONGEST, "n", "td")),
    ],
)
def test_a_uri_is_read_and_written(uri, parts):
    read = SpiffeId.parse(uri)

    assert (read.service_account, read.namespace, read.trust_domain) == parts
    assert str(read) == uri
    assert read.principal == uri.removeprefix("spiffe://")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "asr",
        "cluster.local/ns/talker/sa/asr",
        "https://cluster.local/ns/talker/sa/asr",
        "SPIFFE://cluster.local/ns/talker/sa/asr",
        "spiffe://cluster.local",
        "spiffe://cluster.local/asr",
        "spiffe:///ns/talker/sa/asr",
        "spiffe://cluster.local/ns/talker/sa/",
        "spiffe://cluster.local/ns//sa/asr",
        "spiffe://cluster.local/ns/talker/sa/asr/",
        "spiffe://cluster.local/ns/talker/sa/asr/more",
        "spiffe://cluster.local/ns/talker/sa/asr?x=1",
        "spiffe://cluster.local/ns/talker/sa/asr#x",
        "spiffe://cluster.local/ns/talker/sa/asr\n",
        "spiffe://cluster.local/ns/talker/sa/..",
        "spiffe://cluster.local/ns/talker/sa/ASR",
        "spiffe://cluster.local/ns/talker/sa/*",
        "spiffe://cluster.local/ns/talker/sa/a%73r",
        "spiffe://cluster.local/ns/talker/sa/-asr",
        "spiffe://cluster.local:8080/ns/talker/sa/asr",
        "spiffe://me@cluster.local/ns/talker/sa/asr",
        "spiffe://cluster..local/ns/talker/sa/asr",
        f"spiffe://td/ns/n/sa/{LONGEST}a",
        f"spiffe://{'.'.join([LONGEST] * 4)}/ns/n/sa/s",
    ],
)
def test_another_form_is_refused(uri):
    with pytest.raises(ConfigurationError):
        SpiffeId.parse(uri)


@pytest.mark.parametrize("name", ["", "Asr", "a.b", "a_b", "a/b", "../authority", "ä", "a b"])
def test_a_name_that_is_no_label_is_refused(name):
    with pytest.raises(ConfigurationError, match="is not a name"):
        SpiffeId(name)


def test_the_dns_names_are_those_of_the_kubernetes_service():
    assert SpiffeId("asr").dns_names == (
        "asr",
        "asr.talker",
        "asr.talker.svc",
        "asr.talker.svc.cluster.local",
    )
