// What the rendering of a template may cost.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/jinja/budget.hpp"

#include <string>

#include "arch/support/error.hpp"
#include "arch/support/interrupt.hpp"

namespace xw::tokenizer::jinja {
namespace {

constexpr std::uint64_t kStepsBetweenChecks = 4096;

[[noreturn]] void throw_limit(const std::string& what) {
  throw Error(ErrorCode::kUnsupported,
              "chat template: needs more than " + what + ", which is the limit of one template");
}

}  // namespace

void Budget::throw_steps() const {
  throw_limit(std::to_string(limits_.steps) + " steps");
}

void Budget::throw_bytes() const {
  throw_limit(std::to_string(limits_.bytes) + " bytes of memory");
}

void Budget::check_interrupt() {
  throw_if_interrupted();
  next_check_ = steps_ + kStepsBetweenChecks;
}

}  // namespace xw::tokenizer::jinja
