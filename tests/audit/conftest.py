"""The two stores, as tests/state makes them."""

from tests.state.conftest import redis_of_session, redis_server, shelf, store

__all__ = ["redis_of_session", "redis_server", "shelf", "store"]
