"""Connections of requests and urllib3 that tell a `Line` which socket it waits for, so that it can be cut."""

from __future__ import annotations

import socket
from typing import Any

import urllib3
from requests.adapters import HTTPAdapter

from apps.core.metadata import is_metadata
from apps.llm.providers.gemini_line import connected


class _Connection(urllib3.connection.HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _allowed(self, super()._new_conn())

    def getresponse(self) -> Any:
        _note(self.sock)
        return super().getresponse()


class _SecureConnection(urllib3.connection.HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _allowed(self, super()._new_conn())

    def getresponse(self) -> Any:
        _note(self.sock)
        return super().getresponse()


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Adapter(HTTPAdapter):
    """Tells a `Line` the socket it waits for, so that it can be cut from outside."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *args: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(*args, **kwargs)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager


def _allowed(line: urllib3.connection.HTTPConnection, connection: socket.socket) -> socket.socket:
    """The socket, unless its name has led to where a cloud keeps a machine's secrets: nothing is sent there."""
    if is_metadata(str(connection.getpeername()[0])):
        connection.close()
        raise urllib3.exceptions.NewConnectionError(line, "a model server is never at that address")
    return connection


def _note(connection: socket.socket | None) -> None:
    if isinstance(connection, socket.socket):
        connected(connection)
