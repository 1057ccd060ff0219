// SPDX-License-Identifier: MIT
// Outputs appear whole or not at all, and no temporary file survives a failure.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ios>
#include <stdexcept>
#include <thread>
#include <vector>

#include "io/io.hpp"
#include "scratch.hpp"

namespace omnimeans::io::testing {
namespace {

using Names = std::set<std::string>;

class AtomicWriteTest : public Scratch {
 protected:
  static void write_text(const fs::path& path, const std::string& text) {
    write_file_atomically(path, [&](std::ostream& out) { out << text; });
  }
  void expect_error(const fs::path& path, const std::string& fragment, const std::string& text = "new") {
    const auto before = entries();
    try {
      write_text(path, text);
      ADD_FAILURE() << "no error, where '" << fragment << "' was expected";
    } catch (const FileError& error) {
      EXPECT_NE(std::string(error.what()).find(fragment), std::string::npos) << error.what();
      if (!path.empty()) {
        EXPECT_EQ(std::string(error.what()).rfind(path.string() + ": ", 0), 0u) << error.what();
      }
    }
    EXPECT_EQ(entries(), before);
  }
  static unsigned mode(const fs::path& path) { return static_cast<unsigned>(fs::status(path).permissions()); }
};

/// Files may not grow beyond `bytes` for a while: a disk that fills up half way.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &limit_);
    handler_ = ::signal(SIGXFSZ, SIG_IGN);
    rlimit lower = limit_;
    lower.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &limit_);
    ::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit limit_{};
  sighandler_t handler_;
};

TEST_F(AtomicWriteTest, CreatesAndReplaces) {
  write_text(dir / "a.json", "first");
  EXPECT_EQ(read_bytes(dir / "a.json"), "first");
  write_text(dir / "a.json", "2");
  EXPECT_EQ(read_bytes(dir / "a.json"), "2");
  write_text(dir / "a.json", "");
  EXPECT_EQ(read_bytes(dir / "a.json"), "");
  EXPECT_EQ(entries(), Names{"a.json"});
}

TEST_F(AtomicWriteTest, SmallAndLargePiecesKeepTheirOrder) {
  std::string expected;
  write_file_atomically(dir / "a", [&](std::ostream& out) {
    for (int i = 0; i < 40; ++i) {
      const std::string piece(static_cast<std::size_t>(1) << (i % 20), static_cast<char>('a' + i % 26));
      out << piece << i << std::flush;
      out.put('\n');
      expected += piece + std::to_string(i) + '\n';
    }
  });
  EXPECT_EQ(read_bytes(dir / "a"), expected);
}

TEST_F(AtomicWriteTest, TheOldFileStandsUntilTheEnd) {
  write_text(dir / "a", "old");
  write_file_atomically(dir / "a", [&](std::ostream& out) {
    out << std::string(1 << 20, 'x') << std::flush;
    EXPECT_EQ(read_bytes(dir / "a"), "old");
    EXPECT_EQ(entries().size(), 2u);  // the temporary file is beside it
  });
  EXPECT_EQ(read_bytes(dir / "a").size(), std::size_t{1} << 20);
  EXPECT_EQ(entries(), Names{"a"});
}

TEST_F(AtomicWriteTest, FilesOfASetAreReplacedTogetherOrNotAtAll) {
  write_text(dir / "a", "old");
  const std::vector<std::int32_t> labels = {1, 2};
  {
    OutputFiles files;
    files.add(dir / "a", [](std::ostream& out) { out << "new"; });
    write_labels(files, dir / "b.txt", labels);
    EXPECT_EQ(read_bytes(dir / "a"), "old");
    EXPECT_EQ(entries().size(), 3u);
    EXPECT_THROW(files.add("/dev/full", [](std::ostream& out) { out << "lost"; }), FileError);
  }
  EXPECT_EQ(read_bytes(dir / "a"), "old");
  EXPECT_EQ(entries(), Names{"a"});

  OutputFiles files;
  files.add(dir / "a", [](std::ostream& out) { out << "new"; });
  write_labels(files, dir / "b.txt", labels);
  files.commit();
  EXPECT_EQ(read_bytes(dir / "a"), "new");
  EXPECT_EQ(read_bytes(dir / "b.txt"), "1\n2\n");
  EXPECT_EQ(entries(), (Names{"a", "b.txt"}));
}

