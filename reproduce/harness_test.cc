#include <boost/json/value.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <set>
#include <sstream>

#include "bursar/core/json.h"
#include "bursar/core/random.h"
#include "reproduce/bootstrap.h"
#include "reproduce/plot.h"
#include "reproduce/report.h"
#include "reproduce/system.h"

namespace bursar::reproduce {
namespace {

using testing::HasSubstr;

TEST(Bootstrap, GivesTheQuantilesOfTwoSamples) {
  // Resampled means of {0, 1} are 0, 1/2, 1 with chances 1/4, 1/2, 1/4.
  const std::vector<double> samples{0, 1};
  const Interval wide = bootstrap_interval(samples);
  EXPECT_EQ(wide.mean, .5);
  EXPECT_EQ(wide.low, 0);
  EXPECT_EQ(wide.high, 1);
  const Interval narrow = bootstrap_interval(samples, {.level = .4});
  EXPECT_EQ(narrow.low, .5);
  EXPECT_EQ(narrow.high, .5);
}

TEST(Bootstrap, ApproachesTheNormalIntervalOfManySamples) {
  RandomStream random(5);
  std::vector<double> samples(400);
  double sum = 0, squares = 0;
  for (double& x : samples) x = random.normal(), sum += x, squares += x * x;
  const double n = 400, mean = sum / n, deviation = std::sqrt((squares - n * mean * mean) / n);
  const Interval got = bootstrap_interval(samples, {.resamples = 4000});
  EXPECT_NEAR(got.mean, mean, 1e-12);
  EXPECT_NEAR(got.low, mean - 1.96 * deviation / std::sqrt(n), .01);
  EXPECT_NEAR(got.high, mean + 1.96 * deviation / std::sqrt(n), .01);
}

TEST(Bootstrap, CoversTheTruthAboutAsOftenAsItSays) {
  RandomStream random(6);
  int covered = 0;
  for (int trial = 0; trial < 300; ++trial) {
    std::vector<double> samples(40);
    for (double& x : samples) x = random.exponential();
    const Interval got = bootstrap_interval(samples, {.resamples = 400});
    covered += got.low <= 1 && 1 <= got.high;
  }
  EXPECT_GE(covered, 260);
  EXPECT_LE(covered, 295);
}

TEST(Bootstrap, IsTheSameEveryTimeAndSaysOnHowManySeedsItRests) {
  const std::vector<double> samples{.2, .9, .4, .7};
  const Interval a = bootstrap_interval(samples), b = bootstrap_interval(samples);
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_EQ(a.seeds, 4U);
  const Interval one = bootstrap_interval(std::vector{.3});
  EXPECT_EQ(one.low, .3);
  EXPECT_EQ(one.high, .3);
  EXPECT_TRUE(std::isnan(bootstrap_interval({}).mean));
}

TEST(Bar, IsOkOnItsLimitAndShortBeyondIt) {
  EXPECT_EQ(to_text(at_least("lead", .10, "value", .10)), "bar lead: 0.1 value (needs >= 0.1) ok");
  EXPECT_EQ(to_text(at_least("lead", .09, "value", .10)), "bar lead: 0.09 value (needs >= 0.1) short");
  EXPECT_EQ(to_text(at_most("doubled", 0, "share", 0)), "bar doubled: 0 share (needs <= 0) ok");
  EXPECT_FALSE(at_most("doubled", .001, "share", 0).ok());
  const double nothing = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(at_least("x", nothing, "", 0).ok());
  EXPECT_FALSE(at_most("x", nothing, "", 0).ok());
}

Report sample_report() {
  Grid grid({"ours <&>", "baseline"}, {"0.9", "1.3", "4"});
  for (const double shift : {0.0, .02, .04}) {
    for (std::size_t c = 0; c < 3; ++c) grid.add(0, c, .5 + shift), grid.add(1, c, -.3 - shift);
  }
  Report report{.slug = "sample", .simulated = "everything", .claim = "a \"claim\"", .seed = 7, .seeds = 3};
  const TableText text{.title = "first", .quantity = "value", .x_label = "c", .note = "a note", .plotted = true};
  report.tables.push_back(grid.table(text, {{.52, std::nan(""), .6}}));
  report.tables.push_back(
      grid.table({.title = "second", .quantity = "value", .x_label = "", .kind = TableKind::kCounter}));
  report.notes.emplace_back("honest");
  report.not_run.emplace_back("H1");
  report.bars.push_back(at_least("lead", .8, "value", .1));
  return report;
}

TEST(Report, HoldsOnlyWhereEveryBarIsOkAndThereIsOne) {
  Report report = sample_report();
  EXPECT_TRUE(holds(report));
  report.bars.push_back(at_most("doubled", 1, "share", 0));
  EXPECT_FALSE(holds(report));
  report.bars.clear();
  EXPECT_FALSE(holds(report));
}

TEST(Report, SaysFirstWhatIsSimulatedAndEndsWithItsBars) {
  const std::string text = to_text(sample_report());
  EXPECT_EQ(text.substr(0, text.find('\n')), "sample: simulated: everything");
  EXPECT_THAT(text, testing::EndsWith("verdict: holds\nbar lead: 0.8 value (needs >= 0.1) ok\n"));
  EXPECT_THAT(text, HasSubstr("0.52 [0.5, 0.54] (0.52)"));
  EXPECT_THAT(text, HasSubstr("Where it does not hold: second"));
  EXPECT_THAT(text, HasSubstr("not run: H1"));
}

TEST(Report, IsAJsonDocumentWithEveryFigure) {
  const auto document = parse_json(to_json(to_json_value(sample_report())));
  ASSERT_TRUE(document) << document.error().message;
  const JsonView root(*document);
  EXPECT_EQ(*root.string_at("format"), "bursar-reproduce/1");
  EXPECT_EQ(*root.string_at("verdict"), "holds");
  const auto cells = root.at("tables")->element(0)->at("rows")->element(0)->at("cells");
  EXPECT_EQ(*cells->array_size(), 3U);
  EXPECT_NEAR(*cells->element(0)->double_at("sheet", 0, 1), .52, 0);
  EXPECT_TRUE(cells->element(1)->at("sheet")->value().is_null());
  EXPECT_NEAR(*cells->element(2)->double_at("mean", 0, 1), .52, 1e-12);
  EXPECT_EQ(*root.at("tables")->element(1)->string_at("kind"), "counter");
  EXPECT_EQ(*root.at("bars")->element(0)->bool_at("ok"), true);
  EXPECT_EQ(*root.at("bars")->element(0)->string_at("needs"), ">=");
}

// Every element closes in order, attributes are quoted, and text holds no bare markup. Enough of XML for what we write.
std::string first_xml_error(const std::string& text) {
  std::vector<std::string> open;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text[at] == '&') {
      const std::string_view rest = std::string_view(text).substr(at);
      if (!rest.starts_with("&amp;") && !rest.starts_with("&lt;") && !rest.starts_with("&gt;") &&
          !rest.starts_with("&quot;")) {
        return "bare &";
      }
    }
    if (text[at] == '>') return "bare >";
    if (text[at] != '<') {
      ++at;
      continue;
    }
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) return "unclosed <";
    const std::string tag = text.substr(at + 1, end - at - 1);
    if (tag.find('<') != std::string::npos) return "< inside a tag";
    if (std::ranges::count(tag, '"') % 2 != 0) return "odd quotes in " + tag;
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag.starts_with('/')) {
      if (open.empty() || "/" + open.back() != tag) return "closes " + tag;
      open.pop_back();
    } else if (!tag.ends_with('/')) {
      open.push_back(name);
    }
    at = end + 1;
  }
  return open.empty() ? "" : "left open: " + open.back();
}

