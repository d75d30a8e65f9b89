#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the action does, after installation; the inputs are environment variables. It runs anywhere: MODEL=… CODESIGN=codesign bash prove.sh
set -euo pipefail
out=${OUT:-codesign-proof}
summary=${GITHUB_STEP_SUMMARY:-/dev/stdout}
mkdir -p "$out"

arguments=()
while IFS= read -r line; do [ -z "$line" ] || arguments+=("$line"); done <<<"${AUDIO:-}"
while IFS= read -r line; do [ -z "$line" ] || arguments+=(--clean "$line"); done <<<"${CLEAN:-}"

end=0
"$CODESIGN" report "$MODEL" "${arguments[@]}" --board "$BOARD" -o "$out/report.html" -o "$out/report.json" --format md \
    >"$out/summary.md" || end=$?
cat "$out/summary.md" >>"$summary"
[ -f "$out/report.json" ] || exit "$end"
echo "report=$out/report.json" >>"${GITHUB_OUTPUT:-/dev/null}"

# The image itself, with what it consists of; a board that is this computer has none.
if "$CODESIGN" build "$MODEL" --board "$BOARD" --runtime bare -o "$out/firmware" >&2; then
    "$CODESIGN" sbom "$out/firmware" -o "$out/firmware.cdx.json" >&2 || end=$((end ? end : $?))
fi

if [ -n "${BASELINE:-}" ]; then
    "$CODESIGN" compare "$BASELINE" "$out/report.json" ${THRESHOLDS:+--thresholds "$THRESHOLDS"} --format md >"$out/comparison.md" ||
        end=$((end ? end : $?))
    cat "$out/comparison.md" >>"$summary"
fi
exit "$end"
