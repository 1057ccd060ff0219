// SPDX-License-Identifier: MIT
// Whatever is wrong with a file, and what is wrong around it: paths, kinds of files, permissions, requests.
#include "bad_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <limits>

#include "bytes.hpp"

namespace omnimeans::io::testing {
namespace {

TEST_P(BadFileTest, IsRefusedAsFloat) {
  expect_refused(DType::f32);
}
TEST_P(BadFileTest, IsRefusedAsDouble) {
  expect_refused(DType::f64);
}

TEST_P(TooLargeForFloat, IsRefusedAsFloat) {
  expect_refused(DType::f32);
}
TEST_P(TooLargeForFloat, IsReadAsDouble) {
  EXPECT_NO_THROW(read_matrix(file("x" + GetParam().extension, GetParam().bytes), DType::f64));
}

void expect_error(const std::string& fragment, const std::function<void()>& action) {
  try {
    action();
    ADD_FAILURE() << "no error, where '" << fragment << "' was expected";
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find(fragment), std::string::npos) << error.what();
  }
}

class PathTest : public Scratch {
 protected:
  void expect_unreadable(const fs::path& path, const std::string& fragment) {
    const auto before = entries();
    expect_error(fragment, [&] { read_matrix(path); });
    EXPECT_EQ(entries(), before);
  }
};

TEST_F(PathTest, Missing) {
  expect_unreadable(dir / "no.npy", "no.npy: cannot open: No such file or directory");
}
TEST_F(PathTest, MissingDirectory) {
  expect_unreadable(dir / "no" / "no.csv", "No such file or directory");
}
TEST_F(PathTest, FileAsDirectory) {
  expect_unreadable(file("a.npy", "x") / "b.npy", "Not a directory");
}
TEST_F(PathTest, NameTooLong) {
  expect_unreadable(dir / (std::string(300, 'x') + ".npy"), "File name too long");
}
TEST_F(PathTest, EmptyPath) {
  expect_unreadable("", "no extension");
}
TEST_F(PathTest, NoExtension) {
  expect_unreadable(file("data", "1"), "no extension (.npy, .fvecs");
}
TEST_F(PathTest, DirectoryWithoutExtension) {
  expect_unreadable(dir, "is a directory");
}
TEST_F(PathTest, UnknownExtension) {
  expect_unreadable(file("data.xlsx", "1"), "unknown extension '.xlsx'");
}
TEST_F(PathTest, CompressedFile) {
  expect_unreadable(file("data.csv.gz", "1"), "unknown extension '.gz'");
}
TEST_F(PathTest, LineBreakInPath) {
  expect_unreadable(dir / "a\nb.npy", "a\\x0ab.npy");
}

TEST_F(PathTest, Directory) {
  fs::create_directory(dir / "d.npy");
  expect_unreadable(dir / "d.npy", "is a directory");
}
TEST_F(PathTest, Fifo) {
  ASSERT_EQ(::mkfifo((dir / "f.npy").c_str(), 0600), 0);
  expect_unreadable(dir / "f.npy", "is not a regular file");
}
TEST_F(PathTest, Device) {
  fs::create_symlink("/dev/zero", dir / "z.fvecs");
  expect_unreadable(dir / "z.fvecs", "is not a regular file");
}
TEST_F(PathTest, LinkInACircle) {
  fs::create_symlink("b.npy", dir / "a.npy");
  fs::create_symlink("a.npy", dir / "b.npy");
  expect_unreadable(dir / "a.npy", "symbolic links");
}
TEST_F(PathTest, LinkToNothing) {
  fs::create_symlink("gone.npy", dir / "a.npy");
  expect_unreadable(dir / "a.npy", "No such file or directory");
}
TEST_F(PathTest, NoPermission) {
  const fs::path path = file("secret.csv", "1,2\n");
  fs::permissions(path, fs::perms::none);
  const OrdinaryUser user;
  if (!user.active()) GTEST_SKIP() << "cannot become an ordinary user here";
  expect_unreadable(path, "Permission denied");
}

using MemoryTest = Scratch;

TEST_F(MemoryTest, RunningOutIsANamedError) {
  Matrix<double> matrix(100, 100);
  for (const char* name : {"a.npy", "a.fvecs", "a.bvecs", "a.csv"}) {
    write_matrix(dir / name, matrix.view());
    const AllocationLimit limit(15000);
    try {
      read_matrix(dir / name);
      ADD_FAILURE() << name << " was read";
    } catch (const MemoryLimitExceeded& error) {
      EXPECT_NE(std::string(error.what()).find("not enough memory"), std::string::npos) << error.what();
    }
  }
}

using VectorErrorTest = Scratch;

TEST_F(VectorErrorTest, MatrixInsteadOfVector) {
  const fs::path path = file("m.csv", "1,2\n3,4\n5,6\n");
  expect_error("expected one value a row, found 3 x 2", [&] { read_vector_as<float>(path); });
  expect_error("expected one value a row, found 3 x 2", [&] { read_vector_as<std::int32_t>(path); });
}
TEST_F(VectorErrorTest, NotAnInteger) {
  for (const char* value : {"2.5", "2147483648", "-2147483649", "nan", "inf", "1e300"}) {
    const fs::path path = file("v.txt", "1\n" + std::string(value) + "\n");
    expect_error("is not a 32-bit integer", [&] { read_vector_as<std::int32_t>(path); });
  }
}

/// What cannot be written leaves neither a file nor a trace of one.
class UnwritableTest : public Scratch {
 protected:
  void expect_unwritable(const std::string& name, MatrixView<const double> matrix,
                         const std::string& fragment) {
    expect_error(fragment, [&] { write_matrix(dir / name, matrix); });
    EXPECT_TRUE(entries().empty());
  }
  void expect_unwritable(const std::string& name, double value, const std::string& fragment) {
    Matrix<double> matrix(3, 2);
    matrix(2, 1) = value;
    expect_unwritable(name, matrix, fragment);
  }
};

TEST_F(UnwritableTest, NoValues) {
  for (const char* name : {"a.npy", "a.fvecs", "a.bvecs", "a.csv"}) {
    expect_unwritable(name, Matrix<double>(), "there are no values to write");
    expect_unwritable(name, Matrix<double>(0, 3), "there are no values to write");
    expect_unwritable(name, Matrix<double>(3, 0), "there are no values to write");
  }
  expect_error("there are no values to write", [&] { write_labels(dir / "l.npy", {}); });
  EXPECT_TRUE(entries().empty());
}
TEST_F(UnwritableTest, UnknownExtension) {
  expect_unwritable("a.png", 1, "unknown extension '.png'");
  const std::int32_t label = 1;
  expect_error("unknown extension '.png'", [&] { write_labels(dir / "a.png", {&label, 1}); });
}
TEST_F(UnwritableTest, LabelsAsVectors) {
  const std::int32_t label = 1;
  for (const char* name : {"a.fvecs", "a.bvecs"}) {
    expect_error("labels are written as .npy", [&] { write_labels(dir / name, {&label, 1}); });
  }
  EXPECT_TRUE(entries().empty());
}
TEST_F(UnwritableTest, NotAByte) {
  expect_unwritable("a.bvecs", 256, "[2][1] = 256 is not an integer 0..255");
  expect_unwritable("a.bvecs", -1, "[2][1] = -1 is not an integer 0..255");
  expect_unwritable("a.bvecs", 0.5, "[2][1] = 0.5 is not an integer 0..255");
  expect_unwritable("a.bvecs", 1e300, "[2][1] = 1e+300 is not an integer 0..255");
  expect_unwritable("a.bvecs", std::numeric_limits<double>::quiet_NaN(), "[2][1] = nan is not an integer");
}
TEST_F(UnwritableTest, NotAFloat) {
  expect_unwritable("a.fvecs", 1e39, "[2][1] = 1e+39 is too large for f32");
  expect_unwritable("a.fvecs", -0x1.ffffffp127, "[2][1] = -3.4028235677973366e+38 is too large for f32");
}

}  // namespace
}  // namespace omnimeans::io::testing