TEST_F(AtomicWriteTest, OfASetThoseBehindAFailedRenameAreLeftAsTheyWere) {
  write_text(dir / "c", "old");
  {
    OutputFiles files;
    for (const char* name : {"a", "b", "c"}) files.add(dir / name, [](std::ostream& out) { out << "new"; });
    fs::create_directory(dir / "b");  // no file can take its place
    EXPECT_THROW(files.commit(), FileError);
  }
  EXPECT_EQ(read_bytes(dir / "a"), "new");
  EXPECT_EQ(read_bytes(dir / "c"), "old");
  EXPECT_EQ(entries(), (Names{"a", "b", "c"}));
}

TEST_F(AtomicWriteTest, ASetWhoseCommitFailedMayTryAgain) {
  OutputFiles files;
  for (const char* name : {"a", "b"}) files.add(dir / name, [](std::ostream& out) { out << "new"; });
  fs::create_directory(dir / "b");
  EXPECT_THROW(files.commit(), FileError);
  fs::remove(dir / "b");
  write_text(dir / "a", "newer");
  files.commit();
  EXPECT_EQ(read_bytes(dir / "a"), "newer");  // not renamed once more
  EXPECT_EQ(read_bytes(dir / "b"), "new");
  EXPECT_EQ(entries(), (Names{"a", "b"}));
}

TEST_F(AtomicWriteTest, ASetTakesEachPlaceOnce) {
  fs::create_symlink("target", dir / "link");
  fs::create_directory_symlink(dir, dir / "same");
  OutputFiles files;
  files.add(dir / "link", [](std::ostream& out) { out << "first"; });
  for (const fs::path& again :
       {dir / "target", dir / "link", dir / "same" / "target", dir / "." / "target"}) {
    EXPECT_THROW(files.add(again, [](std::ostream& out) { out << "second"; }), FileError) << again;
  }
  files.commit();
  EXPECT_EQ(read_bytes(dir / "target"), "first");
  EXPECT_EQ(entries(), (Names{"link", "same", "target"}));
}

TEST_F(AtomicWriteTest, NewFilesObeyTheUmask) {
  for (const auto& [mask, expected] : {std::pair{0022u, 0644u}, {0027u, 0640u}, {0u, 0666u}}) {
    const mode_t before = ::umask(mask);
    write_text(dir / std::to_string(mask), "x");
    ::umask(before);
    EXPECT_EQ(mode(dir / std::to_string(mask)), expected);
  }
}

TEST_F(AtomicWriteTest, ReplacedFilesKeepTheirMode) {
  write_text(dir / "a", "old");
  fs::permissions(dir / "a", fs::perms(0604));
  write_text(dir / "a", "new");
  EXPECT_EQ(mode(dir / "a"), 0604u);
}

TEST_F(AtomicWriteTest, RelativePath) {
  const fs::path before = fs::current_path();
  fs::current_path(dir);
  write_text("a.txt", "x");
  fs::current_path(before);
  EXPECT_EQ(entries(), Names{"a.txt"});
}

TEST_F(AtomicWriteTest, LongNameIsNoHindrance) {
  const std::string name(255, 'n');
  write_text(dir / name, "x");
  EXPECT_EQ(entries(), Names{name});
}

