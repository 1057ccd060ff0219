// SPDX-License-Identifier: MIT
// How times are shown.
#include "cli/machine.hpp"

#include <gtest/gtest.h>

namespace omnimeans::cli {
namespace {

TEST(HumanSeconds, UnitAndDigitsFitTheValue) {
  EXPECT_EQ(human_seconds(0), "0.00 us");
  EXPECT_EQ(human_seconds(4.3e-6), "4.30 us");
  EXPECT_EQ(human_seconds(4.3e-4), "430.0 us");
  EXPECT_EQ(human_seconds(0.0123), "12.3 ms");
  EXPECT_EQ(human_seconds(1.234), "1.23 s");
  EXPECT_EQ(human_seconds(12345.6), "12345.6 s");
}

TEST(HumanSeconds, TheUnitIsChosenAfterRounding) {
  EXPECT_EQ(human_seconds(0.9999), "999.9 ms");
  EXPECT_EQ(human_seconds(0.99996), "1.00 s");
  EXPECT_EQ(human_seconds(0.00099996), "1.00 ms");
  EXPECT_EQ(human_seconds(0.00999), "9.99 ms");
  EXPECT_EQ(human_seconds(0.009996), "10.0 ms");
}

}  // namespace
}  // namespace omnimeans::cli
