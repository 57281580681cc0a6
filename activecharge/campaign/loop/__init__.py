"""The loop: explore, score, select, label, commit, train, test, report."""
