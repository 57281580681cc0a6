"""Training runs in one thread."""

import torch

# Two spinning threads on a busy machine take twenty times as long as one.
torch.set_num_threads(1)
