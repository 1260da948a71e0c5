"""Three stories of operation, from the fault to what the operator is told."""
