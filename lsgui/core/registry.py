"""A table of named parts that refuses two parts of one name."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Registry(Generic[T]):
    """Named parts in the order of their registration.

    Parameters
    ----------
    kind
        What is registered, for messages: "reader", "model", "overlay".
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._parts: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Return a decorator that enters its object under `name`.

        Raises
        ------
        ValueError
            When `name` is taken: a second part of one name is a programming mistake, never an override.
        """

        def enter(part: T) -> T:
            if name in self._parts:
                raise ValueError(f"two {self._kind}s are called {name!r}")
            self._parts[name] = part
            return part

        return enter

    def __getitem__(self, name: str) -> T:
        return self._parts[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        return iter(self._parts)

    def __len__(self) -> int:
        return len(self._parts)

    def items(self) -> tuple[tuple[str, T], ...]:
        """Return every name with its part, in the order of registration."""
        return tuple(self._parts.items())
