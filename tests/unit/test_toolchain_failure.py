# SPDX-License-Identifier: Apache-2.0
"""What a failed build is: too large an image, or a tool that refused."""

import pytest

from codesign.base.errors import BuildError
from codesign.firmware.toolchain.failure import failure


@pytest.mark.parametrize(
    "output",
    [
        "ld: region `FLASH' overflowed by 1695920 bytes\ncollect2: error: ld returned 1 exit status",
        "ld.lld: error: section '.text' will not fit in region 'FLASH': overflowed by 1695904 bytes\n"
        "ld.lld: error: section '.data' will not fit in region 'FLASH': overflowed by 1695920 bytes",
    ],
)
def test_an_image_that_is_too_large_is_said_in_words(output):
    error = failure("linking", "ld failed", output, "whole output in x.log")
    assert (error.exit_code, error.message) == (4, "linking: the image is 1,695,920 bytes larger than FLASH")
    assert error.hint.endswith("whole output in x.log")


def test_all_regions_are_named():
    output = "ld: region `FLASH' overflowed by 8 bytes\nld: region `RAM' overflowed by 1024 bytes"
    assert failure("linking", "", output, "").message.endswith("8 bytes larger than FLASH and 1,024 bytes larger than RAM")


def test_all_else_is_a_failed_build():
    error = failure("linking", "undefined reference to 'x'", "ld: undefined reference to 'x'", "whole output in x.log")
    assert isinstance(error, BuildError)
    assert (error.exit_code, error.message) == (4, "linking: undefined reference to 'x'")
