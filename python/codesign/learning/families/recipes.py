# SPDX-License-Identifier: Apache-2.0
"""The table [network] of a recipe, for each family."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_UNITS = 4096
Units = Annotated[int, Field(ge=4, le=MAX_UNITS)]
Channels = Annotated[int, Field(ge=4, le=256)]
Dilation = Annotated[int, Field(ge=1, le=16)]


class Table(BaseModel):
    """A table of a recipe: read only, no key too many, no number that is none."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class LstmRecipe(Table):
    """Layer sizes: units of the LSTM layers and outputs of the hidden fully connected ones."""

    family: Literal["lstm"] = "lstm"
    lstm: tuple[Units, ...] = Field(default=(256, 256), strict=False, min_length=1, max_length=8)
    fc: tuple[Units, ...] = Field(default=(256,), strict=False, max_length=8)
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1


class GruRecipe(Table):
    """Layer sizes: units of the GRU layers and outputs of the hidden fully connected ones."""

    family: Literal["gru"]
    gru: tuple[Units, ...] = Field(default=(256, 256), strict=False, min_length=1, max_length=8)
    fc: tuple[Units, ...] = Field(default=(256,), strict=False, max_length=8)
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1


class ConvRecurrentRecipe(Table):
    """A convolutional-recurrent network: channels of the convolutions that halve the bands, blocks that look back in time,
    and recurrent layers across frequency and over time between them.
    """

    family: Literal["conv-recurrent"]
    channels: tuple[Channels, ...] = Field(default=(16, 32), strict=False, min_length=1, max_length=4)
    groups: Annotated[int, Field(ge=1, le=64)] = 1
    kernel: Literal[2, 4, 6] = 4
    hidden: Annotated[int, Field(ge=4, le=512)] = 48
    encoder: tuple[Dilation, ...] = Field(default=(1, 2), strict=False, max_length=6)
    decoder: tuple[Dilation, ...] = Field(default=(2, 1), strict=False, max_length=6)
    layers: Annotated[int, Field(ge=1, le=4)] = 1
    across: Annotated[int, Field(ge=0, le=256)] = 8
    over: Annotated[int, Field(ge=4, le=256)] = 32
    direct: Annotated[int, Field(ge=0, le=2048)] = 64
    bands: Annotated[int, Field(ge=1, le=2048)] = 64

    @property
    def dropout(self) -> float:
        """None: normalization and few weights do its work."""
        return 0.0


NetworkRecipe = LstmRecipe | GruRecipe | ConvRecurrentRecipe
FAMILIES = ("lstm", "gru", "conv-recurrent")
