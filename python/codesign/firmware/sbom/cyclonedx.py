# SPDX-License-Identifier: Apache-2.0
"""A bill as a CycloneDX document (JSON, specification 1.6)."""

from __future__ import annotations

import datetime
import os
import uuid
from typing import Any

from codesign.base.errors import ToolError
from codesign.firmware.sbom.component import Bill, Component

_NAMESPACE = uuid.UUID("6f1d9c52-7a0e-4d0c-9f0a-3a5c6a2b7e11")


def render_cyclonedx(bill: Bill) -> str:
    """The document. Its serial number is that of the image, and its time SOURCE_DATE_EPOCH where that is set, so that the same
    image has the same document.

    Raises:
        ToolError: cyclonedx-python-lib is missing.
    """
    try:
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component as Part
        from cyclonedx.model.component import ComponentType
        from cyclonedx.output.json import JsonV1Dot6
    except ImportError as error:
        raise ToolError("cyclonedx-python-lib is missing", hint="pip install 'codesign[sbom]'") from error
    bom = Bom()
    bom.serial_number = uuid.uuid5(_NAMESPACE, bill.firmware.sha256)
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch and epoch.isdigit():
        bom.metadata.timestamp = datetime.datetime.fromtimestamp(int(epoch), datetime.UTC)
    name, _, version = bill.tool.partition(" ")
    bom.metadata.tools.components.add(Part(name=name, version=version or None, type=ComponentType.APPLICATION))
    whole = _part(bill.firmware, "firmware")
    bom.metadata.component = whole
    parts = [_part(component, f"component-{index}") for index, component in enumerate(bill.components)]
    for part in parts:
        bom.components.add(part)
    included = [part for part, component in zip(parts, bill.components, strict=True) if not component.excluded]
    bom.register_dependency(whole, included)
    text: str = JsonV1Dot6(bom).output_as_string(indent=1)
    return text + "\n"


def _part(component: Component, ref: str) -> Any:
    from cyclonedx.contrib.license.factories import LicenseFactory
    from cyclonedx.model import HashAlgorithm, HashType, Property
    from cyclonedx.model.component import Component as Part
    from cyclonedx.model.component import ComponentScope, ComponentType

    part = Part(
        name=component.name,
        bom_ref=ref,
        type=ComponentType(component.kind),
        version=component.version or None,
        scope=ComponentScope.EXCLUDED if component.excluded else None,
        cpe=component.cpe or None,
    )
    if component.sha256:
        part.hashes.add(HashType(alg=HashAlgorithm.SHA_256, content=component.sha256))
    if component.licence:
        part.licenses.add(LicenseFactory().make_from_string(component.licence))
    if component.purl:
        from packageurl import PackageURL

        part.purl = PackageURL.from_string(component.purl)
    if component.origin:
        part.properties.add(Property(name="codesign:origin", value=component.origin))
    for index, inner in enumerate(component.files):
        part.components.add(_part(inner, f"{ref}-{index}"))
    return part
