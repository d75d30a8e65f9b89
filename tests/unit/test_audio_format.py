# SPDX-License-Identifier: Apache-2.0
"""Slots of an image's audio: what a device is given and what is taken from what it played."""

import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

from codesign.base.errors import InputError, ValidationError
from codesign.firmware.machines.audio_format import AudioFormat, format_of
from codesign.firmware.toolchain.compilers import find_host_compiler

PCM = np.array([-32768, -32767, -1, 0, 1, 255, 32767], np.int16)


@pytest.mark.parametrize("chosen", [0, 1])
@pytest.mark.parametrize("bits", [16, 32])
def test_the_chosen_slot_has_the_signal_and_the_other_another(bits, chosen):
    form = AudioFormat(2, bits, 2, bits, chosen)
    frames = np.frombuffer(form.slots_of(PCM), f"<i{bits // 8}").reshape(-1, 2).astype(np.int64)
    rounded = np.minimum((frames + 0x8000) >> 16, 32767) if bits == 32 else frames  # as the application rounds
    np.testing.assert_array_equal(rounded[:, chosen], PCM)
    assert (rounded[:, 1 - chosen] != PCM).any()
    if bits == 32:
        assert (frames & 0xFFFF).any()


def test_two_microphones_lie_as_they_are_or_the_other_way_round():
    frames = np.arange(8, dtype=np.int16)
    assert AudioFormat(2, 16, 2, 16, 0).slots_of(frames, 2) == frames.tobytes()
    assert AudioFormat(2, 16, 2, 16, 1).slots_of(frames, 2) == frames.reshape(-1, 2)[:, ::-1].tobytes()
    with pytest.raises(InputError, match="takes 1 slots a frame, its model 2"):
        AudioFormat().slots_of(frames, 2)


def test_what_was_played_is_the_same_in_every_slot():
    form = AudioFormat(2, 32, 2, 32)
    played = np.repeat(PCM.astype(np.int32) << 16, 2)
    np.testing.assert_array_equal(form.pcm_of(played.tobytes() + b"\0"), PCM)
    for index, change in ((1, 1 << 16), (4, 1)):
        wrong = played.copy()
        wrong[index] += change
        with pytest.raises(ValidationError, match="slots that were played"):
            form.pcm_of(wrong.tobytes())


def image_at(path, *, native):
    """What `format_of` reads of an image: its file, its board and a model of one channel."""
    network = SimpleNamespace(frontend=SimpleNamespace(ends=SimpleNamespace(channels=1)))
    return SimpleNamespace(path=path, board=SimpleNamespace(native=native), network=network)


def test_a_program_of_this_computer_tells_its_slots_too(tmp_path):
    """native_sim with two slots: without its format it was given the samples of one."""
    source, program, script = tmp_path / "main.c", tmp_path / "program", tmp_path / "script"
    format_c = (
        "const struct { unsigned char slots_in, bits_in, slots_out, bits_out, chosen; } audio_format = {2, 32, 2, 16, 1};"
    )
    source.write_text(f"{format_c}\nint main(void) {{ return audio_format.chosen; }}\n")
    subprocess.run([*find_host_compiler().compile, str(source), "-o", str(program)], check=True)
    if program.read_bytes()[:4] != b"\x7fELF":
        pytest.skip("programs of this computer are no ELF files; Zephyr has no native board here")
    assert format_of(image_at(program, native=True)) == AudioFormat(2, 32, 2, 16, 1)
    script.write_text("#!/bin/sh\n")
    assert format_of(image_at(script, native=True)) == AudioFormat()
    with pytest.raises(InputError, match="not a 32-bit little-endian Arm ELF"):
        format_of(image_at(program, native=False))
