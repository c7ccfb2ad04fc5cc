"""Cards: what each command declares, for the commands that speak of commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fivetuple.cli.commands import help_of, is_view, load
from fivetuple.cli.options import OUTPUT, SOURCE
from fivetuple.model.command import Card

if TYPE_CHECKING:
    from collections.abc import Iterator


class Cards(Mapping[str, Card]):
    """Every command by name; a command is imported when its card is asked for."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        self._modules = modules

    def __getitem__(self, name: str) -> Card:
        module = load(self._modules[name])
        groups = [("Options", tuple(module.OPTIONS))] if module.OPTIONS else []
        if is_view(module):
            groups.append(("Where from", SOURCE))
        groups.append(("Output", OUTPUT))
        return Card(name, help_of(module), module.ARGUMENTS, tuple(groups), is_view(module))

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def __contains__(self, name: object) -> bool:
        return name in self._modules


def cards(modules: Mapping[str, str]) -> Cards:
    """Return the cards of the commands: name -> module."""
    return Cards(modules)