TEST_F(AtomicWriteTest, FilesOfOthersAreNotMistakenForOurs) {
  // Leftovers of a killed process of the same number, before and after the names that come next.
  const std::string stem = ".omnimeans-" + std::to_string(::getpid()) + "-";
  for (int i = 0; i < 300; ++i) file(stem + std::to_string(i) + ".tmp", "theirs");
  write_text(dir / "a", "ours");
  EXPECT_EQ(read_bytes(dir / "a"), "ours");
  EXPECT_EQ(entries().size(), 301u);
  for (int i = 0; i < 300; ++i) EXPECT_EQ(read_bytes(dir / (stem + std::to_string(i) + ".tmp")), "theirs");
}

TEST_F(AtomicWriteTest, LinksStayAndLeadToTheNewFile) {
  fs::create_directory(dir / "data");
  write_text(dir / "data" / "real", "old");
  fs::create_symlink("data/real", dir / "relative");
  fs::create_symlink(dir / "data" / "real", dir / "absolute");
  fs::create_symlink("relative", dir / "chain");
  for (const char* name : {"relative", "absolute", "chain"}) {
    write_text(dir / name, name);
    EXPECT_TRUE(fs::is_symlink(dir / name));
    EXPECT_FALSE(fs::is_symlink(dir / "data" / "real"));
    EXPECT_EQ(read_bytes(dir / "data" / "real"), name);
  }
  EXPECT_EQ(entries(), (Names{"absolute", "chain", "data", "relative"}));
}

TEST_F(AtomicWriteTest, LinkToNothingCreatesItsTarget) {
  fs::create_symlink("target", dir / "link");
  write_text(dir / "link", "x");
  EXPECT_TRUE(fs::is_symlink(dir / "link"));
  EXPECT_EQ(read_bytes(dir / "target"), "x");
}

TEST_F(AtomicWriteTest, BadPaths) {
  expect_error("", "is empty");
  expect_error(dir / "no" / "a", "cannot create a file in '" + (dir / "no").string() + "': No such file");
  expect_error(dir, "is a directory");
  expect_error(dir / "", "is a directory");
  expect_error(dir / "new" / "", "Is a directory");
  expect_error(file("f", "x") / "a", "Not a directory");
  expect_error(dir / std::string(300, 'x'), "File name too long");
  fs::create_symlink("b", dir / "a");
  fs::create_symlink("a", dir / "b");
  expect_error(dir / "a", "symbolic links");
}

TEST_F(AtomicWriteTest, UnwritableDirectory) {
  fs::create_directory(dir / "d");
  write_text(dir / "d" / "a", "old");
  fs::permissions(dir / "d" / "a", fs::perms(0666));
  fs::permissions(dir / "d", fs::perms(0555));
  {
    const OrdinaryUser user;
    if (!user.active()) GTEST_SKIP() << "cannot become an ordinary user here";
    expect_error(dir / "d" / "new", "Permission denied");
    expect_error(dir / "d" / "a", "Permission denied");
  }
  fs::permissions(dir / "d", fs::perms(0755));
  EXPECT_EQ(read_bytes(dir / "d" / "a"), "old");
  EXPECT_FALSE(fs::exists(dir / "d" / "new"));
}

TEST_F(AtomicWriteTest, ReadOnlyFileIsNotReplaced) {
  write_text(dir / "a", "old");
  fs::permissions(dir / "a", fs::perms(0444));
  fs::permissions(dir, fs::perms(0777));
  const OrdinaryUser user;
  if (!user.active()) GTEST_SKIP() << "cannot become an ordinary user here";
  expect_error(dir / "a", "Permission denied");
  EXPECT_EQ(read_bytes(dir / "a"), "old");
}

TEST_F(AtomicWriteTest, FullDisk) {
  write_text(dir / "a", "old");
  const FileSizeLimit limit(100000);
  expect_error(dir / "a", "cannot write: File too large", std::string(100001, 'x'));
  expect_error(dir / "b", "cannot write: File too large", std::string(5000000, 'x'));
  EXPECT_EQ(read_bytes(dir / "a"), "old");
  write_text(dir / "b", std::string(100000, 'x'));
  EXPECT_EQ(entries(), (Names{"a", "b"}));
}

