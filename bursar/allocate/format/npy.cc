#include "bursar/allocate/format/npy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

namespace bursar::allocate {
namespace {

constexpr std::size_t kMostHeaderBytes = 1 << 16;
constexpr std::size_t kPieceNumbers = 1 << 17;
constexpr std::int64_t kExact = std::int64_t{1} << 53;

enum class NumberType : std::uint8_t { kFloat64, kFloat32, kInt64 };

struct Header {
  NumberType type = NumberType::kFloat64;
  std::uint64_t rows = 0, columns = 0, bytes = 0;  // bytes: of the header itself
  [[nodiscard]] std::size_t width() const { return type == NumberType::kFloat32 ? 4 : 8; }
};

// Reads the header's dictionary literal: {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }
class Literal {
 public:
  explicit Literal(std::string_view text) : text_(text) {}
  void skip() { text_.remove_prefix(std::min(text_.size(), text_.find_first_not_of(" \t\r\n"))); }
  bool take(std::string_view token) {
    skip();
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  std::optional<std::string_view> quoted() {
    skip();
    if (text_.empty() || (text_[0] != '\'' && text_[0] != '"')) return std::nullopt;
    const std::size_t end = text_.find(text_[0], 1);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view inside = text_.substr(1, end - 1);
    text_.remove_prefix(end + 1);
    return inside;
  }
  std::optional<std::uint64_t> number() {
    skip();
    std::uint64_t n = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), n);
    if (error != std::errc{}) return std::nullopt;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return n;
  }
  [[nodiscard]] bool at_end() {
    skip();
    return text_.empty();
  }

 private:
  std::string_view text_;
};

std::string clean(std::string_view text) {
  std::string out(text.substr(0, 40));
  for (char& c : out) c = static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) > '~' ? '?' : c;
  return out;
}

Result<std::vector<std::uint64_t>> shape_of(Literal& literal) {
  std::vector<std::uint64_t> shape;
  bool ends = !literal.take("(");
  while (!ends && !literal.take(")")) {
    const auto n = literal.number();
    if (!n || shape.size() == 32) return invalid_argument("the header's shape is no tuple of numbers");
    shape.push_back(*n);
    if (literal.take(",")) continue;
    if (!literal.take(")")) return invalid_argument("the header's shape is no tuple of numbers");
    ends = true;
  }
  return shape;
}

Result<void> read_type(std::string_view descr, Header& header) {
  if (descr == "<f8" || descr == "f8") return header.type = NumberType::kFloat64, Result<void>();
  if (descr == "<f4" || descr == "f4") return header.type = NumberType::kFloat32, Result<void>();
  if (descr == "<i8" || descr == "i8") return header.type = NumberType::kInt64, Result<void>();
  return invalid_argument("its numbers are of type '" + clean(descr) +
                          "'; it must be float64, float32 or int64 in little-endian: save a.astype('<f8')");
}

Result<Header> parse_dictionary(std::string_view text) {
  Header header;
  Literal literal(text);
  bool typed = false, ordered = false;
  std::optional<std::vector<std::uint64_t>> shape;
  if (!literal.take("{")) return invalid_argument("the header is no dictionary");
  while (!literal.take("}")) {
    const auto key = literal.quoted();
    if (!key || !literal.take(":"))
      return invalid_argument("the header is no dictionary of descr, fortran_order and shape");
    if (*key == "descr" && !typed) {
      const auto descr = literal.quoted();
      if (!descr) return invalid_argument("its numbers are of a compound type; it must be float64, float32 or int64");
      if (auto ok = read_type(*descr, header); !ok) return tl::unexpected(ok.error());
      typed = true;
    } else if (*key == "fortran_order" && !ordered) {
      if (literal.take("True"))
        return invalid_argument("it is in Fortran order; save numpy.ascontiguousarray(a) instead");
      if (!literal.take("False")) return invalid_argument("the header's fortran_order is neither True nor False");
      ordered = true;
    } else if (*key == "shape" && !shape) {
      auto read = shape_of(literal);
      if (!read) return tl::unexpected(read.error());
      shape = std::move(*read);
    } else {
      return invalid_argument("the header's key '" + clean(*key) + "' is unknown or stands twice");
    }
    (void)literal.take(",");
    if (literal.at_end()) return invalid_argument("the header's dictionary does not end");
  }
  if (!typed || !ordered || !shape) return invalid_argument("the header lacks descr, fortran_order or shape");
  if (shape->size() != 2) {
    return invalid_argument("it has " + std::to_string(shape->size()) +
                            " dimensions; it must have two: items and options");
  }
  header.rows = (*shape)[0];
  header.columns = (*shape)[1];
  return header;
}

Result<Header> read_header(const ByteSource& source) {
  std::array<char, 12> start{};
  auto got = read_full(source, std::span(start).first(8));
  if (!got) return tl::unexpected(got.error());
  if (*got < 8 || std::memcmp(start.data(), "\x93NUMPY", 6) != 0)
    return invalid_argument("it is no .npy file: it does not begin with \\x93NUMPY");
  const auto version = static_cast<unsigned char>(start[6]);
  if (version < 1 || version > 3) return invalid_argument("its format version is unknown; it must be 1, 2 or 3");
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  if (got = read_full(source, std::span(start).subspan(8, length_bytes)); !got) return tl::unexpected(got.error());
  if (*got < length_bytes) return invalid_argument("it ends within its header");
  std::size_t length = 0;
  for (std::size_t k = length_bytes; k-- > 0;) length = length << 8 | static_cast<unsigned char>(start[8 + k]);
  if (length > kMostHeaderBytes)
    return invalid_argument("its header is " + std::to_string(length) + " bytes long; more than 65536 are not read");
  std::string text(length, '\0');
  if (got = read_full(source, text); !got) return tl::unexpected(got.error());
  if (*got < length) return invalid_argument("it ends within its header");
  auto header = parse_dictionary(text);
  if (header) header->bytes = 8 + length_bytes + length;
  return header;
}

