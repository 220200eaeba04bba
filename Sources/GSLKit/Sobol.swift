// SPDX-License-Identifier: GPL-3.0-or-later

import CGSL

/// A Sobol sequence: points that fill the unit cube evenly, the same in every run.
///
/// The origin is skipped, as the library does; the second point is the centre of the cube.
/// Source: Bratley and Fox, ACM Algorithm 659 (1988), with tables up to 40 dimensions.
@safe
package struct Sobol: ~Copyable {
  private let pointer: UnsafeMutablePointer<gsl_qrng>

  /// The number of dimensions, 1 to 40.
  package let dimensions: Int

  /// The most dimensions the tables hold; beyond it the library would yield zeros.
  package static let dimensionLimit = 40

  /// Starts a sequence.
  ///
  /// Throws `tooManyDimensions` beyond 40. Precondition: at least one dimension.
  package init(dimensions: Int) throws(GSLError) {
    precondition(dimensions > 0, "a sequence has at least one dimension")
    guard dimensions <= Self.dimensionLimit else {
      throw .tooManyDimensions(asked: dimensions, limit: Self.dimensionLimit)
    }
    prepareLibrary()
    self.dimensions = dimensions
    unsafe pointer = allocated(
      gsl_qrng_alloc(cgsl_qrng_sobol(), CUnsignedInt(dimensions)),
      "gsl_qrng_alloc"
    )
  }

  deinit { unsafe gsl_qrng_free(pointer) }

  /// The next point, every coordinate in [0, 1).
  package mutating func next() throws(GSLError) -> [Double] {
    var point = [Double](repeating: 0, count: dimensions)
    let code = unsafe gsl_qrng_get(pointer, &point)
    try check(code, "gsl_qrng_get")
    return point
  }

  /// The first `count` points, each moved by `shift` around the unit torus.
  ///
  /// A shift drawn at random keeps the evenness and makes designs of different seeds differ
  /// (Cranley and Patterson, 1976); an empty shift leaves the points where they are.
  package static func points(
    _ count: Int,
    dimensions: Int,
    shift: [Double] = []
  ) throws(GSLError) -> [[Double]] {
    var sequence = try Sobol(dimensions: dimensions)
    if !shift.isEmpty { try requireCount(shift, dimensions, "the shift") }
    var points: [[Double]] = []
    for _ in 0..<count {
      var point = try sequence.next()
      for index in shift.indices {
        point[index] = (point[index] + shift[index]).truncatingRemainder(dividingBy: 1)
      }
      points.append(point)
    }
    return points
  }
}
