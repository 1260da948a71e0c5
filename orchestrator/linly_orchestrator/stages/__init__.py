"""The four services as the orchestrator sees them: contracts only, never their code."""
