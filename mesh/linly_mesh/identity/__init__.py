"""Who a workload is: SPIFFE identities, the certificates that prove them, and their rotation."""