Result<void> append(std::vector<double>& to, std::span<const char> raw, const Header& header) {
  const std::size_t n = raw.size() / header.width(), before = to.size();
  to.resize(before + n);
  double* out = to.data() + before;
  if (header.type == NumberType::kFloat64) {
    std::memcpy(out, raw.data(), raw.size());
    return {};
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (header.type == NumberType::kFloat32) {
      float x = 0;
      std::memcpy(&x, raw.data() + i * sizeof x, sizeof x);
      out[i] = static_cast<double>(x);
      continue;
    }
    std::int64_t x = 0;
    std::memcpy(&x, raw.data() + i * sizeof x, sizeof x);
    if (x > kExact || x < -kExact) {
      const std::uint64_t at = before + i;
      return invalid_argument("row " + std::to_string(at / header.columns) + ", column " +
                              std::to_string(at % header.columns) + ": is " + std::to_string(x) +
                              "; whole numbers beyond 2^53 need a larger unit");
    }
    out[i] = static_cast<double>(x);
  }
  return {};
}

Result<void> check_numbers(const NumberArray& array, std::string_view what, Sign sign) {
  for (std::size_t k = 0; k < array.numbers.size(); ++k) {
    const double x = array.numbers[k];
    if (std::abs(x) <= kLargestNumber && (x >= 0 || sign == Sign::kAny)) continue;
    return invalid_argument(std::string(what) + ", row " + std::to_string(k / array.columns) + ", column " +
                            std::to_string(k % array.columns) + ": " + why_refused(x, sign));
  }
  return {};
}

}  // namespace

Result<NumberArray> read_npy(const ByteSource& source, const ReadLimits& limits) {
  auto header = read_header(source);
  if (!header) return tl::unexpected(header.error());
  const std::string shape = std::to_string(header->rows) + " x " + std::to_string(header->columns);
  if (header->rows == 0 || header->columns == 0) return invalid_argument("its shape is " + shape + ": it is empty");
  if (header->rows > limits.max_options / header->columns) {
    return fail(ErrorCode::kExhausted,
                "its shape is " + shape + "; at most " + std::to_string(limits.max_options) + " numbers are read");
  }
  NumberArray array{.rows = header->rows, .columns = header->columns, .numbers = {}};
  std::uint64_t left = header->rows * header->columns;
  const auto too_short = [&] { return invalid_argument("its shape is " + shape + ", and it ends before that"); };
  if (source.size) {
    if (*source.size < header->bytes || (*source.size - header->bytes) / header->width() < left) return too_short();
    array.numbers.reserve(left);
  }
  std::vector<char> piece(std::min<std::uint64_t>(kPieceNumbers, left) * header->width());
  std::uint64_t bytes = header->bytes;
  while (left > 0) {
    const auto wanted = std::span(piece).first(std::min<std::uint64_t>(kPieceNumbers, left) * header->width());
    auto got = read_full(source, wanted);
    if (!got) return tl::unexpected(got.error());
    if (*got < wanted.size()) return too_short();
    if (auto ok = append(array.numbers, wanted, *header); !ok) return tl::unexpected(ok.error());
    left -= wanted.size() / header->width();
    bytes += wanted.size();
    if (limits.go_on && !limits.go_on(bytes, array.numbers.size()))
      return fail(ErrorCode::kCancelled, "the reading was ended after " + std::to_string(bytes) + " bytes");
  }
  auto rest = read_full(source, std::span(piece).first(1));
  if (!rest) return tl::unexpected(rest.error());
  if (*rest != 0) return invalid_argument("its shape is " + shape + ", and it goes on behind that");
  return array;
}

Result<StatedProblem> problem_from_arrays(NumberArray value, std::vector<NumberArray> costs) {
  if (costs.empty()) return invalid_argument("values without costs; give one array of costs for every resource");
  if (auto ok = check_numbers(value, "values", Sign::kAny); !ok) return tl::unexpected(ok.error());
  for (std::size_t r = 0; r < costs.size(); ++r) {
    const std::string what = costs.size() == 1 ? "costs" : "costs " + std::to_string(r);
    if (costs[r].rows != value.rows || costs[r].columns != value.columns) {
      return invalid_argument(what + " are " + std::to_string(costs[r].rows) + " x " +
                              std::to_string(costs[r].columns) + ", and values " + std::to_string(value.rows) + " x " +
                              std::to_string(value.columns) + "; they must be the same");
    }
    if (auto ok = check_numbers(costs[r], what, Sign::kNotNegative); !ok) return tl::unexpected(ok.error());
  }
  StatedProblem stated;
  stated.problem.width = value.columns;
  stated.problem.value = std::move(value.numbers);
  stated.problem.cost = std::move(costs[0].numbers);
  if (costs.size() > 1) stated.problem.cost.reserve(costs.size() * stated.problem.value.size());
  for (std::size_t r = 1; r < costs.size(); ++r) {
    stated.problem.cost.insert(stated.problem.cost.end(), costs[r].numbers.begin(), costs[r].numbers.end());
    costs[r].numbers = {};
  }
  return stated;
}

}  // namespace bursar::allocate
