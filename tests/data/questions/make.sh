#!/bin/sh
# Speaks each question of questions.json with flite and writes it as a 16 kHz mono WAV.
# Needs Debian's flite and sox. Run from anywhere; it writes beside itself.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT

# Makes the parts of a question, separated by "|", with 300 ms of silence between them.
python3 -c '
import json
for question in json.load(open("questions.json")):
    print(question["file"], question["voice"], question.get("spoken", question["text"]), sep="\t")
' | while IFS="$(printf '\t')" read -r file voice spoken; do
    rm -f "$scratch"/*
    number=0
    echo "$spoken" | tr '|' '\n' > "$scratch/parts"
    while read -r part; do
        number=$((number + 1))
        flite -voice "$voice" -t "$part" -o "$scratch/raw.wav" < /dev/null
        # flite's own silence at both ends is cut, so that every pause is of a known length.
        sox "$scratch/raw.wav" -r 16000 -c 1 -b 16 -D "$scratch/$number.wav" \
            silence 1 0.01 0.5% reverse silence 1 0.01 0.5% reverse pad 0 0.3
    done < "$scratch/parts"
    parts=$(seq -f "$scratch/%g.wav" "$number")
    # shellcheck disable=SC2086  # one argument per part is what is meant
    sox $parts -D "$file" pad 0.3 0.7
done
