#!/usr/bin/env bash
# SPDX-FileCopyrightText: The Crossweave authors
# SPDX-License-Identifier: Apache-2.0
# Makes the evaluation sets of docs/evaluation.md ready for `crossweave eval --task`, and prints their paths.
#
#   scripts/fetch_eval.sh [TASK...]        default: all
#
# The sets are published by their authors, not in a package registry: put the released files into one folder and they are converted
# from there (scripts/eval_tasks.py); for what is missing the script says which file it wants and who publishes it. Environment:
#   XW_CACHE   the cache (default: .cache in the repository); tasks go to its folder eval
#   XW_EVAL    the folder with the released files (default: eval/released in the cache)
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  echo "fetch_eval: $1" >&2
  exit "${2:-1}"
}

known=(arc_challenge arc_easy boolq gsm8k hellaswag lambada piqa winogrande)
# Names under which a task is released, and where.
describe() {
  case $1 in
    arc_challenge) names=(ARC-Challenge-Test.jsonl) from="AI2, ARC-V1-Feb2018.zip (or allenai/ai2_arc of the Hugging Face hub, split test, as JSON lines)" ;;
    arc_easy) names=(ARC-Easy-Test.jsonl arc_easy.jsonl) from="AI2, ARC-V1-Feb2018.zip (or allenai/ai2_arc of the Hugging Face hub; arc_easy.jsonl is that of llm-foundry)" ;;
    boolq) names=(boolq.jsonl) from="SuperGLUE, BoolQ/val.jsonl of BoolQ.zip, as boolq.jsonl" ;;
    gsm8k) names=(gsm8k.jsonl) from="OpenAI, grade-school-math, data/test.jsonl, as gsm8k.jsonl" ;;
    hellaswag) names=(hellaswag_val.jsonl) from="Rowan Zellers, github rowanz/hellaswag, data/hellaswag_val.jsonl" ;;
    lambada) names=(lambada_test.jsonl lambada_openai.jsonl) from="OpenAI's lambada_test.jsonl (EleutherAI/lambada_openai of the Hugging Face hub; lambada_openai.jsonl is that of llm-foundry)" ;;
    piqa) names=(valid.jsonl) from="Yonatan Bisk, physicaliqa-train-dev.zip: valid.jsonl and valid-labels.lst" ;;
    winogrande) names=(dev.jsonl) from="AI2, winogrande_1.1.zip: dev.jsonl" ;;
    *) fail "unknown task '$1'; known tasks: ${known[*]}" 2 ;;
  esac
}

tasks=("$@")
if [ $# -eq 0 ]; then tasks=("${known[@]}"); fi
for task in "${tasks[@]}"; do describe "$task"; done
cache=$(realpath -m "${XW_CACHE:-$root/.cache}")/eval
released=$(realpath -m "${XW_EVAL:-$cache/released}")
command -v python3 >/dev/null || fail "this needs python3, which is not installed"
mkdir -p "$cache" || fail "cannot create $cache"
missing=0
for task in "${tasks[@]}"; do
  describe "$task"
  source=
  for name in "${names[@]}"; do
    if [ -z "$source" ] && [ -f "$released/$name" ]; then source=$released/$name; fi
  done
  if [ -z "$source" ]; then
    if [ -f "$cache/$task.jsonl" ]; then echo "$cache/$task.jsonl"; continue; fi
    echo "fetch_eval: $task: expected ${names[0]} in $released; from: $from" >&2
    missing=1
    continue
  fi
  labels=()
  if [ "$task" = piqa ]; then
    [ -f "$released/valid-labels.lst" ] || fail "piqa: expected valid-labels.lst beside $source"
    labels=(--labels "$released/valid-labels.lst")
  fi
  python3 "$root/scripts/eval_tasks.py" "$task" "$source" "${labels[@]}" -o "$cache/$task.jsonl" >&2
  echo "$cache/$task.jsonl"
done
exit $missing
