"""Alice and Bob, for the tests of accounts."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from tests import cast


@pytest.fixture
def alice(db: None) -> User:
    return cast.alice()


@pytest.fixture
def bob(db: None) -> User:
    return cast.bob()
