"""Shared by all tests: the release that real names come from, and how hard hypothesis looks."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import HealthCheck, settings

from allomatch import Nomenclature
from reference.truth import existing_data_dir, has_releases, needs_data

# Examples build registries, so how long one takes says nothing; deadlines would only fail busy machines.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("default", deadline=None, suppress_health_check=_SLOW)
settings.register_profile("ci", deadline=None, suppress_health_check=_SLOW, derandomize=True, print_blob=True)
# Under sanitizers a test looks for errors of memory, which few examples show as well as many, ten times slower.
settings.register_profile("sanitizers", parent=settings.get_profile("ci"), max_examples=25)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell's background job (`make test &`) ignores SIGINT, and so would what it tests.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def release() -> Nomenclature:
    """IPD-IMGT/HLA 3.58.0; without its files the test is skipped."""
    if not has_releases("3.58.0"):
        pytest.skip(needs_data.kwargs["reason"])
    return Nomenclature.load("3.58.0", path=existing_data_dir())
