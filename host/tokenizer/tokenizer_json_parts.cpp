// The parts of a Hugging Face tokenizer.json that surround its vocabulary: normalizer, pre-tokenizer, post-processor.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "host/tokenizer/tokenizer_json_parts.hpp"

#include "arch/support/error.hpp"
#include "host/tokenizer/pre_tokenizers.hpp"
#include "host/tokenizer/unicode/utf8.hpp"

namespace xw::tokenizer {
namespace {

constexpr const char* kMetaspaceSplit =
    "\xE2\x96\x81[^\xE2\x96\x81]*|[^\xE2\x96\x81]+";  // a piece starts at every U+2581

[[noreturn]] void unsupported(const std::string& what) {
  throw Error(ErrorCode::kUnsupported, what);
}

/// The members of a (nested) "Sequence", or the node itself.
std::vector<const Json*> flatten(const Json& node, const char* list_key, const std::string& place) {
  std::vector<const Json*> result;
  if (node.is_null()) return result;
  if (string_member(node, "type", place) != "Sequence") return {&node};
  const Json& list = member(node, list_key);
  if (!list.is_array()) throw Error(ErrorCode::kFormat, place + ": a Sequence without \"" + list_key + "\"");
  for (const Json& item : list) {
    if (string_member(item, "type", place) == "Sequence") unsupported(place + ": nested Sequences are not supported");
    result.push_back(&item);
  }
  return result;
}

std::string escape_regex(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (std::string_view("\\^$.|?*+()[]{}-/#").find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

/// What the pipeline does to spaces; a SentencePiece vocabulary needs them visible.
struct Spaces {
  bool visible = false;
  bool byte_level = false;
};

void read_normalizer(const Json& node, TokenizerData& data, Spaces& spaces, const std::string& place) {
  const std::string type = string_member(node, "type", place);
  if (type == "Prepend" && string_member(node, "prepend", place) == kSpaceSymbol) {
    data.add_space_prefix = true;
    data.space_prefix_rule = SpacePrefixRule::kEverySegment;
  } else if (type == "Replace" && member(member(node, "pattern"), "String") == " " &&
             member(node, "content") == kSpaceSymbol) {
    spaces.visible = true;
  } else if (type == "NFC") {
    data.normalize_nfc = true;
  } else {
    unsupported(place + " " + node.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 120) +
                " is not supported; NFC, Prepend(U+2581) and Replace(space by U+2581) are");
  }
}

void read_metaspace(const Json& node, TokenizerData& data, const std::string& place) {
  if (string_member(node, "replacement", place) != kSpaceSymbol)
    unsupported(place + ": a Metaspace replacement other than U+2581 is not supported");
  std::string scheme = bool_member(node, "add_prefix_space", true, place) ? "always" : "never";
  if (!member(node, "prepend_scheme").is_null()) scheme = string_member(node, "prepend_scheme", place);
  if (scheme == "first" || scheme == "always") {
    data.add_space_prefix = true;
    data.space_prefix_rule =
        scheme == "first" ? SpacePrefixRule::kFirstSegmentUnlessSpace : SpacePrefixRule::kEverySegmentUnlessSpace;
  } else if (scheme != "never") {
    unsupported(place + ": Metaspace prepend_scheme \"" + scheme.substr(0, 40) +
                "\" is not supported; first, always and never are");
  }
  if (bool_member(node, "split", true, place)) data.split_regexes.emplace_back(kMetaspaceSplit);
}

void read_split(const Json& node, TokenizerData& data, const Spaces& spaces, const std::string& place) {
  const bool at_spaces = member(member(node, "pattern"), "String") == " " && !bool_member(node, "invert", false, place);
  if (spaces.visible && at_spaces) return;  // none is left to split at
  const std::string behavior = string_member(node, "behavior", place);
  if (behavior != "Isolated")
    unsupported(place + ": Split behavior \"" + behavior.substr(0, 40) + "\" is not supported; Isolated is");
  const Json& pattern = member(node, "pattern");
  if (pattern.contains("Regex")) {
    data.split_regexes.push_back(string_member(pattern, "Regex", place));
  } else {
    data.split_regexes.push_back(escape_regex(string_member(pattern, "String", place)));
  }
}

void read_pre_tokenizer(const Json& node, TokenizerData& data, Spaces& spaces, const std::string& place) {
  if (spaces.byte_level) unsupported(place + ": a step after ByteLevel is not supported");
  const std::string type = string_member(node, "type", place);
  if (type == "ByteLevel") {
    spaces.byte_level = true;
    if (bool_member(node, "add_prefix_space", true, place)) {
      if (!data.split_regexes.empty())
        unsupported(place + ": ByteLevel add_prefix_space after another split is not supported");
      data.add_space_prefix = true;
      data.space_prefix_rule = SpacePrefixRule::kEverySegmentUnlessSpace;
    }
    if (bool_member(node, "use_regex", true, place)) data.split_regexes.emplace_back(gpt2_regex());
  } else if (type == "Split") {
    read_split(node, data, spaces, place);
  } else if (type == "Digits") {
    data.split_regexes.emplace_back(bool_member(node, "individual_digits", false, place) ? R"(\p{N})" : R"(\p{N}+)");
  } else if (type == "Metaspace") {
    spaces.visible = true;
    read_metaspace(node, data, place);
  } else {
    unsupported(place + " \"" + type.substr(0, 40) + "\" is not supported; ByteLevel, Digits, Metaspace and Split are");
  }
}

TokenId id_of(const Json& token, const TokenIdsByText& ids, const std::string& place) {
  const std::string text = string_member(token, "id", place);
  const auto it = ids.find(text);
  if (it == ids.end())
    throw Error(ErrorCode::kFormat, place + " names the unknown token \"" + text.substr(0, 80) + "\"");
  return it->second;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& origin) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    throw Error(ErrorCode::kFormat, origin + ": " + error.what());
  }
}

const Json& member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  const auto it = object.find(key);
  return it == object.end() ? kNull : *it;
}

