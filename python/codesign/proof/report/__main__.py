# SPDX-License-Identifier: Apache-2.0
"""python -m codesign.proof.report > docs/report.schema.json"""

import json

from codesign.proof.report.document import json_schema

print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
