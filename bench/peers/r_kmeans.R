# SPDX-License-Identifier: MIT
# R: stats::kmeans with algorithm = "Lloyd" from the given centroids, in double. Own defaults: Hartigan and Wong's
# algorithm from random samples, 10 iterations. The requests and answers are those of worker.hpp.

short <- 0.05  # seconds; a fit that takes less is done once more, and that counts: see worker.cpp

floats <- function(path, rows, columns) {
  matrix(readBin(path, "numeric", rows * columns, size = 4), nrow = rows, byrow = TRUE)
}

memory <- function(field) {
  line <- grep(paste0("^", field), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) * 1024
}

# Starts the high-water mark anew; what is resident, or -1 where the kernel does not know how.
reset_peak <- function() {
  gc()
  tryCatch({
    cat("5", file = "/proc/self/clear_refs")
    memory("VmRSS")
  }, error = function(e) -1, warning = function(w) -1)
}

answer <- function(line) {
  words <- strsplit(line, " ")[[1]]
  if (length(words) != 11 || words[1] != "fit") stop(paste("not a request:", line))
  n <- as.numeric(words[3]); d <- as.numeric(words[4]); k <- as.numeric(words[6]); max_iter <- as.integer(words[7])
  before <- reset_peak()
  start <- as.numeric(Sys.time())
  samples <- floats(words[2], n, d)
  centroids <- floats(words[5], k, d)
  conversion <- as.numeric(Sys.time()) - start
  clock <- function(expression) {
    start <- as.numeric(Sys.time())
    list(value = expression, seconds = as.numeric(Sys.time()) - start)
  }
  lloyd <- function(iterations) suppressWarnings(kmeans(samples, centroids, iter.max = iterations, algorithm = "Lloyd"))
  reset_peak()  # what the conversion took in between is not the library's
  limit <- as.numeric(words[10])
  if (limit > 0 && words[9] == "own") lloyd(1L)
  if (limit > 0 && words[9] == "given") {
    # As in worker.cpp: the set-up is paid once, so that where one iteration says "too long" three are asked.
    once <- clock(lloyd(1L))$seconds
    expected <- once * max_iter
    if (expected > limit && once <= limit / 2 && max_iter > 3) expected <- once + (max_iter - 1) * max(0, clock(lloyd(3L))$seconds - once) / 2
    if (expected > limit) return(paste("slow", expected))
  }
  fit <- function() clock(if (words[9] == "own") suppressWarnings(kmeans(samples, k)) else lloyd(max_iter))
  fitted <- fit()
  if (fitted$seconds < short) fitted <- fit()
  peak <- if (before < 0) -1 else memory("VmHWM") - before
  writeBin(as.vector(t(fitted$value$centers)), words[11], size = 4)
  # Where it did not converge it says one more than it was allowed.
  iterations <- if (words[9] == "own") fitted$value$iter else min(fitted$value$iter, max_iter)
  sprintf("ok %.9f %.9f %d %.0f 0", fitted$seconds, conversion, as.integer(iterations), peak)
}

set.seed(1)
# Of Makeconf, what R was compiled with, the flags that matter.
flags <- tryCatch(grep("^-[Om]", unlist(strsplit(grep("^CFLAGS", readLines(file.path(R.home("etc"), "Makeconf")), value = TRUE), " ")), value = TRUE),
                  error = function(e) character(), warning = function(w) character())
cat("ready", R.version.string, paste(R.version$platform, paste(flags, collapse = " ")), "float64", sep = "\t")
cat("\n")
input <- file("stdin", "r")
while (length(line <- readLines(input, 1)) > 0) {
  text <- tryCatch(answer(line), error = function(e) paste("error", conditionMessage(e)))
  cat(gsub("[\r\n]", " ", text), "\n", sep = "")
  flush(stdout())
}
