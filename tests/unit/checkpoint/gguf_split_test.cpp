// Split GGUF models: whole from any part, or an error that names what is missing.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include "compiler/checkpoint/gguf_split.hpp"

#include <gtest/gtest.h>

#include "compiler/checkpoint/checkpoint.hpp"
#include "tests/support/expect_error.hpp"
#include "tests/unit/checkpoint/builders.hpp"

namespace xw::checkpoint {
namespace {

using test::Bytes;
using test::GgufBuilder;
using test::TemporaryDirectory;
using test::TinyModel;
using xw::test::expect_error;

constexpr std::uint32_t kUint16 = 2;
constexpr std::uint32_t kInt32 = 5;

void add_split(GgufBuilder& builder, std::uint16_t number, std::uint16_t count, std::int32_t tensors) {
  Bytes bytes;
  test::append(bytes, number);
  builder.add_raw("split.no", kUint16, bytes);
  bytes.clear();
  test::append(bytes, count);
  builder.add_raw("split.count", kUint16, bytes);
  bytes.clear();
  test::append(bytes, tensors);
  builder.add_raw("split.tensors.count", kInt32, bytes);
}

std::string name_of(int part, const std::string& count = "3") {
  return "tiny-0000" + std::to_string(part) + "-of-0000" + count + ".gguf";
}

/// An untied model of the llama family in three parts: all layers, nothing, the output matrix.
struct Parts {
  TinyModel model = test::tiny_model("llama");
  std::vector<float> head = test::make_tensor("lm_head.weight", {20, 16}).values;
  TemporaryDirectory directory;

  explicit Parts(std::int32_t claimed_tensors = 21) {
    GgufBuilder first = test::tiny_gguf(model);
    add_split(first, 0, 3, claimed_tensors);
    GgufBuilder second;
    add_split(second, 1, 3, claimed_tensors);
    GgufBuilder third;
    add_split(third, 2, 3, claimed_tensors);
    third.add_tensor("output.weight", {20, 16}, 0, test::float_bytes(head));
    directory.write(name_of(1), first.build());
    directory.write(name_of(2), second.build());
    directory.write(name_of(3), third.build());
  }
  [[nodiscard]] std::filesystem::path part(int number) const { return directory.path() / name_of(number); }
};

void expect_open_failure(const std::filesystem::path& path, ErrorCode code, const std::string& text) {
  expect_error(code, text, [&] { static_cast<void>(open_checkpoint(path)); });
}

TEST(GgufSplit, EveryPartOpensTheWholeModel) {
  const Parts parts;
  for (const int number : {1, 2, 3}) {
    EXPECT_EQ(first_gguf_part(parts.part(number)), parts.part(1));
    const std::unique_ptr<Checkpoint> checkpoint = open_checkpoint(parts.part(number));
    EXPECT_FALSE(checkpoint->config().tied_embeddings);
    EXPECT_EQ(checkpoint->tensors().size(), 21U);
    EXPECT_EQ(checkpoint->resolve("lm_head.weight")->tensor, "output.weight");
    const Tensor& head = checkpoint->tensors().at("output.weight");
    EXPECT_EQ(read_all(head), parts.head);
    EXPECT_NE(head.location.find(name_of(3) + "@"), std::string::npos) << head.location;
    checkpoint->release(head);
    EXPECT_EQ(read_all(head), parts.head) << "after release";
    for (const auto& [name, tensor] : parts.model.canonical) {
      EXPECT_EQ(read_all(checkpoint->tensors().at(checkpoint->resolve(name)->tensor)), tensor.values) << name;
    }
    EXPECT_NO_THROW(ir::verify(import_graph(*checkpoint)));
  }
}

TEST(GgufSplit, AMissingPartIsNamedAndNeverTakenAsTied) {
  for (const int missing : {1, 2, 3}) {
    const Parts parts;
    std::filesystem::remove(parts.part(missing));
    for (const int number : {1, 2, 3}) {
      if (number == missing) continue;
      expect_open_failure(
          parts.part(number), ErrorCode::kFileNotFound,
          name_of(missing) + ": part " + std::to_string(missing) + " of 3 of a split GGUF model is missing");
    }
  }
}

TEST(GgufSplit, PartsThatDoNotBelongTogetherAreRefused) {
  const Parts parts;
  std::filesystem::copy_file(parts.part(3), parts.part(2), std::filesystem::copy_options::overwrite_existing);
  expect_open_failure(parts.part(1), ErrorCode::kFormat,
                      name_of(2) + ": expected part 2 of 3 of a split GGUF model, found part 3 of 3");
  const Parts renamed;
  std::filesystem::rename(renamed.part(1), renamed.directory.path() / "sha256-abc");
  expect_open_failure(renamed.directory.path() / "sha256-abc", ErrorCode::kFileNotFound,
                      "is part 1 of 3 of a split GGUF model; expected a name that ends in -00001-of-00003.gguf");
  const Parts fewer(30);
  expect_open_failure(fewer.part(1), ErrorCode::kFormat, "expected 30 tensors in the 3 parts, found 21");
}

TEST(GgufSplit, ATensorInTwoPartsIsRefused) {
  const Parts parts;
  GgufBuilder second;
  add_split(second, 1, 3, 22);
  second.add_tensor("output.weight", {20, 16}, 0, test::float_bytes(parts.head));
  parts.directory.write(name_of(2), second.build());
  expect_open_failure(parts.part(1), ErrorCode::kFormat, "expected each tensor in one part, found it also at");
}

TEST(GgufSplit, ImpossibleNumbersAreRefused) {
  const TemporaryDirectory directory;
  GgufBuilder builder = test::tiny_gguf(test::tiny_model("llama"));
  add_split(builder, 3, 3, 20);
  expect_open_failure(directory.write(name_of(1), builder.build()), ErrorCode::kFormat,
                      "expected \"split.no\" below \"split.count\" of at most 65535, found 3 and 3");
  GgufBuilder whole = test::tiny_gguf(test::tiny_model("llama"));
  add_split(whole, 0, 1, 20);
  EXPECT_TRUE(open_checkpoint(directory.write("whole.gguf", whole.build()))->config().tied_embeddings);
}

}  // namespace
}  // namespace xw::checkpoint
