// SPDX-License-Identifier: Apache-2.0

#include "config/yaml.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <tuple>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/pure/text.hpp"
#include "events/json_text.hpp"

namespace fairuse::yaml {

namespace {

place place_from(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
}

// Leaves the parser; caught in `parse`.
struct too_deep {
  place at;
};

// Builds our tree from the parser's events. An alias is an event of its own and refused where it stands; nothing is
// ever expanded, so a file of nested aliases costs nothing.
class tree_builder final : public YAML::EventHandler {
public:
  explicit tree_builder(diagnostics& out) : out_{out} {}

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    add({.kind = node_kind::null, .at = place_from(mark)});
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    out_.error(place_from(mark), "aliases (*name) are refused: write the value out");
    add({.kind = node_kind::null, .at = place_from(mark)});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    node scalar{.kind = node_kind::scalar, .quoted = tag == "!", .at = place_from(mark), .text = value};
    // The parser reports some empty values as scalars without text.
    if (not scalar.quoted and (value.empty() or value == "~" or value == "null")) scalar.kind = node_kind::null;
    add(std::move(scalar));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    open({.kind = node_kind::list, .at = place_from(mark)});
  }

  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    open({.kind = node_kind::map, .at = place_from(mark)});
  }

  void OnMapEnd() override { close(); }

  node take() { return std::move(root_); }

private:
  struct frame {
    node value;
    // Of a map: the key whose value comes next.
    std::optional<map_key> key;
    bool drop = false;
    // Line of every key so far: a megabyte of keys is searched too.
    std::map<std::string, std::uint32_t> lines = {};
  };

  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != 0) out_.error(place_from(mark), "anchors (&name) are refused: write the value out");
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    if (not tag.empty() and tag != "?" and tag != "!") out_.error(place_from(mark), "tags (" + tag + ") are refused");
  }

  void open(node value) {
    if (open_.size() >= nesting_max) throw too_deep{value.at};
    open_.push_back({.value = std::move(value)});
  }

  void close() {
    auto done = std::move(open_.back().value);
    open_.pop_back();
    add(std::move(done));
  }

  void add(node value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    auto& parent = open_.back();
    if (parent.value.kind == node_kind::list) {
      parent.value.items.push_back(std::move(value));
    } else if (not parent.key) {
      take_key(parent, value);
    } else {
      if (not parent.drop) {
        // The parser places an absent value where the next token begins; a message names the place of the key.
        if (value.kind == node_kind::null) value.at = parent.key->at;
        parent.value.keys.push_back(std::move(*parent.key));
        parent.value.items.push_back(std::move(value));
      }
      parent.key.reset();
    }
  }

  void take_key(frame& parent, const node& key) {
    parent.key = map_key{key.text, key.at};
    parent.drop = true;
    if (key.kind != node_kind::scalar) {
      out_.error(key.at, "a key must be text");
      return;
    }
    const auto [earlier, fresh] = parent.lines.emplace(key.text, key.at.line);
    if (not fresh)
      out_.error(key.at, "duplicate key '" + key.text + "', first on line " + std::to_string(earlier->second));
    parent.drop = not fresh;
  }

  diagnostics& out_;
  node root_;
  std::vector<frame> open_;
};

bool is_index(const std::string& name) {
  return not name.empty() and name.size() < 6
         and std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' and c <= '9'; });
}

std::size_t list_index(const node& of, const std::string& name) {
  for (std::size_t i = 0; i < of.items.size(); ++i)
    for (const auto* key : {"stage", "name"}) {
      const auto* value = of.items[i].find(key);
      if (value != nullptr and value->text == name) return i;
    }
  return is_index(name) ? std::stoul(name) : of.items.size();
}

/// Of a byte of `text`.
place place_in(std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n') + 1);
  return {line, static_cast<std::uint32_t>(at - before.rfind('\n'))};
}

// False: it was reported.
bool check_bytes(std::string_view text, diagnostics& out) {
  const auto control = std::find_if(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 and c != '\t' and c != '\n' and c != '\r';
  });
  if (control != text.end()) {
    out.error(place_in(text, static_cast<std::size_t>(control - text.begin())),
              "holds control characters; is it UTF-8 text?");
    return false;
  }
  const auto fault = find_utf8_fault(text);
  if (fault) out.error(place_in(text, *fault), "is no UTF-8; save the file in this encoding");
  return not fault;
}

} // namespace

std::string_view to_text(severity value) {
  switch (value) {
    case severity::error:
      return "error";
    case severity::warning:
      return "warning";
    case severity::note:
      break;
  }
  return "note";
}

std::string to_text(const diagnostic& value) {
  auto text = value.file;
  if (value.at.line != 0) text += ":" + std::to_string(value.at.line) + ":" + std::to_string(value.at.column);
  return text + ": " + std::string{to_text(value.level)} + ": " + value.message;
}

void diagnostics::error(place at, std::string message) { report(severity::error, at, std::move(message)); }

void diagnostics::report(severity level, place at, std::string message) {
  list_.push_back({level, file_, at, std::move(message)});
  if (level == severity::error) ++errors_;
}

void diagnostics::add(const diagnostics& other) {
  list_.insert(list_.end(), other.list_.begin(), other.list_.end());
  errors_ += other.errors_;
}

