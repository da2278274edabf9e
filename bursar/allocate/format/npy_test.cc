#include "bursar/allocate/format/npy.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

namespace bursar::allocate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string file(std::string_view dictionary, std::string_view data, char version = 1) {
  std::string header(dictionary);
  header += '\n';
  std::string out = std::string("\x93NUMPY") + version + std::string(1, '\0');
  for (int k = 0; k < (version == 1 ? 2 : 4); ++k) out += static_cast<char>((header.size() >> (8 * k)) & 255U);
  return out + header + std::string(data);
}

template <class T>
std::string bytes(std::initializer_list<T> numbers) {
  return {reinterpret_cast<const char*>(std::data(numbers)), numbers.size() * sizeof(T)};
}

std::string refusal(const std::string& text) {
  const auto r = read_npy(from_text(text, 5));
  return r ? "accepted" : r.error().message;
}

constexpr const char* kDoubles = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }";

TEST(Npy, ReadsTheThreeTypesAndVersions) {
  for (const char version : {1, 2, 3}) {
    const auto r = read_npy(from_text(file(kDoubles, bytes({1.5, 2., 3., 4.}), version)));
    ASSERT_TRUE(r) << r.error().message;
    EXPECT_EQ(r->rows, 2U);
    EXPECT_THAT(r->numbers, ElementsAre(1.5, 2, 3, 4));
  }
  const auto floats = read_npy(
      from_text(file("{\"shape\": (1,3), 'descr': '<f4', 'fortran_order': False}", bytes({1.5F, -2.F, 0.F})), 3));
  ASSERT_TRUE(floats) << floats.error().message;
  EXPECT_THAT(floats->numbers, ElementsAre(1.5, -2, 0));
  const auto whole = read_npy(from_text(file("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2), }",
                                             bytes<std::int64_t>({-7, std::int64_t{1} << 53}))));
  ASSERT_TRUE(whole);
  EXPECT_THAT(whole->numbers, ElementsAre(-7, 9007199254740992.));
}

TEST(Npy, RefusesWhatItWouldMisread) {
  EXPECT_THAT(refusal(""), HasSubstr("no .npy file"));
  EXPECT_THAT(refusal("PK\x03\x04 and so on"), HasSubstr("no .npy file"));
  EXPECT_THAT(refusal(std::string("\x93NUMPY\x01\x00\x40", 9)), HasSubstr("ends within its header"));
  EXPECT_THAT(refusal(std::string("\x93NUMPY\x01\x00\x40\x00{'de", 14)), HasSubstr("ends within its header"));
  EXPECT_THAT(refusal(std::string("\x93NUMPY\x02\x00\xff\xff\xff\x7f", 12)), HasSubstr("bytes long"));
  EXPECT_THAT(refusal(file("{'descr': '>f8', 'fortran_order': False, 'shape': (1, 1)}", bytes({1.}))),
              HasSubstr("type '>f8'"));
  EXPECT_THAT(refusal(file("{'descr': '<f8', 'fortran_order': True, 'shape': (1, 1)}", bytes({1.}))),
              HasSubstr("Fortran order"));
  EXPECT_THAT(refusal(file("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}", bytes({1.}))),
              HasSubstr("1 dimensions"));
  EXPECT_THAT(refusal(file("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3)}", "")), HasSubstr("it is empty"));
  EXPECT_THAT(refusal(file("{'descr': '<f8', 'fortran_order': False}", "")),
              HasSubstr("lacks descr, fortran_order or shape"));
  EXPECT_THAT(refusal(file("{'descr': '<f8', 'descr': '<f8'}", "")), HasSubstr("stands twice"));
  EXPECT_THAT(refusal(file("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)", bytes({1.}))),
              HasSubstr("does not end"));
  EXPECT_THAT(refusal(file(kDoubles, bytes({1., 2., 3.}))), HasSubstr("shape is 2 x 2, and it ends before that"));
  EXPECT_THAT(refusal(file(kDoubles, bytes({1., 2., 3., 4., 5.}))), HasSubstr("goes on behind that"));
  EXPECT_THAT(
      refusal(file("{'descr': '<i8', 'fortran_order': False, 'shape': (1, 2)}", bytes<std::int64_t>({0, INT64_MAX}))),
      HasSubstr("row 0, column 1: is 9223372036854775807"));
}

TEST(Npy, HugeShapesTakeNoMemory) {
  for (const char* shape :
       {"(1000000, 1000)", "(18446744073709551615, 2)", "(4294967296, 4294967296)", "(99999999999999999999, 1)"}) {
    const std::string text =
        file("{'descr': '<f8', 'fortran_order': False, 'shape': " + std::string(shape) + "}", bytes({1.}));
    ByteSource pipe = from_text(text);
    pipe.size.reset();
    EXPECT_FALSE(read_npy(pipe)) << shape;
    EXPECT_FALSE(read_npy(from_text(text))) << shape;
  }
}

TEST(Npy, ProblemsNameArrayRowColumnAndValue) {
  const NumberArray value{.rows = 2, .columns = 2, .numbers = {1, 2, 3, 4}};
  NumberArray cost = value;
  EXPECT_EQ(problem_from_arrays(value, {cost})->problem.width, 2U);
  EXPECT_THAT(problem_from_arrays(value, {cost, cost})->problem.cost, ElementsAre(1, 2, 3, 4, 1, 2, 3, 4));
  cost.numbers[3] = -1;
  EXPECT_THAT(problem_from_arrays(value, {cost}).error().message,
              HasSubstr("costs, row 1, column 1: is -1; it must be at least 0"));
  NumberArray bad = value;
  bad.numbers[2] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(problem_from_arrays(bad, {value}).error().message, HasSubstr("values, row 1, column 0: is nan"));
  EXPECT_THAT(problem_from_arrays(value, {{.rows = 1, .columns = 4, .numbers = {1, 2, 3, 4}}}).error().message,
              HasSubstr("costs are 1 x 4, and values 2 x 2"));
  EXPECT_THAT(problem_from_arrays(value, {}).error().message, HasSubstr("without costs"));
}

}  // namespace
}  // namespace bursar::allocate
