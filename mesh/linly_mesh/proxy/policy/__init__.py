"""Istio resources and Kubernetes manifests as a typed model; whatever is not known is refused."""
