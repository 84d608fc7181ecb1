// Ctrl-C, once and twice.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/interrupt.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include "arch/support/error.hpp"
#include "arch/support/file.hpp"
#include "arch/support/progress.hpp"
#include "tests/unit/arch/temporary_folder.hpp"

namespace {

using xw::test::exit_status_of;
using xw::test::TemporaryFolder;

TEST(Interrupt, TheFirstSignalSetsTheFlagThatAdvanceThrowsFor) {
  const int status = exit_status_of([] {
    xw::install_interrupt_handler();
    if (xw::interrupt_requested()) return 1;
    xw::throw_if_interrupted();
    xw::Progress progress("compile", 10, "tiles");
    progress.advance();
    ::raise(SIGINT);
    if (!xw::interrupt_requested()) return 2;
    try {
      progress.advance();
    } catch (const xw::Error& error) {
      return error.code() == xw::ErrorCode::kInterrupted ? 0 : 3;
    }
    return 4;
  });
  EXPECT_EQ(status, 0);
}

TEST(Interrupt, TheSecondSignalRemovesTemporariesAndExits) {
  const TemporaryFolder folder;
  const int status = exit_status_of([&] {
    xw::install_interrupt_handler();
    xw::OutputFile file(folder / "out");
    file.write("x");
    ::raise(SIGINT);
    if (folder.names().size() != 1) return 1;
    ::raise(SIGTERM);
    return 2;
  });
  EXPECT_EQ(status, 128 + SIGTERM);
  EXPECT_TRUE(folder.names().empty());
}

}  // namespace
