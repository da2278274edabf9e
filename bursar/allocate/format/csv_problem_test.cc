#include "bursar/allocate/format/csv_problem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bursar/allocate/format/answer.h"
#include "bursar/allocate/format/csv_rows.h"

namespace bursar::allocate {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Rows = std::vector<std::vector<std::string>>;

Result<Rows> rows_of(std::string_view text, std::size_t piece = SIZE_MAX, std::size_t max_row = 1 << 20) {
  CsvRows rows(from_text(text, piece), max_row);
  Rows out;
  auto more = rows.next();
  for (; more && *more; more = rows.next()) out.emplace_back(rows.fields().begin(), rows.fields().end());
  if (!more) return tl::unexpected(more.error());
  return out;
}

std::string refusal(std::string_view text, const CsvColumns& columns = {}) {
  const auto r = read_problem_csv(from_text(text), columns);
  return r ? "accepted" : r.error().message;
}

TEST(CsvRows, ReadsQuotesLineEndsAndAByteOrderMark) {
  EXPECT_EQ(*rows_of("\xEF\xBB\xBF"
                     "a,b\r\n\"x,\"\"y\"\"\nz\",\r\n\n,\"\"\nlast,one"),
            (Rows{{"a", "b"}, {"x,\"y\"\nz", ""}, {"", ""}, {"last", "one"}}));
  EXPECT_EQ(*rows_of(""), Rows{});
  EXPECT_EQ(*rows_of("\n\r\n\n"), Rows{});
  EXPECT_EQ(*rows_of("\xEF\xBB\xBF\"q\",1"), (Rows{{"q", "1"}}));
}

TEST(CsvRows, NamesTheLineOfWhatIsNoCsv) {
  EXPECT_THAT(rows_of("a\nb\n\"c").error().message, HasSubstr("line 3: a quote is not closed"));
  EXPECT_THAT(rows_of("a\n\"b\nb\"\nx\"y\"\n").error().message, HasSubstr("line 4: a quote stands inside"));
  EXPECT_THAT(rows_of("\"a\"b\n").error().message, HasSubstr("line 1: something stands behind a closing quote"));
  EXPECT_THAT(rows_of("a\n" + std::string(100, 'x') + "\n", 7, 64).error().message,
              HasSubstr("line 2: the row is longer"));
  EXPECT_THAT(rows_of("a\n\"" + std::string(100, 'x'), 7, 64).error().message, HasSubstr("line 2: the row is longer"));
  EXPECT_THAT(rows_of(std::string(5000, ',') + "\n").error().message, HasSubstr("more than 4096 fields"));
}

RC_GTEST_PROP(CsvRowsProperty, WhatIsWrittenComesBackInAnyPieces, ()) {
  const auto character = rc::gen::element<char>('a', ',', '"', '\n', '\r', ' ', '\xC3');
  const auto rows = *rc::gen::nonEmpty(rc::gen::container<Rows>(
      rc::gen::container<std::vector<std::string>>(3, rc::gen::container<std::string>(character))));
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t k = 0; k < row.size(); ++k) {
      text += k == 0 ? "" : ",";
      append_csv_field(text, row[k]);
    }
    text += '\n';
  }
  const auto piece = *rc::gen::inRange<std::size_t>(1, 20);
  const auto read = rows_of(text, piece);
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == rows);
}

TEST(CsvProblem, ReadsTheUsualColumns) {
  const auto r =
      read_problem_csv(from_text("item,option,value,cost\na,none,0,0\na,mail,3.5,1\nb,none,0,0\nb,mail,-2,4\n"));
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_EQ(r->problem.width, 2U);
  EXPECT_THAT(r->problem.value, ElementsAre(0, 3.5, 0, -2));
  EXPECT_THAT(r->problem.cost, ElementsAre(0, 1, 0, 4));
  EXPECT_THAT(r->problem.item_names, ElementsAre("a", "b"));
  EXPECT_THAT(r->problem.option_names, ElementsAre("none", "mail"));
  EXPECT_THAT(r->problem.resource_names, IsEmpty());
  EXPECT_FALSE(r->problem.minimise);
}