TEST_F(AtomicWriteTest, FullDiskWhileAMatrixIsWritten) {
  const Matrix<float> matrix(1000, 100);
  for (const char* name : {"a.npy", "a.fvecs", "a.bvecs", "a.csv"}) {
    write_text(dir / name, "old");
    const FileSizeLimit limit(70000);
    EXPECT_THROW(write_matrix(dir / name, matrix.view()), FileError) << name;
    EXPECT_EQ(read_bytes(dir / name), "old");
  }
  EXPECT_EQ(entries().size(), 4u);
}

TEST_F(AtomicWriteTest, FullDevice) {
  expect_error("/dev/full", "/dev/full: cannot write: No space left on device");
  fs::create_symlink("/dev/full", dir / "full.csv");
  const Matrix<float> matrix(3, 3);
  EXPECT_THROW(write_matrix(dir / "full.csv", matrix.view()), FileError);
  EXPECT_TRUE(fs::is_symlink(dir / "full.csv"));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  EXPECT_EQ(entries(), Names{"full.csv"});
}

TEST_F(AtomicWriteTest, DevicesAreWrittenTo) {
  write_text("/dev/null", std::string(1 << 20, 'x'));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(AtomicWriteTest, PipesAreWrittenTo) {
  ASSERT_EQ(::mkfifo((dir / "pipe").c_str(), 0600), 0);
  const int reader = ::open((dir / "pipe").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  write_text(dir / "pipe", "through");
  char text[16] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 7);
  ::close(reader);
  EXPECT_STREQ(text, "through");
  EXPECT_TRUE(fs::is_fifo(dir / "pipe"));
}

TEST_F(AtomicWriteTest, WhatTheWriterThrowsPassesThrough) {
  write_text(dir / "a", "old");
  const auto failing = [](std::ostream& out) {
    out << std::string(1 << 20, 'x');
    throw std::out_of_range("no more");
  };
  EXPECT_THROW(write_file_atomically(dir / "a", failing), std::out_of_range);
  EXPECT_THROW(write_file_atomically(dir / "b", failing), std::out_of_range);
  EXPECT_EQ(read_bytes(dir / "a"), "old");
  EXPECT_EQ(entries(), Names{"a"});
}

TEST_F(AtomicWriteTest, FailedStreamIsAnError) {
  write_text(dir / "a", "old");
  const auto failing = [](std::ostream& out) { out.setstate(std::ios::failbit); };
  EXPECT_THROW(write_file_atomically(dir / "a", failing), FileError);
  EXPECT_EQ(read_bytes(dir / "a"), "old");
  EXPECT_EQ(entries(), Names{"a"});
}

TEST_F(AtomicWriteTest, ThrowingStreamStillGivesTheReason) {
  const FileSizeLimit limit(1000);
  try {
    write_file_atomically(dir / "a", [](std::ostream& out) {
      out.exceptions(std::ios::badbit | std::ios::failbit);
      out << std::string(1 << 20, 'x');
    });
    ADD_FAILURE() << "no error";
  } catch (const FileError& error) {
    EXPECT_NE(std::string(error.what()).find("File too large"), std::string::npos) << error.what();
  }
  EXPECT_TRUE(entries().empty());
}

TEST_F(AtomicWriteTest, ReadersNeverSeeAMixture) {
  constexpr int rounds = 60;
  write_text(dir / "a", std::string(200000, 'z'));
  std::vector<std::thread> writers;
  for (const char letter : {'x', 'y'}) {
    writers.emplace_back([this, letter] {
      for (int i = 0; i < rounds; ++i) write_text(dir / "a", std::string(200000, letter));
    });
  }
  for (int i = 0; i < rounds; ++i) {
    const std::string seen = read_bytes(dir / "a");
    EXPECT_EQ(seen, std::string(200000, seen.empty() ? '?' : seen[0]));
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(entries(), Names{"a"});
}

}  // namespace
}  // namespace omnimeans::io::testing
