// Any bytes are requests that are answered with bounded memory, or an xw::Error.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "arch/support/error.hpp"
#include "host/backends/xrt/emulation/server.hpp"
#include "tests/support/plain_card.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xw::xrt_emulation;
  std::span<const std::byte> bytes = std::as_bytes(std::span(data, size));
  xw::test::PlainCard card;
  ServerCounts counts;
  Answer made;
  try {
    while (bytes.size() >= kRequestHeaderBytes) {
      const RequestHeader header = parse_header(bytes.first<kRequestHeaderBytes>());
      bytes = bytes.subspan(kRequestHeaderBytes);
      if (header.payload_bytes > bytes.size()) return 0;
      answer(header.call, bytes.first(header.payload_bytes), card, counts, made);
      if (made.finish().size() > kMostReadBytes + 64) std::abort();
      bytes = bytes.subspan(header.payload_bytes);
    }
  } catch (const xw::Error&) {
  }
  return 0;
}
