// SPDX-License-Identifier: MIT
// Grey images of pen strokes, like handwritten digits: integer values 0..255, mostly 0, neighbouring pixels
// alike.
//
// A cluster is a stroke of four segments through five points. A sample moves the points a little, shifts the
// whole, and varies the pen's width and pressure. A pixel at distance r from the stroke has the value 255 p
// (1 - r^2/w^2)^2 for r < w. Images are row-major and as square as n_features allows: ceil(sqrt(n_features))
// wide, the last row cut short. `separation` is the size of the strokes in units of the movement of their
// points.
#include <algorithm>
#include <array>
#include <cmath>

#include "datasets/kinds.hpp"

namespace omnimeans::datasets {
namespace {

struct Point {
  double x, y;
};
using Stroke = std::array<Point, 5>;  // in the unit square

constexpr double kDefaultSeparation = 16;

Stroke draw_stroke(const Spec& spec, std::size_t j) {
  CounterRng rng = stream(spec, Draw::strokes, j);
  Stroke stroke;
  for (Point& point : stroke) {
    point.x = 0.2 + 0.6 * rng.next_uniform();
    point.y = 0.2 + 0.6 * rng.next_uniform();
  }
  return stroke;
}

/// Squared distance from p to the segment a-b.
double squared_distance(Point p, Point a, Point b) {
  const double abx = b.x - a.x, aby = b.y - a.y, apx = p.x - a.x, apy = p.y - a.y;
  const double length2 = abx * abx + aby * aby;
  const double along = length2 > 0 ? std::clamp((apx * abx + apy * aby) / length2, 0.0, 1.0) : 0.0;
  const double dx = apx - along * abx, dy = apy - along * aby;
  return dx * dx + dy * dy;
}

}  // namespace

RowWriter make_images(const Spec& spec) {
  std::size_t width = 1;
  while (width * width < spec.n_features) ++width;
  const double movement = 0.6 / (spec.separation > 0 ? spec.separation : kDefaultSeparation);

  return [spec, width, movement](std::size_t i, std::span<double> row) {
    CounterRng rng = stream(spec, Draw::rows, i);
    Stroke stroke = draw_stroke(spec, rng.next_below(spec.n_clusters));
    const double shift_x = movement * rng.next_normal() / 2, shift_y = movement * rng.next_normal() / 2;
    for (Point& point : stroke) {
      point.x += shift_x + movement * rng.next_normal() / 2;
      point.y += shift_y + movement * rng.next_normal() / 2;
    }
    const double pen = 0.06 + 0.03 * rng.next_uniform(), pressure = 0.8 + 0.4 * rng.next_uniform();
    const double pen2 = pen * pen, pixel = 1 / static_cast<double>(width);

    for (std::size_t t = 0; t < row.size(); ++t) {
      const Point centre{(static_cast<double>(t % width) + 0.5) * pixel,
                         (static_cast<double>(t / width) + 0.5) * pixel};
      double nearest = pen2;
      for (std::size_t s = 0; s + 1 < stroke.size(); ++s) {
        nearest = std::min(nearest, squared_distance(centre, stroke[s], stroke[s + 1]));
      }
      const double ink = 1 - nearest / pen2;
      const double grey = std::min(255.0, 255 * pressure * ink * ink + 0.5);
      row[t] = static_cast<double>(static_cast<int>(grey));
    }
  };
}

}  // namespace omnimeans::datasets
