// Memory on large pages: pieces that are aligned, apart from one another, and alive as long as they are held.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "arch/support/large_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <set>
#include <thread>
#include <vector>

namespace xw {
namespace {

struct Piece {
  std::shared_ptr<std::byte> memory;
  std::size_t bytes;
  std::byte value;
};

void fill(Piece& piece) {
  std::fill_n(piece.memory.get(), piece.bytes, piece.value);
}
bool holds(const Piece& piece) {
  return std::all_of(piece.memory.get(), piece.memory.get() + piece.bytes,
                     [&](std::byte byte) { return byte == piece.value; });
}

TEST(LargeMemory, PiecesAreAlignedAndTheirOwn) {
  std::vector<Piece> pieces;
  int number = 0;
  for (const std::size_t bytes :
       {1UL, 63UL, 64UL, 65UL, 4097UL, (8UL << 20) - 1, 8UL << 20, (8UL << 20) + 1, 33UL << 20, 3UL}) {
    for (int copy = 0; copy < 2; ++copy) {
      pieces.push_back({large_memory(bytes), bytes, static_cast<std::byte>(++number)});
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(pieces.back().memory.get()) % 64, 0U) << bytes;
      fill(pieces.back());
    }
  }
  for (const Piece& piece : pieces) EXPECT_TRUE(holds(piece)) << piece.bytes;
  for (std::size_t i = 0; i < pieces.size(); i += 2) pieces[i].memory = nullptr;  // what is left lives on
  for (std::size_t i = 1; i < pieces.size(); i += 2) EXPECT_TRUE(holds(pieces[i])) << pieces[i].bytes;
}

TEST(LargeMemory, WhatWasAskedForLastIsUsedAgain) {
  if (kHasAddressSanitizer) GTEST_SKIP() << "every piece has memory of its own";
  const std::shared_ptr<std::byte> before = large_memory(100);
  std::shared_ptr<std::byte> piece = large_memory(5000);
  const std::byte* const place = piece.get();
  piece = nullptr;
  EXPECT_EQ(large_memory(3000).get(), place);
  const std::shared_ptr<std::byte> again = large_memory(1), last = large_memory(1);
  EXPECT_EQ(again.get(), place);
  EXPECT_NE(last.get(), place);
}

TEST(LargeMemory, PiecesOfASizeAreUsedAgain) {
  if (kHasAddressSanitizer) GTEST_SKIP() << "every piece has memory of its own";
  constexpr std::size_t kBytes = 300000;
  std::vector<Piece> pieces;
  pieces.reserve(50);
  for (int i = 0; i < 50; ++i) pieces.push_back({large_memory(kBytes), kBytes, static_cast<std::byte>(i)});
  std::set<const std::byte*> places;
  for (Piece& piece : pieces) {
    fill(piece);
    places.insert(piece.memory.get());
  }
  for (int round = 0; round < 20; ++round) {  // 15 MB are in use, 150 MB pass through
    for (std::size_t i = static_cast<std::size_t>(round) % 2; i < pieces.size(); i += 2) pieces[i].memory = nullptr;
    for (std::size_t i = static_cast<std::size_t>(round) % 2; i < pieces.size(); i += 2) {
      pieces[i].memory = large_memory(kBytes);
      fill(pieces[i]);
      places.insert(pieces[i].memory.get());
    }
  }
  EXPECT_LE(places.size(), 51U);
  for (const Piece& piece : pieces) EXPECT_TRUE(holds(piece));
}

TEST(LargeMemory, NothingIsAPieceToo) {
  EXPECT_NE(large_memory(0), nullptr);
}

TEST(LargeMemory, MoreThanThereIsIsRefused) {
  EXPECT_THROW(static_cast<void>(large_memory(SIZE_MAX)), std::bad_alloc);
  if (kHasAddressSanitizer) return;  // whose allocator ends the program
  EXPECT_THROW(static_cast<void>(large_memory(SIZE_MAX / 4)), std::bad_alloc);
}

TEST(LargeMemory, ThreadsGetPiecesOfTheirOwn) {
  constexpr int kThreads = 4, kPieces = 200;
  std::vector<std::vector<Piece>> pieces(kThreads);
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kPieces; ++i) {
        const std::size_t bytes = 1000 + static_cast<std::size_t>(i) * 997;
        pieces[t].push_back({large_memory(bytes), bytes, static_cast<std::byte>(t * 50 + i % 50)});
        fill(pieces[t].back());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::vector<Piece>& of_thread : pieces) {
    for (const Piece& piece : of_thread) ASSERT_TRUE(holds(piece));
  }
}

}  // namespace
}  // namespace xw
