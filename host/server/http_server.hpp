// OpenAI's HTTP interface in front of a model.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "host/server/completion_engine.hpp"

namespace xw::server {

struct ServerSettings {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;  ///< 0: any that is free
  std::string key;            ///< that requests must bear ("Authorization: Bearer KEY"); empty: none
  std::string model;          ///< name in answers
};

/// Whether only this machine can reach an address.
[[nodiscard]] bool is_loopback(const std::string& host);

/// GET /health, /v1/models, /tokenizer_info; POST /v1/completions, /v1/chat/completions, with streams, /tokenize, /detokenize. Without a key it answers only requests whose Host
/// is a name of this machine itself, so that no page of a browser can reach it under another name.
class HttpServer {
 public:
  /// Engine and tokenizer must outlive it. Throws Error{kInvalidArgument} for an address that others can reach without a key.
  HttpServer(CompletionEngine& engine, const tokenizer::Tokenizer& tokenizer, ServerSettings settings);
  ~HttpServer();
  /// Takes the port. Returns it. Throws Error{kIo} naming address and port if that fails.
  std::uint16_t bind();
  /// Answers until stop(). After bind().
  void serve();
  /// From any thread; what is being answered is ended.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace xw::server
