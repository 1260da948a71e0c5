"""Mutual TLS: who we are, whom we trust, and whom we expect."""

from pathlib import Path
from typing import Any

from linly_mesh.identity.spiffe import TRUST_DOMAIN, SpiffeId
from linly_mesh.proxy.envoy.files import Files

_TYPES = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_CERTIFICATE = "certificate"
_ROOTS = "roots"


def inbound(files: Files, protocol: str) -> dict[str, Any]:
    """Takes any caller of our trust domain; who may do what is for the policies to say."""
    expected = {"prefix": f"spiffe://{TRUST_DOMAIN}/"}
    return _socket(
        {
            "@type": f"{_TYPES}.DownstreamTlsContext",
            "require_client_certificate": True,
            "common_tls_context": _common(files, expected, protocol),
        }
    )


def outbound(files: Files, server: SpiffeId, host: str) -> dict[str, Any]:
    """Speaks to ``server`` and nobody else, whatever its address answers to."""
    return _socket(
        {
            "@type": f"{_TYPES}.UpstreamTlsContext",
            "sni": host,
            "common_tls_context": _common(files, {"exact": str(server)}, "h2"),
        }
    )


def secrets(files: Files) -> dict[Path, dict[str, Any]]:
    """The SDS resources, by the file that each belongs in.

    They name the files of the SVID and the folder in which a change of them shows.
    """
    watched = {"path": str(files.svid.folder)}
    certificate = {
        "certificate_chain": {"filename": str(files.svid.certificate)},
        "private_key": {"filename": str(files.svid.key)},
        "watched_directory": watched,
    }
    roots = {
        "trusted_ca": {"filename": str(files.svid.bundle)},
        "watched_directory": watched,
    }
    return {
        files.certificate: _secret(_CERTIFICATE, {"tls_certificate": certificate}),
        files.roots: _secret(_ROOTS, {"validation_context": roots}),
    }


def _socket(context: dict[str, Any]) -> dict[str, Any]:
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _common(files: Files, expected: dict[str, str], protocol: str) -> dict[str, Any]:
    return {
        # Both ends of the range: Envoy's own maximum for its calls is 1.2.
        "tls_params": {
            "tls_minimum_protocol_version": "TLSv1_3",
            "tls_maximum_protocol_version": "TLSv1_3",
        },
        "alpn_protocols": [protocol],
        "tls_certificate_sds_secret_configs": [_sds(_CERTIFICATE, str(files.certificate))],
        "combined_validation_context": {
            "default_validation_context": {
                "match_typed_subject_alt_names": [{"san_type": "URI", "matcher": expected}]
            },
            "validation_context_sds_secret_config": _sds(_ROOTS, str(files.roots)),
        },
    }


def _sds(name: str, path: str) -> dict[str, Any]:
    source = {"resource_api_version": "V3", "path_config_source": {"path": path}}
    return {"name": name, "sds_config": source}


def _secret(name: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"resources": [{"@type": f"{_TYPES}.Secret", "name": name, **content}]}
