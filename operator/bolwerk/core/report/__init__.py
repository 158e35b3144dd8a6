"""What an auditor asks, answered from what the API server has: facts and gaps, no judgement and no score."""
