// SPDX-License-Identifier: MIT
// A photo in few colours: every pixel is a sample of three features, the centroids are the palette. Writes a
// PNG with the photo on the left and the result on the right.
//
//   colour_quantisation OUT.png [COLOURS [PHOTO.png]]     without a photo: a landscape that it paints
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <omnimeans/omnimeans.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include <png.h>

namespace {

/// Rows of red, green, blue, a byte each.
struct Image {
  std::size_t width = 0, height = 0;
  std::vector<std::uint8_t> rgb = {};
};

Image read_png(const char* path) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_file(&png, path) == 0)
    throw std::runtime_error(std::string(path) + ": " + png.message);
  png.format = PNG_FORMAT_RGB;
  Image image{png.width, png.height, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(png))};
  const png_color white{255, 255, 255};  // behind what is transparent
  if (png_image_finish_read(&png, &white, image.rgb.data(), 0, nullptr) == 0)
    throw std::runtime_error(std::string(path) + ": " + png.message);
  return image;
}

void write_png(const char* path, const Image& image) {
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.format = PNG_FORMAT_RGB;
  png.width = static_cast<png_uint_32>(image.width);
  png.height = static_cast<png_uint_32>(image.height);
  if (png_image_write_to_file(&png, path, 0, image.rgb.data(), 0, nullptr) == 0)
    throw std::runtime_error(std::string(path) + ": " + png.message);
}

/// An evening: sky, sun, three ranges of hills, a lake, and the noise of a camera.
Image paint_landscape() {
  constexpr std::size_t width = 480, height = 320;
  Image image{width, height, std::vector<std::uint8_t>(width * height * 3)};
  std::uint32_t state = 1;
  for (std::size_t row = 0; row < height; ++row) {
    for (std::size_t column = 0; column < width; ++column) {
      const double x = static_cast<double>(column) / width, y = static_cast<double>(row) / height;
      const double mirrored = y > 0.72 ? 1.44 - y + 0.01 * std::sin(400 * y + 9 * std::sin(20 * x)) : y;
      double colour[3] = {60 + 190 * mirrored, 80 + 110 * mirrored, 150 + 20 * mirrored};
      const double sun = std::exp(-60 * ((x - 0.68) * (x - 0.68) + (mirrored - 0.3) * (mirrored - 0.3)));
      const double light[3] = {150, 110, 40};
      for (int c = 0; c < 3; ++c) colour[c] += light[c] * sun;
      for (int range = 0; range < 3; ++range) {
        const double crest = 0.42 + 0.09 * range + 0.05 * std::sin((5 + 3 * range) * x + 2 * range) +
                             0.012 * std::sin((31 + 14 * range) * x);
        if (mirrored < crest) continue;
        const double shade = 1 - 0.25 * range, haze = 40 * std::exp(-14 * (mirrored - crest));
        colour[0] = shade * 70 + haze;
        colour[1] = shade * 90 + 20 * range + haze;
        colour[2] = shade * 80 + haze;
      }
      const double water = y > 0.72 ? 0.8 : 1;
      for (std::size_t c = 0; c < 3; ++c) {
        state = state * 1664525u + 1013904223u;
        const double noise = static_cast<double>(state >> 24) / 255 * 8 - 4;
        const double value = std::clamp(colour[c] * water + noise, 0.0, 255.0);
        image.rgb[(row * width + column) * 3 + c] = static_cast<std::uint8_t>(std::lround(value));
      }
    }
  }
  return image;
}

Image beside(const Image& left, const Image& right) {
  constexpr std::size_t gap = 8;
  Image both{left.width + gap + right.width, left.height, {}};
  both.rgb.assign(both.width * both.height * 3, 255);
  for (std::size_t row = 0; row < left.height; ++row) {
    std::uint8_t* out = both.rgb.data() + row * both.width * 3;
    std::memcpy(out, left.rgb.data() + row * left.width * 3, left.width * 3);
    std::memcpy(out + (left.width + gap) * 3, right.rgb.data() + row * right.width * 3, right.width * 3);
  }
  return both;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 2) throw std::runtime_error("usage: colour_quantisation OUT.png [COLOURS [PHOTO.png]]");
  const std::size_t colours = argc > 2 ? std::stoul(argv[2]) : 16;
  const Image photo = argc > 3 ? read_png(argv[3]) : paint_landscape();
  const std::size_t n_pixels = photo.width * photo.height;

  omnimeans::Matrix<float> pixels(n_pixels, 3);
  std::copy(photo.rgb.begin(), photo.rgb.end(), pixels.data());
  const auto result = omnimeans::fit(pixels, {.n_clusters = colours, .seed = 1});

  Image quantised{photo.width, photo.height, std::vector<std::uint8_t>(n_pixels * 3)};
  for (std::size_t i = 0; i < n_pixels; ++i) {
    const auto colour = result.centroids.row(static_cast<std::size_t>(result.labels[i]));
    for (std::size_t c = 0; c < 3; ++c)
      quantised.rgb[3 * i + c] = static_cast<std::uint8_t>(std::lround(colour[c]));
  }
  write_png(argv[1], beside(photo, quantised));

  const double mean_square = result.inertia / static_cast<double>(3 * n_pixels);
  std::cout << argv[1] << ": " << photo.width << " x " << photo.height << " pixels, " << colours
            << " colours, " << result.n_iter << " iterations (" << result.backend << "), "
            << 10 * std::log10(255 * 255 / mean_square) << " dB\n";
} catch (const std::exception& error) {
  std::cerr << "colour_quantisation: " << error.what() << '\n';
  return 1;
}