TEST(CsvProblem, ReadsRaggedItemsGroupsMinimaAndSeveralResources) {
  const auto r =
      read_problem_csv(from_text("group,cost.usd,cost.h,item,loss,minimum,forbidden,note\n"
                                 "n,1,2,x,5,1,0,hello\nn,3,4,x,4,1,1,\ns,5,6,y,3,0,false,\n"));
  ASSERT_TRUE(r) << r.error().message;
  const Problem& p = r->problem;
  EXPECT_THAT(p.first, ElementsAre(0, 2, 3));
  EXPECT_THAT(p.cost, ElementsAre(1, 3, 5, 2, 4, 6));
  EXPECT_THAT(p.resource_names, ElementsAre("usd", "h"));
  EXPECT_TRUE(p.minimise);
  EXPECT_THAT(p.minimum, ElementsAre(1, 0));
  EXPECT_THAT(p.forbidden, ElementsAre(0, 1, 0));
  EXPECT_THAT(p.group, ElementsAre(0, 1));
  ASSERT_EQ(p.groups.size(), 2U);
  EXPECT_EQ(p.groups[1].name, "s");
  EXPECT_THAT(p.option_names, IsEmpty());
  EXPECT_THAT(r->notes, ElementsAre(HasSubstr("note")));
}

TEST(CsvProblem, TakesColumnsByTheirNames) {
  const auto r = read_problem_csv(from_text("customer,offer,profit,price\nada,a,1,2\n"),
                                  {.item = "customer", .option = "offer", .value = "profit", .costs = {"price"}});
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_THAT(r->problem.resource_names, ElementsAre("price"));
  EXPECT_THAT(refusal("customer,offer\n", {.item = "costumer"}),
              HasSubstr("no column 'costumer'; columns are 'customer', 'offer'"));
}

TEST(CsvProblem, KeepsNoNamesThatCountUp) {
  const auto r = read_problem_csv(from_text("item,option,value,cost\n0,0,1,1\n0,1,2,2\n1,0,1,1\n"));
  ASSERT_TRUE(r) << r.error().message;
  EXPECT_THAT(r->problem.item_names, IsEmpty());
  EXPECT_THAT(r->problem.option_names, IsEmpty());
  EXPECT_THAT(r->problem.first, ElementsAre(0, 2, 3));
  const auto later = read_problem_csv(from_text("item,option,value,cost\n0,0,1,1\n0,1,2,2\n1,b,1,1\nz,0,1,1\n"));
  ASSERT_TRUE(later);
  EXPECT_THAT(later->problem.item_names, ElementsAre("0", "1", "z"));
  EXPECT_THAT(later->problem.option_names, ElementsAre("0", "1", "b", "0"));
}

TEST(CsvProblem, NamesLineColumnAndValueOfWhatItRefuses) {
  const std::string head = "item,option,value,cost\n";
  EXPECT_THAT(refusal(head + "a,0,1,2\na,1,x,2\n"), HasSubstr("line 3, column 'value': is 'x'; it must be a number"));
  EXPECT_THAT(refusal(head + "a,0,1,-2\n"), HasSubstr("line 2, column 'cost': '-2' is -2; it must be at least 0"));
  EXPECT_THAT(refusal(head + "a,0,nan,2\n"), HasSubstr("column 'value': 'nan' is nan; it must be a finite number"));
  EXPECT_THAT(refusal(head + "a,0,1,inf\n"), HasSubstr("column 'cost': 'inf' is infinite"));
  EXPECT_THAT(refusal(head + "a,0,1e999,1\n"), HasSubstr("infinite"));
  EXPECT_THAT(refusal(head + "a,0,1e61,1\n"), HasSubstr("1e+60"));
  EXPECT_THAT(refusal(head + "a,0,,1\n"), HasSubstr("column 'value': is ''"));
  EXPECT_THAT(refusal(head + "a,0,1\n"), HasSubstr("line 2: 3 fields, and the first row has 4"));
  EXPECT_THAT(refusal(head + "a,0,1,1\nb,0,1,1\na,1,1,1\n"), HasSubstr("line 4, column 'item': 'a' stood before"));
  EXPECT_THAT(refusal(head + "a,x,1,1\na,x,2,2\n"),
              HasSubstr("line 2: the item 'a' that begins here has the option 'x' twice"));
  EXPECT_THAT(refusal(head + "b,x,1,1\nb,y,1,1\na,x,1,1\na,x,2,2\n"), HasSubstr("line 4: the item 'a'"));
  EXPECT_THAT(refusal(head + "\xff,0,1,1\n"), HasSubstr("UTF-8"));
  EXPECT_THAT(refusal(head + ",0,1,1\n"), HasSubstr("column 'item': is empty"));
  EXPECT_THAT(refusal(head), HasSubstr("no items"));
  EXPECT_THAT(refusal(""), HasSubstr("there is no row"));
  EXPECT_THAT(refusal("item,value\na,1\n"), HasSubstr("no column 'cost'"));
  EXPECT_THAT(refusal("item,cost\na,1\n"), HasSubstr("no column 'value' or 'loss'"));
  EXPECT_THAT(refusal("item,value,cost,cost\n"), HasSubstr("two columns are named 'cost'"));
  EXPECT_THAT(refusal("item,value,cost,group\na,1,1,n\na,2,2,s\n"),
              HasSubstr("line 3, column 'group': is 's', and 'n' in the item's first row (line 2)"));
  EXPECT_THAT(refusal("item,value,cost,forbidden\na,1,1,2\n"),
              HasSubstr("column 'forbidden': is '2'; it must be 0 or 1"));
}