std::string string_member(const Json& object, const char* key, const std::string& place) {
  const Json& value = member(object, key);
  if (!value.is_string())
    throw Error(ErrorCode::kFormat, place + ": \"" + key + "\" is " + value.type_name() + ", expected a string");
  return value.get<std::string>();
}

bool bool_member(const Json& object, const char* key, bool absent, const std::string& place) {
  const Json& value = member(object, key);
  if (value.is_null()) return absent;
  if (!value.is_boolean())
    throw Error(ErrorCode::kFormat, place + ": \"" + key + "\" is " + value.type_name() + ", expected true or false");
  return value.get<bool>();
}

void read_text_pipeline(const Json& root, TokenizerData& data, const std::string& origin) {
  Spaces spaces;
  const std::string normalizer_place = origin + ": normalizer";
  for (const Json* node : flatten(member(root, "normalizer"), "normalizers", normalizer_place)) {
    read_normalizer(*node, data, spaces, normalizer_place);
  }
  const bool visible_spaces_first = spaces.visible || data.add_space_prefix;
  const std::string place = origin + ": pre_tokenizer";
  for (const Json* node : flatten(member(root, "pre_tokenizer"), "pretokenizers", place)) {
    read_pre_tokenizer(*node, data, spaces, place);
  }
  if (spaces.byte_level) {
    if (visible_spaces_first || spaces.visible)
      unsupported(origin + ": U+2581 for spaces together with ByteLevel is not supported");
    data.algorithm = Algorithm::kByteLevelBpe;
    data.pre_tokenizer = name_of_regexes(data.split_regexes);
  } else if (spaces.visible) {
    data.algorithm = Algorithm::kSentencePieceBpe;
  } else {
    unsupported(origin +
                ": the pre-tokenizer is neither byte-level (ByteLevel) nor SentencePiece-like (Metaspace or Replace)");
  }
}

void read_post_processor(const Json& root, const TokenIdsByText& ids, TokenizerData& data, const std::string& origin) {
  const std::string place = origin + ": post_processor";
  for (const Json* node : flatten(member(root, "post_processor"), "processors", place)) {
    const std::string type = string_member(*node, "type", place);
    if (type == "ByteLevel") continue;  // offsets only
    if (type != "TemplateProcessing")
      unsupported(place + " \"" + type.substr(0, 40) + "\" is not supported; ByteLevel and TemplateProcessing are");
    bool before_text = true;
    for (const Json& item : member(*node, "single")) {
      if (item.contains("Sequence")) {
        before_text = false;
        continue;
      }
      const TokenId id = id_of(member(item, "SpecialToken"), ids, place);
      bool& add = before_text ? data.add_bos : data.add_eos;
      if (add) unsupported(place + ": more than one special token on a side of the text is not supported");
      add = true;
      (before_text ? data.bos : data.eos) = id;
    }
  }
}

}  // namespace xw::tokenizer
