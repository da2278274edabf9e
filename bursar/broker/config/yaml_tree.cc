#include "bursar/broker/config/yaml_tree.h"

#include <istream>
#include <map>
#include <optional>
#include <streambuf>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "bursar/core/json.h"

namespace bursar::broker {
namespace {

// Thrown through yaml-cpp only, and caught in this file.
struct Refused {
  int line, column;
  std::string why;
};

class ViewBuffer : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // a stream buffer that is only read from
    setg(begin, begin, begin + text.size());
  }
};

class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    place(node(mark, YamlNode::Kind::kNull), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode scalar = node(mark, YamlNode::Kind::kScalar);
    scalar.text = value;
    scalar.quoted = tag == "!";
    const std::size_t long_text = value.size() / 64;  // a long text weighs as much as many values, once aliased
    count(long_text, mark);
    place(std::move(scalar), anchor, 1 + long_text);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end())
      throw Refused{mark.line + 1, mark.column + 1, "the alias stands inside its own anchor"};
    count(found->second.nodes, mark);
    YamlNode copy = found->second.node;
    copy.line = mark.line + 1;
    copy.column = mark.column + 1;
    place(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(node(mark, YamlNode::Kind::kList), anchor, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(node(mark, YamlNode::Kind::kMap), anchor, mark);
  }
  void OnMapEnd() override { close(); }

  std::optional<YamlNode> root;

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor;
    std::size_t nodes_before;
    std::optional<YamlNode> key;
  };
  struct Anchored {
    YamlNode node;
    std::size_t nodes;
  };

  void count(std::size_t nodes, const YAML::Mark& mark) {
    nodes_ += nodes;
    if (nodes_ > kMaxYamlNodes) throw Refused{mark.line + 1, mark.column + 1, "more than 100000 values in all"};
  }

  YamlNode node(const YAML::Mark& mark, YamlNode::Kind kind) {
    count(1, mark);
    return {.kind = kind, .line = mark.line + 1, .column = mark.column + 1};
  }

  void open(YamlNode list_or_map, YAML::anchor_t anchor, const YAML::Mark& mark) {
    if (open_.size() >= kMaxYamlDepth) throw Refused{mark.line + 1, mark.column + 1, "deeper than 32 levels"};
    open_.push_back({std::move(list_or_map), anchor, nodes_ - 1, std::nullopt});
  }

  void close() {
    Open done = std::move(open_.back());
    open_.pop_back();
    const std::size_t nodes = nodes_ - done.nodes_before;
    if (done.anchor != 0) anchors_[done.anchor] = {done.node, nodes};
    place(std::move(done.node), 0);
  }

  void place(YamlNode value, YAML::anchor_t anchor, std::size_t weight = 1) {
    if (anchor != 0) anchors_[anchor] = {value, weight};
    if (open_.empty()) {
      root = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::kList) {
      parent.node.items.push_back(std::move(value));
    } else if (parent.key) {
      parent.node.keys.push_back(std::move(*parent.key));
      parent.node.items.push_back(std::move(value));
      parent.key.reset();
    } else {
      check_key(parent, value);
      parent.key = std::move(value);
    }
  }

  void check_key(const Open& parent, const YamlNode& key) {
    if (key.kind != YamlNode::Kind::kScalar) throw Refused{key.line, key.column, "a key must be a plain text"};
    if (parent.node.find(key.text) != nullptr) {
      throw Refused{key.line, key.column, key.text.substr(0, 64) + ": stands twice; keep one of them"};
    }
  }

  std::vector<Open> open_;
  std::map<YAML::anchor_t, Anchored> anchors_;
  std::size_t nodes_ = 0;
};

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 200)) out += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
  return out;
}

tl::unexpected<Error> refuse(std::string_view file, int line, int column, std::string_view why) {
  return invalid_argument(std::string(file) + ':' + std::to_string(line) + ':' + std::to_string(column) + ": " +
                          printable(why));
}

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].text == key) return &items[i];
  }
  return nullptr;
}

Result<YamlNode> parse_yaml(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxYamlBytes) return refuse(file_name, 1, 1, "longer than 1 MiB");
  if (!is_utf8(text)) return refuse(file_name, 1, 1, "not UTF-8");
  if (text.find('\0') != std::string_view::npos) return refuse(file_name, 1, 1, "holds a NUL byte");
  try {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    TreeBuilder builder;
    parser.HandleNextDocument(builder);
    YamlNode root = builder.root.value_or(YamlNode{});
    TreeBuilder second;
    if (parser.HandleNextDocument(second) && second.root && second.root->kind != YamlNode::Kind::kNull) {
      return refuse(file_name, second.root->line, second.root->column, "a second document; only one is read");
    }
    return root;
  } catch (const Refused& refused) {
    return refuse(file_name, refused.line, refused.column, refused.why);
  } catch (const YAML::Exception& error) {
    return refuse(file_name, error.mark.line + 1, error.mark.column + 1, "no valid YAML: " + error.msg);
  } catch (const std::exception& error) {
    return refuse(file_name, 1, 1, std::string("no valid YAML: ") + error.what());
  }
}

}  // namespace bursar::broker