TEST(CsvProblem, EndsAtItsLimitAndWhenToldTo) {
  std::string text = "item,value,cost\n";
  for (int i = 0; i < 40'000; ++i) text += std::to_string(i) + ",1,1\n";
  EXPECT_EQ(read_problem_csv(from_text(text), {}, {.max_options = 1000}).error().code, ErrorCode::kExhausted);
  const auto ended =
      read_problem_csv(from_text(text), {}, {.go_on = [](std::uint64_t, std::uint64_t) { return false; }});
  EXPECT_EQ(ended.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(read_problem_csv(from_text(text))->problem.items(), 40'000U);
}

TEST(CsvProblem, ReadsCapsOfGroups) {
  const auto caps = read_caps_csv(from_text("group,cap\nnorth,10\n\"s, e\",2.5\n"));
  ASSERT_TRUE(caps) << caps.error().message;
  EXPECT_EQ((*caps)[1].name, "s, e");
  EXPECT_EQ((*caps)[1].amount, 2.5);
  EXPECT_THAT(read_caps_csv(from_text("group,cap\nnorth,-1\n")).error().message,
              HasSubstr("line 2, column 'cap': is '-1'"));
  EXPECT_THAT(read_caps_csv(from_text("cap,group\n")).error().message, HasSubstr("group,cap"));
}

// What is written as choices is read back as the options that were chosen.
RC_GTEST_PROP(CsvProblemProperty, ChoicesReadBackAsTheChosenOptions, ()) {
  const auto items = *rc::gen::inRange<std::size_t>(1, 20);
  std::string text = "item,option,value,cost\n";
  std::size_t options = 0;
  for (std::size_t i = 0; i < items; ++i) {
    const auto width = *rc::gen::inRange<std::size_t>(1, 4);
    const bool named = *rc::gen::arbitrary<bool>();
    for (std::size_t k = 0; k < width; ++k, ++options) {
      append_csv_field(text, "item \"" + std::to_string(i) + "\"");
      text += (named ? ",n" : ",") + std::to_string(k);
      text += "," + std::to_string(*rc::gen::inRange(-50, 50)) + "," + std::to_string(*rc::gen::inRange(0, 9)) + "\n";
    }
  }
  const auto r = read_problem_csv(from_text(text));
  RC_ASSERT(r.has_value());
  RC_ASSERT(r->problem.items() == items);
  RC_ASSERT(r->problem.value.size() == options);
  const auto a = allocate(r->problem, {{1e6}});
  RC_ASSERT(a.has_value());
  std::string written;
  RC_ASSERT(write_choices_csv(r->problem, *a, [&](std::string_view piece) -> Result<void> {
              written += piece;
              return {};
            }).has_value());
  const auto back = read_problem_csv(from_text(written));
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->problem.items() == items);
  double value = 0;
  for (const double v : back->problem.value) value += v;
  RC_ASSERT(value == a->value);
}

}  // namespace
}  // namespace bursar::allocate
