// Names of what a simulation of the chip tells.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "systemc/chip/chip_result.hpp"

namespace xw::systemc {

std::string_view name(Component component) {
  switch (component) {
    case Component::kInputLink:
      return "input links";
    case Component::kDac:
      return "input converters";
    case Component::kCells:
      return "cells";
    case Component::kAdc:
      return "output converters";
    case Component::kRescale:
      return "rescaling";
    case Component::kOutputLink:
      return "output links";
    case Component::kHop:
      return "hops";
    case Component::kAccumulate:
      return "accumulators";
    case Component::kBuffer:
      return "activation buffer";
    case Component::kDigitalMac:
      return "digital multiply-adds";
    case Component::kDigitalExp:
      return "digital exponentials";
    case Component::kDigitalStart:
      return "starts of digital operations";
    case Component::kMemory:
      return "memory";
    case Component::kHostLink:
      return "host link";
    case Component::kChipLink:
      return "links between chips";
    case Component::kWrite:
      return "writing cells";
    case Component::kTileWait:
      return "waiting for tiles";
    case Component::kLinkWait:
      return "waiting for links";
    case Component::kDigitalWait:
      return "waiting for digital units";
    case Component::kOrderWait:
      return "waiting for earlier tokens";
    case Component::kRoundWait:
      return "waiting for the round";
    case Component::kStatic:
      return "static power";
  }
  return "?";
}

std::string_view name(Track track) {
  switch (track) {
    case Track::kTile:
      return "tile";
    case Track::kInputLink:
      return "input link";
    case Track::kOutputLink:
      return "output link";
    case Track::kAccumulator:
      return "accumulator";
    case Track::kBuffer:
      return "buffer";
    case Track::kDigital:
      return "digital units";
    case Track::kMemory:
      return "memory";
    case Track::kHostLink:
      return "host link";
    case Track::kChipLink:
      return "link between chips";
  }
  return "?";
}

}  // namespace xw::systemc
