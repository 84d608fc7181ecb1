// Parses the statements of templates.
// SPDX-FileCopyrightText: The Crossweave authors
// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <initializer_list>

#include "host/tokenizer/jinja/expression_parser.hpp"
#include "host/tokenizer/jinja/syntax.hpp"
#include "host/tokenizer/jinja/token_stream.hpp"

namespace xw::tokenizer::jinja {
namespace {

using TokenKind = Token::Kind;
using Words = std::initializer_list<std::string_view>;

class Parser {
 public:
  Parser(std::vector<Token> tokens, Budget& budget) : tokens_(std::move(tokens), budget), expressions_(tokens_) {}

  Nodes parse_template() {
    Nodes nodes = parse_nodes({});
    if (!tokens_.is(TokenKind::kEnd)) throw_unsupported("an unmatched {% " + word_ahead() + " %}" + in_line());
    return nodes;
  }

 private:
  using Parse = void (Parser::*)(Node& node);

  [[nodiscard]] std::string word_ahead() const { return tokens_.peek(1).text.substr(0, 40); }
  [[nodiscard]] std::string in_line() const { return " in line " + std::to_string(tokens_.peek().line); }

  Node& add(Nodes& nodes, Node::Kind kind) {
    tokens_.budget().step();
    tokens_.budget().allocate(3 * sizeof(Node));  // while a vector grows, it is there twice
    nodes.emplace_back();
    nodes.back().kind = kind;
    return nodes.back();
  }

  /// Statements up to a block that starts with one of `ends` (not consumed), the end, or a block that ends another one.
  Nodes parse_nodes(Words ends) {
    const TokenStream::Level level(tokens_);
    Nodes nodes;
    for (;;) {
      if (tokens_.is(TokenKind::kText)) {
        tokens_.budget().allocate(tokens_.peek().text.size());
        add(nodes, Node::Kind::kText).text = tokens_.take().text;
      } else if (tokens_.is(TokenKind::kPrintBegin)) {
        tokens_.skip(1);
        Node& node = add(nodes, Node::Kind::kPrint);
        node.expression = expressions_.parse_tuple();
        tokens_.expect(TokenKind::kPrintEnd);
      } else if (tokens_.is(TokenKind::kBlockBegin)) {
        if (tokens_.peek(1).kind != TokenKind::kName) {
          tokens_.skip(1);
          tokens_.fail("a statement");
        }
        const std::string& word = tokens_.peek(1).text;
        const bool ends_other = word.starts_with("end") || word == "else" || word == "elif";
        if (ends_other || std::ranges::find(ends, word) != ends.end()) return nodes;
        parse_statement(nodes);
      } else {
        return nodes;
      }
    }
  }

  void parse_statement(Nodes& nodes) {
    struct Statement {
      std::string_view word;
      Node::Kind kind;
      Parse parse;
    };
    static constexpr std::array<Statement, 12> kStatements = {{
        {"if", Node::Kind::kIf, &Parser::parse_if},
        {"for", Node::Kind::kFor, &Parser::parse_for},
        {"set", Node::Kind::kSet, &Parser::parse_set},
        {"macro", Node::Kind::kMacro, &Parser::parse_macro},
        {"call", Node::Kind::kCall, &Parser::parse_call},
        {"filter", Node::Kind::kFilter, &Parser::parse_filter},
        {"with", Node::Kind::kWith, &Parser::parse_with},
        {"generation", Node::Kind::kScope, &Parser::parse_generation},
        {"block", Node::Kind::kScope, &Parser::parse_block},
        {"autoescape", Node::Kind::kScope, &Parser::parse_autoescape},
        {"break", Node::Kind::kBreak, &Parser::parse_jump},
        {"continue", Node::Kind::kContinue, &Parser::parse_jump},
    }};
    tokens_.skip(1);
    const std::string word = tokens_.peek().text;
    const auto* const it = std::ranges::find(kStatements, word, &Statement::word);
    if (it == kStatements.end()) return parse_unknown(nodes);
    tokens_.skip(1);
    (this->*it->parse)(add(nodes, it->kind));
    tokens_.expect(TokenKind::kBlockEnd);
  }

  /// What is not known throws when it is reached, which templates for several tools may never do.
  void parse_unknown(Nodes& nodes) {
    const std::string word = tokens_.peek().text.substr(0, 40);
    add(nodes, Node::Kind::kUnsupported).text = "{% " + word + " %}" + in_line();
    while (!tokens_.is(TokenKind::kBlockEnd)) {
      if (tokens_.is(TokenKind::kEnd)) tokens_.fail("the end of the tag");
      tokens_.skip(1);
    }
    tokens_.skip(1);
    const std::string end = "end" + word;
    if (!closes_later(end)) return;
    add(nodes, Node::Kind::kScope).body = parse_nodes({end});
    if (!tokens_.is_word(end, 1)) throw_unsupported("a block without {% " + end + " %}" + in_line());
    tokens_.skip(2);
    tokens_.expect(TokenKind::kBlockEnd);
  }

