// SPDX-License-Identifier: GPL-3.0-or-later

/// A plot of one or more series over two axes, drawn as SVG or as characters.
package struct Plot: Sendable {
  /// An axis with its title, its scale and how a value is written on it.
  package struct Axis: Sendable {
    /// The title with its unit.
    package let title: String
    /// Whether equal steps are equal factors; all values are then positive.
    package let isLogarithmic: Bool
    /// How a value is written beside its tick, with so many significant digits, at least three.
    package let text: @Sendable (_ value: Double, _ digits: Int) -> String
    /// The values at which alone ticks may stand, in order; empty where they may stand anywhere.
    package var stops: [Double] = []

    /// Creates an axis.
    package init(
      title: String,
      isLogarithmic: Bool = false,
      text: @escaping @Sendable (_ value: Double, _ digits: Int) -> String
    ) {
      self.title = title
      self.isLogarithmic = isLogarithmic
      self.text = text
    }

    /// The texts of some ticks, with as many digits as tell different ones apart.
    func texts(_ ticks: [Double]) -> [String] {
      let wanted = Set(ticks).count
      let tries = (3...Self.mostDigits).lazy.map { digits in ticks.map { text($0, digits) } }
      return tries.first { Set($0).count == wanted } ?? ticks.map { text($0, 3) }
    }

    /// Digits after which a difference is one of rounding.
    private static let mostDigits = 15
  }

  /// A point, with the ends of its interval where it has one.
  package struct Point: Hashable, Sendable {
    /// The position on the horizontal axis, in its unit.
    package let x: Double
    /// The position on the vertical axis, in its unit.
    package let y: Double
    /// The lower and upper end of the interval of `y`.
    package let interval: ClosedRange<Double>?
    /// The lower and upper end of the interval of `x`.
    package let span: ClosedRange<Double>?

    /// Creates a point.
    package init(
      x: Double,
      y: Double,
      interval: ClosedRange<Double>? = nil,
      span: ClosedRange<Double>? = nil
    ) {
      self.x = x
      self.y = y
      self.interval = interval
      self.span = span
    }
  }

  /// Points that belong together.
  package struct Series: Hashable, Sendable {
    /// The name in the legend.
    package let name: String
    /// The points, in the order in which a line joins them.
    package let points: [Point]
    /// Whether a line joins the points.
    package let isLine: Bool

    /// Creates a series.
    package init(name: String, points: [Point], isLine: Bool = true) {
      self.name = name
      self.points = points
      self.isLine = isLine
    }
  }

  /// A value on the vertical axis that is marked, such as a limit.
  package struct Level: Hashable, Sendable {
    /// The name beside the line.
    package let name: String
    /// The position on the vertical axis, in its unit.
    package let value: Double

    /// Creates a level.
    package init(name: String, value: Double) {
      self.name = name
      self.value = value
    }
  }

  /// What the plot shows.
  package let title: String
  /// The horizontal axis.
  package var x: Axis
  /// The vertical axis.
  package let y: Axis
  /// The series, in the order of the legend.
  package var series: [Series]
  /// Positions on the horizontal axis that are marked, such as where a choice flips.
  package var marks: [Double] = []
  /// What a mark is; nil where the plot does not say.
  package var markName: String?
  /// Values on the vertical axis that are marked.
  package var levels: [Level] = []

  /// Creates a plot; points that are not finite, or not positive on a logarithmic axis, are left
  /// out of the drawing.
  package init(title: String, x: Axis, y: Axis, series: [Series]) {
    self.title = title
    self.x = x
    self.y = y
    self.series = series
  }
}

/// One axis of a drawing: the mapping from values to the unit interval, and its ticks.
struct Scale {
  let low: Double
  let high: Double
  let isLogarithmic: Bool

  /// The scale that holds all values; an empty set gets room, and a flat one reaches to zero or, by
  /// factors, to half and double.
  init(_ values: [Double], isLogarithmic: Bool) {
    self.isLogarithmic = isLogarithmic
    let legal = values.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
    let low = legal.min() ?? (isLogarithmic ? 1 : 0)
    let high = legal.max() ?? (isLogarithmic ? 10 : 1)
    if low < high {
      (self.low, self.high) = (low, high)
    } else if isLogarithmic {
      (self.low, self.high) = (low / 2, high * 2)
    } else {
      (self.low, self.high) = low == 0 ? (0, 1) : (min(0, low), max(0, high))
    }
  }

  /// The place of a value from 0 to 1, or nil where it cannot be drawn.
  func place(_ value: Double) -> Double? {
    guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
    let place =
      isLogarithmic
      ? (binaryLogarithm(value) - binaryLogarithm(low))
        / (binaryLogarithm(high) - binaryLogarithm(low))
      : (value - low) / (high - low)
    return min(max(place, 0), 1)
  }

  /// Values at equal distances, ends included.
  func ticks(_ count: Int) -> [Double] {
    (0..<count).map { index in
      let share = Double(index) / Double(count - 1)
      guard isLogarithmic else { return low + (high - low) * share }
      return low * power(high / low, share)
    }
  }
}
