# SPDX-License-Identifier: Apache-2.0
"""Progress of commands: a bar with steps, rate and what the stage says on a terminal, one line a stage elsewhere."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import Progress

from codesign.cli import console


def shown(monkeypatch, *, terminal):
    stream = io.StringIO()
    # rich draws on a terminal only when it knows how wide it is
    screen = Console(file=stream, force_terminal=terminal, width=120, highlight=False, _environ={"TERM": "xterm"})
    monkeypatch.setattr(console, "stderr", screen)
    with console.progress() as show:
        for step in range(1, 6):
            show(f"train: loss {1 / step:.4g}", step, 1000)
        screen_while = stream.getvalue()
        show("[bold]write", 1, 0)
    return screen_while + stream.getvalue()


def test_a_terminal_has_steps_and_loss(monkeypatch):
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown(monkeypatch, terminal=True))
    assert "train" in text
    assert "[bold]write" in text


def test_elsewhere_a_stage_is_one_line(monkeypatch):
    assert shown(monkeypatch, terminal=False).splitlines()[-2:] == ["… train", "… [bold]write"]


@pytest.mark.parametrize(("speed", "says"), [(None, ""), (0.52, "0.5/s"), (12345.6, "12,346/s")])
def test_the_rate_is_short(speed, says):
    assert console.RateColumn().render(SimpleNamespace(speed=speed)).plain == says


def test_columns_of_a_bar():
    with Progress(*console.columns(), console=Console(file=io.StringIO(), width=120)) as bar:
        bar.add_task("train", total=1000, completed=5, detail="loss 0.2")
        screen = io.StringIO()
        Console(file=screen, width=120).print(bar.get_renderable())
    assert re.search(r"train .* +5/1000 .*loss 0\.2", screen.getvalue())