  [[nodiscard]] bool closes_later(const std::string& end) const {
    for (std::size_t ahead = 0; tokens_.peek(ahead).kind != TokenKind::kEnd; ++ahead) {
      tokens_.budget().step();
      if (tokens_.peek(ahead).kind == TokenKind::kBlockBegin && tokens_.is_word(end, ahead + 1)) return true;
    }
    return false;
  }

  /// The rest of the tag, statements, and the word of the block that ends them, which is one of `ends`.
  std::string parse_body(Nodes& body, Words ends) {
    tokens_.expect(TokenKind::kBlockEnd);
    body = parse_nodes(ends);
    if (!tokens_.is(TokenKind::kBlockBegin) || std::ranges::find(ends, tokens_.peek(1).text) == ends.end()) {
      throw_unsupported("a block without {% " + std::string(*(ends.end() - 1)) + " %}" + in_line());
    }
    tokens_.skip(1);
    return tokens_.expect_name();
  }

  void parse_if(Node& node) {
    ExpressionPtr condition = expressions_.parse_tuple();
    bool has_else = false;
    for (;;) {
      tokens_.budget().allocate(3 * sizeof(node.branches[0]));
      Nodes body;
      const std::string word = has_else ? parse_body(body, {"endif"}) : parse_body(body, {"elif", "else", "endif"});
      node.branches.emplace_back(std::move(condition), std::move(body));
      if (word == "endif") return;
      has_else = word == "else";
      condition = has_else ? nullptr : expressions_.parse_tuple();
    }
  }

  void parse_for(Node& node) {
    node.target = expressions_.parse_target();
    if (!node.target.member.empty()) tokens_.fail("a name");
    if (!tokens_.accept_word("in")) tokens_.fail("in");
    node.expression = expressions_.parse_iterated();
    if (tokens_.accept_word("if")) node.filter = expressions_.parse();
    node.is_recursive = tokens_.accept_word("recursive");
    ++loops_;
    const std::string word = parse_body(node.body, {"else", "endfor"});
    --loops_;
    if (word == "else") parse_body(node.alternative, {"endfor"});
  }

  void parse_set(Node& node) {
    node.target = expressions_.parse_target();
    if (tokens_.accept("=")) {
      node.expression = expressions_.parse_tuple();
      return;
    }
    if (tokens_.accept("|")) node.expression = expressions_.parse_filters_of_block();
    node.text = "block";
    parse_body(node.body, {"endset"});
  }

  void parse_with(Node& node) {
    while (!tokens_.is(TokenKind::kBlockEnd)) {
      tokens_.budget().allocate(3 * sizeof(node.assignments[0]));
      Target target = expressions_.parse_target();
      tokens_.expect("=");
      node.assignments.emplace_back(std::move(target), expressions_.parse());
      if (!tokens_.is(TokenKind::kBlockEnd)) tokens_.expect(",");
    }
    parse_body(node.body, {"endwith"});
  }

  /// The body of a function: jumps cannot leave it, and what it uses of its caller is noted.
  void parse_function_body(Node& node, Words ends) {
    const int loops = std::exchange(loops_, 0);
    expressions_.macros.push_back(&node.signature);
    parse_body(node.body, ends);
    expressions_.macros.pop_back();
    loops_ = loops;
  }

  void parse_macro(Node& node) {
    node.signature.name = tokens_.expect_name();
    tokens_.expect("(");
    expressions_.parse_parameters(node.signature);
    parse_function_body(node, {"endmacro"});
  }

  void parse_call(Node& node) {
    node.signature.name = "caller";
    if (tokens_.accept("(")) expressions_.parse_parameters(node.signature);
    node.expression = expressions_.parse();
    if (node.expression->kind != Expression::Kind::kCall) tokens_.fail("a call");
    parse_function_body(node, {"endcall"});
  }

  void parse_filter(Node& node) {
    node.expression = expressions_.parse_filters_of_block();
    parse_body(node.body, {"endfilter"});
  }

  /// Marks what the model says, for training; here it is only a scope.
  void parse_generation(Node& node) { parse_function_body(node, {"endgeneration"}); }

  void parse_block(Node& node) {
    tokens_.expect_name();
    while (tokens_.accept_word("scoped") || tokens_.accept_word("required")) continue;
    parse_function_body(node, {"endblock"});
    if (tokens_.is(TokenKind::kName)) tokens_.skip(1);
  }

  void parse_autoescape(Node& node) {
    if (!tokens_.accept_word("false") && !tokens_.accept_word("False")) tokens_.fail("false");
    parse_body(node.body, {"endautoescape"});
  }

  void parse_jump(Node&) {
    if (loops_ == 0) throw_unsupported("a jump outside of a loop" + in_line());
  }

  TokenStream tokens_;
  ExpressionParser expressions_;
  int loops_ = 0;
};

}  // namespace

Nodes parse(std::string_view source, Budget& budget) {
  return Parser(tokenize(source, budget), budget).parse_template();
}

}  // namespace xw::tokenizer::jinja
