#include "bursar/admit/log/log_forms.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "bursar/admit/auction/bid_log_form.h"
#include "bursar/admit/log/csv_log.h"
#include "bursar/admit/log/jsonl_log.h"

namespace bursar::admit {
namespace {

std::string_view without_blanks(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::size_t from = text.find_first_not_of(" \t\r\n");
  return from == std::string_view::npos ? std::string_view{} : text.substr(from);
}

bool begins_object(std::string_view text) { return without_blanks(text).starts_with('{'); }

bool begins_header(std::string_view text) {
  const char c = without_blanks(text).empty() ? '0' : without_blanks(text).front();
  return c == '"' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// The source with `begin` before it.
allocate::ByteSource after(std::string begin, allocate::ByteSource rest) {
  auto front = std::make_shared<std::string>(std::move(begin));
  auto at = std::make_shared<std::size_t>(0);
  return {.read = [front, at, rest = std::move(rest)](std::span<char> to) -> Result<std::size_t> {
    if (*at == front->size()) return rest.read(to);
    const std::size_t n = std::min(to.size(), front->size() - *at);
    std::memcpy(to.data(), front->data() + *at, n);
    *at += n;
    return n;
  }};
}

}  // namespace

std::span<const LogForm> log_forms() {
  static const std::array forms{
      LogForm{
          .name = "csv", .about = "a row an option, columns by name", .begins = &begins_header, .open = &open_csv_log},
      LogForm{.name = "jsonl",
              .about = "an object a request, one a line",
              .begins = &begins_object,
              .open = &open_jsonl_log},
      LogForm{.name = "auctions",
              .about = "click, market price and predicted chance, an auction a line",
              .begins = &begins_auctions,
              .open = &open_auction_log}};
  return forms;
}

Result<std::unique_ptr<LogReader>> open_log(allocate::ByteSource source, const LogOptions& options) {
  auto plain = inflated(std::move(source));
  if (!plain) return tl::unexpected(plain.error());
  std::string names;
  for (const LogForm& form : log_forms()) names += (names.empty() ? "" : ", ") + std::string(form.name);
  if (!options.form.empty()) {
    const auto found = std::ranges::find(log_forms(), options.form, &LogForm::name);
    if (found == log_forms().end()) {
      return invalid_argument("there is no form of log '" + options.form + "'; there are " + names);
    }
    return found->open(std::move(*plain), options);
  }
  std::string begin(4096, '\0');
  auto got = allocate::read_full(*plain, begin);
  if (!got) return tl::unexpected(got.error());
  begin.resize(*got);
  if (begin.empty()) return invalid_argument("the log is empty");
  for (const LogForm& form : log_forms()) {
    if (form.begins(begin)) return form.open(after(std::move(begin), std::move(*plain)), options);
  }
  return invalid_argument("the log begins like none of the forms " + names + "; say which it is");
}

}  // namespace bursar::admit
