"""The parts of the loop on plain files: label, train, predict, evaluate, select, import."""
