# SPDX-License-Identifier: Apache-2.0
"""files: how results reach the disk — whole or not at all, through links, and never over what is the user's."""

from codesign.base.files.make import make_folder
from codesign.base.files.output_file import check_file, check_files, replace_file
from codesign.base.files.output_folder import check_folder, replace_folder, update_folder

__all__ = ["check_file", "check_files", "check_folder", "make_folder", "replace_file", "replace_folder", "update_folder"]
