"""A secret that cannot leak by being printed, logged or pickled, because it is never kept."""

from __future__ import annotations

import os
from dataclasses import dataclass

from pipeline.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Secret:
    """The name of an environment variable whose value is read at the moment it is needed.

    Only the name travels: a worker that unpickles it reads its own environment.
    """

    name: str

    @classmethod
    def from_env(cls, name: str) -> Secret:
        """The secret in the environment variable ``name``.

        Raises:
            ConfigurationError: It is not set, or it cannot be a credential.
        """
        secret = cls(name)
        secret.reveal()
        return secret

    @classmethod
    def from_reference(cls, reference: str) -> Secret:
        """The secret that ``env:NAME`` names.

        Raises:
            ConfigurationError: The reference is none, or the variable is not set or no credential.
        """
        kind, _, name = reference.partition(":")
        if kind != "env" or not name.isidentifier():
            # what was received may be the secret itself: it is not repeated
            message = "a secret is named as env:NAME, by the environment variable that holds it"
            raise ConfigurationError(message)
        return cls.from_env(name)

    def reveal(self) -> str:
        """The value itself; hand it to nothing that keeps or prints it.

        Raises:
            ConfigurationError: It is not set here, or it cannot be a credential.
        """
        value = os.environ.get(self.name, "").strip()
        if not value:
            message = f"the environment variable {self.name} is not set (or empty) on this machine"
            raise ConfigurationError(message)
        if not value.isascii() or not value.isprintable() or " " in value:
            message = f"the environment variable {self.name} holds no credential: it has characters"
            raise ConfigurationError(message + " that no token has (spaces, line ends, ...)")
        return value