void diagnostics::sort() {
  std::stable_sort(list_.begin(), list_.end(), [](const diagnostic& left, const diagnostic& right) {
    return std::tie(left.file, left.at.line, left.at.column) < std::tie(right.file, right.at.line, right.at.column);
  });
}

std::string diagnostics::text() const {
  std::string lines;
  for (const auto& each : list_)
    lines += to_text(each) + "\n";
  return lines;
}

const node* node::find(std::string_view key) const {
  for (std::size_t i = 0; i < keys.size(); ++i)
    if (keys[i].text == key) return &items[i];
  return nullptr;
}

namespace {

// Of the first line that begins with one, perhaps after spaces.
std::optional<place> tab_in_indentation(std::string_view text) {
  for (std::uint32_t line = 1; not text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size() - 1);
    const auto begin = text.substr(0, end).find_first_not_of(' ');
    if (begin < end and text[begin] == '\t') return place{line, static_cast<std::uint32_t>(begin + 1)};
    text.remove_prefix(end + 1);
  }
  return std::nullopt;
}

} // namespace

std::optional<node> parse(std::string_view text, diagnostics& out) {
  if (text.size() > file_bytes_max) {
    out.error({}, "larger than 1 MiB, which no configuration is");
    return std::nullopt;
  }
  text = without_byte_order_mark(text);
  if (not check_bytes(text, out)) return std::nullopt;
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    tree_builder builder{out};
    if (not parser.HandleNextDocument(builder)) {
      out.error({}, "is empty");
      return std::nullopt;
    }
    auto root = builder.take();
    tree_builder second{out};
    if (parser.HandleNextDocument(second)) {
      const auto at = second.take().at;
      out.error(at, "a second YAML document begins here; a file holds one");
    }
    if (root.kind != node_kind::null) return root;
    out.error({}, "is empty");
  } catch (const too_deep& broken) {
    out.error(broken.at, "nested deeper than " + std::to_string(nesting_max) + " levels");
  } catch (const YAML::Exception& broken) {
    if (const auto tab = tab_in_indentation(text))
      out.error(*tab, "not YAML: a tab stands before the text of this line; YAML is indented with spaces");
    else
      out.error(place_from(broken.mark), "not YAML: " + broken.msg);
  } catch (const std::exception& broken) {
    out.error({}, std::string{"not YAML: "} + broken.what());
  }
  return std::nullopt;
}

std::optional<node> load(const std::filesystem::path& file, diagnostics& out) {
  std::error_code failed;
  const auto status = std::filesystem::status(file, failed);
  if (not std::filesystem::exists(status)) {
    out.error({}, "no such file");
    return std::nullopt;
  }
  if (std::filesystem::is_directory(status)) {
    out.error({}, "is a folder, not a file");
    return std::nullopt;
  }
  std::ifstream stream{file, std::ios::binary};
  if (not stream) {
    out.error({}, "cannot be opened");
    return std::nullopt;
  }
  // One byte more than allowed, so that `parse` notices; never the whole of an endless file.
  std::string text(file_bytes_max + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(stream.gcount()));
  if (stream.bad()) {
    out.error({}, "cannot be read");
    return std::nullopt;
  }
  return parse(text, out);
}

path split(std::string_view dotted) {
  path names;
  while (true) {
    const auto dot = dotted.find('.');
    names.emplace_back(dotted.substr(0, dot));
    if (dot == std::string_view::npos) return names;
    dotted.remove_prefix(dot + 1);
  }
}

std::string join(const path& names) {
  std::string text;
  for (const auto& name : names) {
    if (is_index(name))
      text += "[" + name + "]";
    else
      text += (text.empty() ? "" : ".") + name;
  }
  return text;
}

namespace {

// The node at `names` and whether all of them exist; else the last one on the way that does.
std::pair<const node*, bool> walk(const node& root, const path& names) {
  const auto* at = &root;
  for (const auto& name : names) {
    const node* next = at->find(name);
    if (at->kind == node_kind::list) {
      const auto index = list_index(*at, name);
      next = index < at->items.size() ? &at->items[index] : nullptr;
    }
    if (next == nullptr) return {at, false};
    at = next;
  }
  return {at, true};
}

} // namespace

place place_of(const node& root, const path& names) { return walk(root, names).first->at; }

const node* node_at(const node& root, const path& names) {
  const auto [at, found] = walk(root, names);
  return found ? at : nullptr;
}

bool assign(node& root, const path& names, std::string_view value) {
  auto* at = &root;
  for (const auto& name : names) {
    if (at->kind == node_kind::list) {
      const auto index = list_index(*at, name);
      if (index >= at->items.size()) return false;
      at = &at->items[index];
      continue;
    }
    if (at->kind == node_kind::null) *at = node{.kind = node_kind::map, .at = at->at};
    if (at->kind != node_kind::map) return false;
    const auto found =
        std::find_if(at->keys.begin(), at->keys.end(), [&](const map_key& each) { return each.text == name; });
    const auto index = static_cast<std::size_t>(found - at->keys.begin());
    if (found == at->keys.end()) {
      at->keys.push_back({name, at->at});
      at->items.push_back({.kind = node_kind::null, .at = at->at});
    }
    at = &at->items[index];
  }
  if (at->kind == node_kind::map or at->kind == node_kind::list) return false;
  *at = node{.kind = node_kind::scalar, .at = at->at, .text = std::string{value}};
  return true;
}

} // namespace fairuse::yaml
