"""python -m codesign.report > docs/report.schema.json"""

import json

from codesign.report.document import json_schema

print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