TEST(Plot, IsWellFormedAndFinite) {
  const std::string svg = to_svg(sample_report());
  EXPECT_EQ(first_xml_error(svg), "");
  EXPECT_THAT(svg, HasSubstr("ours &lt;&amp;&gt;"));
  EXPECT_THAT(svg, HasSubstr("<polyline"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, Not(HasSubstr("second"))) << "only tables that ask for it are drawn";
}

TEST(Plot, DrawsBarsForNamesAndSurvivesEmptyAndConstantTables) {
  Report report = sample_report();
  Grid named({"a"}, {"recovered", "calls"}), zero({"a"}, {"1", "2"}), empty({"a"}, {"1", "2"});
  for (std::size_t c = 0; c < 2; ++c) named.add(0, c, 1), zero.add(0, c, 0);
  for (const Grid* grid : {&named, &zero, &empty}) {
    report.tables.push_back(grid->table({.title = "t", .quantity = "q", .x_label = "", .plotted = true}));
  }
  const std::string svg = to_svg(report);
  EXPECT_EQ(first_xml_error(svg), "");
  EXPECT_THAT(svg, HasSubstr("fill-opacity"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(Systems, AreUniqueSortedAndKnowTheirShape) {
  const std::set<std::string_view> shapes{"allocator", "policy", "controller", "objective"};
  std::string_view last;
  for (const System& s : systems()) {
    EXPECT_LT(last, s.slug);
    last = s.slug;
    EXPECT_TRUE(shapes.contains(s.shape)) << s.slug;
    EXPECT_FALSE(s.title.empty() || s.room.empty() || s.shows.empty()) << s.slug;
    EXPECT_EQ(find_system(s.slug), &s);
  }
  EXPECT_EQ(find_system("nobody"), nullptr);
}

TEST(Systems, AreLiveOnlyWithAReproductionAndEveryImplementationTheyName) {
  System system{.slug = "x", .implementations = "next_timeout", .reproduce = nullptr};
  EXPECT_EQ(status_of(system), SystemStatus::kPlanned) << "no reproduction";
  system.reproduce = &reproduce_mcp_production;
  EXPECT_EQ(status_of(system), SystemStatus::kLive);
  system.implementations = "next_timeout nobody_wrote_this";
  EXPECT_EQ(status_of(system), SystemStatus::kPlanned);
  system.implementations = "";
  EXPECT_EQ(status_of(system), SystemStatus::kPlanned);
}

TEST(Systems, LiveOnesHaveADoorAndEveryImplementationItsHeader) {
  const char* source = std::getenv("BURSAR_SOURCE");
  ASSERT_NE(source, nullptr) << "run through ctest, or set BURSAR_SOURCE to the source folder";
  for (const Implementation& i : implementations()) {
    EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(source) / i.header)) << i.header;
  }
  for (const System& s : systems()) {
    if (status_of(s) == SystemStatus::kLive)
      EXPECT_FALSE(s.doors.empty()) << s.slug;
    else
      EXPECT_EQ(s.reproduce, nullptr) << s.slug << " is reproduced but names what is not in the table";
  }
}

TEST(Systems, AreTheSheets) {
  const char* shared = std::getenv("BURSAR_SHARED");
  const auto folder = std::filesystem::path(shared == nullptr ? "" : shared) / "systems";
  if (!std::filesystem::is_directory(folder)) GTEST_SKIP() << "no sheets here";
  std::set<std::string> sheets, table;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) sheets.insert(entry.path().stem().string());
  sheets.erase("tiny-rlvr");  // a testbed, not a system
  for (const System& s : systems()) table.emplace(s.slug);
  EXPECT_EQ(table, sheets);
}

TEST(Systems, TheDocumentIsWhatTheTableSays) {
  const char* source = std::getenv("BURSAR_SOURCE");
  ASSERT_NE(source, nullptr) << "run through ctest, or set BURSAR_SOURCE to the source folder";
  std::ifstream file(std::filesystem::path(source) / "docs/systems.md");
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_EQ(text.str(), systems_markdown()) << "bursar-reproduce --systems --markdown > docs/systems.md";
}

}  // namespace
}  // namespace bursar::reproduce
