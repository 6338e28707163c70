"""Fail if a test that needs the data was skipped although ALLOMATCH_DATA is set. Usage: no_data_test_skipped.py RESULTS.xml."""

import sys
import xml.etree.ElementTree as ET

skipped = [
    f"{case.get('classname')}::{case.get('name')}: {reason.get('message')}"
    for case in ET.parse(sys.argv[1]).iter("testcase")
    for reason in case.findall("skipped")
    if "ALLOMATCH_DATA" in (reason.get("message") or "")
]
print("\n".join(skipped) or "no data test was skipped")
sys.exit(1 if skipped else 0)
