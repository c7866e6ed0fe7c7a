#!/usr/bin/env python3
"""The worker of 'pytorch': see engines/common."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "common"))

from prony_worker import serve  # noqa: E402
from torch_causal import VERSIONS, TorchCausal  # noqa: E402

serve(TorchCausal(), VERSIONS)
